package value

import (
	"strings"
	"time"
)

// monthNames are the months in English, German, French, Spanish and Italian, and how programs shorten them.
var monthNames = [12]string{
	"jan january januar jän jänner janvier janv enero ene gennaio gen",
	"feb february februar feber février févr fév fevrier fevr febrero febbraio",
	"mar march mär märz mrz maerz mars marzo",
	"apr april avril avr abril abr aprile",
	"may mai mayo maggio mag",
	"jun june juni juin junio giugno giu",
	"jul july juli juillet juil julio luglio lug",
	"aug august août aout aoû agosto ago",
	"sep sept september septembre septiembre setiembre settembre set",
	"oct october okt oktober octobre octubre ottobre ott",
	"nov november novembre noviembre",
	"dec december dez dezember déc décembre decembre diciembre dic dicembre",
}

var months = indexMonths()

func indexMonths() map[string]time.Month {
	index := map[string]time.Month{}
	for i, names := range monthNames {
		for name := range strings.FieldsSeq(names) {
			index[name] = time.Month(i + 1)
		}
	}
	return index
}

// monthOf is the month of a name, or 0.
func monthOf(name string) time.Month {
	return months[strings.TrimSuffix(strings.ToLower(name), ".")]
}
