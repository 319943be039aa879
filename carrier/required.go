package carrier

import (
	"fmt"
	"slices"
	"strings"
)

// Required lists the columns that a row of the courier needs beside the number: as the account's list says or, for a courier
// that it does not have ([Table.Listed]), as AfterShip's list said in November 2022. AfterShip changes them, so what is not of
// the account's list is good for a warning only.
func (t *Table) Required(slug string) []string {
	if at, ok := t.bySlug[slug]; ok && t.couriers[at].listed {
		return slices.Clone(t.couriers[at].Required)
	}
	return slices.Clone(builtin().required[slug])
}

// twins are the columns of which a row needs one: what couriers ask for, and the address that versions of the API since
// 2025-04 ask for instead. Whichever is filled in is sent under the version's name.
var twins = [][2]string{
	{"tracking_postal_code", "destination_postal_code"},
	{"tracking_state", "destination_state"},
	{"tracking_origin_country", "origin_country"},
	{"tracking_destination_country", "destination_country"},
}

// Twin is the column that may be filled in instead of a required one; "" if there is none.
func Twin(column string) string {
	for _, t := range twins {
		switch column {
		case t[0]:
			return t[1]
		case t[1]:
			return t[0]
		}
	}
	return ""
}

// Missing lists the required columns that a row has neither itself nor by their twin.
func Missing(required []string, has func(column string) bool) []string {
	var missing []string
	for _, column := range required {
		if twin := Twin(column); !has(column) && (twin == "" || !has(twin)) {
			missing = append(missing, column)
		}
	}
	return missing
}

// Needs words which columns a courier needs: "courier postnl (PostNL) needs tracking_postal_code or destination_postal_code".
func Needs(c Courier, missing []string) string {
	columns := make([]string, len(missing))
	for i, column := range missing {
		columns[i] = EitherColumn(column)
	}
	return fmt.Sprintf("courier %s needs %s", c, strings.Join(columns, ", and "))
}

// EitherColumn names a column and, behind "or", the one that may be filled in instead.
func EitherColumn(column string) string {
	if twin := Twin(column); twin != "" {
		return column + " or " + twin
	}
	return column
}
