package value

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/biter777/countries"
)

func TestCountry(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "n/a": "", "DEU": "DEU", "DE": "DEU", "de": "DEU", " De ": "DEU", "276": "DEU", "40": "AUT", "040": "AUT", "276.0": "DEU", "4": "AFG",
		"Germany": "DEU", "Deutschland": "DEU", "Allemagne": "DEU", "Alemania": "DEU", "Germania": "DEU", "GERMANY": "DEU", "Germany (DE)": "DEU", "Federal Republic of Germany": "DEU", "GER": "DEU",
		"U.S.A.": "USA", "U.S.": "USA", "USA": "USA", "US": "USA", "United States": "USA", "United States of America": "USA", "Vereinigte Staaten": "USA", "États-Unis": "USA", "Etats Unis": "USA", "Estados Unidos": "USA", "Stati Uniti": "USA", "America": "USA",
		"UK": "GBR", "U.K.": "GBR", "Great Britain": "GBR", "England": "GBR", "Scotland": "GBR", "United Kingdom": "GBR", "Vereinigtes Königreich": "GBR", "Großbritannien": "GBR", "Royaume-Uni": "GBR",
		"Österreich": "AUT", "Oesterreich": "AUT", "España": "ESP", "Espana": "ESP", "日本": "JPN", "中国": "CHN", "대한민국": "KOR", "Россия": "RUS", "Ελλάδα": "GRC", "香港": "HKG", "Schweiz": "CHE", "Suisse": "CHE",
		"Korea, Republic of": "KOR", "Republic of Korea": "KOR", "South Korea": "KOR", "Korea (South)": "KOR", "North Korea": "PRK", "Congo (DRC)": "COD", "Congo, The Democratic Republic of the": "COD",
		"Iran, Islamic Republic of": "IRN", "Tanzania, United Republic of": "TZA", "Moldova, Republic of": "MDA", "Russian Federation": "RUS", "Viet Nam": "VNM", "Côte d'Ivoire": "CIV", "Ivory Coast": "CIV",
		"Czech Republic": "CZE", "Holland": "NLD", "The Netherlands": "NLD", "Hong Kong SAR China": "HKG", "Macau": "MAC", "Taiwan": "TWN", "Türkiye": "TUR", "Turkey": "TUR", "Virgin Islands, British": "VGB", "U.S. Virgin Islands": "VIR",
		"Saint Kitts and Nevis": "KNA", "St. Lucia": "LCA", "Guinea": "GIN", "Equatorial Guinea": "GNQ", "Niger": "NER", "Nigeria": "NGA", "Dominica": "DMA", "Dominican Republic": "DOM", "Austria": "AUT", "Australia": "AUS", "Ireland": "IRL", "Falkland Islands (Malvinas)": "FLK",
		"Kosovo": "XKX", "Swaziland": "SWZ", "Macedonia": "MKD", "UAE": "ARE", "EL": "GRC", "Curaçao": "CUW", "Réunion": "REU", `="DE"`: "DEU",
	} {
		if got, err := Country(cell); err != nil || got != want {
			t.Errorf("Country(%q) = %q, %v, want %q", cell, got, err, want)
		}
	}
}

func TestCountryNeverGuesses(t *testing.T) {
	for cell, candidates := range map[string]string{"Korea": "KOR PRK", "Corea": "KOR PRK", "Congo": "COD COG", "Georgia": "GEO USA", "Virgin Islands": "VGB VIR", "St. Martin": "MAF SXM", "Czechoslovakia": "CZE SVK"} {
		got, err := Country(cell)
		u, ok := errors.AsType[*Unclear](err)
		if !ok || u.Remedy == "" {
			t.Errorf("Country(%q) = %q, %v, want it refused", cell, got, err)
			continue
		}
		for code := range strings.FieldsSeq(candidates) {
			if !strings.Contains(u.Wrong, code) {
				t.Errorf("Country(%q) does not name %s: %s", cell, code, u.Wrong)
			}
		}
	}
	for _, cell := range []string{"Atlantis", "XX", "BAR", "D", "EU", "AN", "YU", "999", "California", "0", "Europe", "()", "-1", "1e1"} {
		if got, err := Country(cell); err == nil {
			t.Errorf("Country(%q) = %q, want it refused", cell, got)
		}
	}
}

// Every country that exists is found by its codes and by its English name.
func TestCountryKnowsAll(t *testing.T) {
	n := 0
	for _, c := range countries.All() {
		if gone[c.Alpha3()] || len(c.Alpha3()) != 3 || places().alpha3[c.Alpha3()] == "" {
			continue
		}
		n++
		if got, err := Country(strings.ToLower(c.Alpha2())); err != nil || got != c.Alpha3() {
			t.Errorf("%s = %q, %v, want %s", c.Alpha2(), got, err, c.Alpha3())
		}
		if c == countries.GEO || c == countries.COG {
			continue // shared names
		}
		if got, err := Country(c.String()); err != nil || got != c.Alpha3() {
			t.Errorf("%s = %q, %v, want %s", c.String(), got, err, c.Alpha3())
		}
	}
	if n != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and Kosovo", n)
	}
}

func TestLanguage(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "none": "", "de": "de", "DE": "de", "deu": "de", "ger": "de", "German": "de", "Deutsch": "de", "allemand": "de", "alemán": "de", "tedesco": "de", "de_DE": "de", "de-AT": "de", "en-US": "en", "English": "en", "français": "fr", "Francais": "fr",
		"Chinese (Simplified)": "zh", "zh-TW": "zh", "zh_Hant": "zh", "日本語": "ja", "Norwegian": "no", "norsk": "no", "nb": "nb", "iw": "he", "Hebrew": "he", "Filipino": "tl", "Indonesian": "id", " fr ": "fr", "uk": "uk",
	} {
		if got, err := Language(cell); err != nil || got != want {
			t.Errorf("Language(%q) = %q, %v, want %q", cell, got, err, want)
		}
	}
	for _, cell := range []string{"xx", "JP", "Klingonese", "123", "yue", "und", "x-private", "de de"} {
		if got, err := Language(cell); err == nil {
			t.Errorf("Language(%q) = %q, want it refused", cell, got)
		}
	}
}

func TestPhone(t *testing.T) {
	for _, c := range []struct{ cell, region, want string }{
		{"", "", ""}, {"+4915112345678", "", "+4915112345678"}, {"+49 151 12345678", "", "+4915112345678"}, {"+49 (0) 151 / 123 456-78", "", "+4915112345678"}, {"0049 151 12345678", "", "+4915112345678"},
		{"0151 12345678", "DE", "+4915112345678"}, {"0151 12345678", "DEU", "+4915112345678"}, {"15112345678", "DE", "+4915112345678"}, {"015112345678.0", "DE", "+4915112345678"}, {"'+31612345678", "", "+31612345678"}, {"'0612345678", "NL", "+31612345678"},
		{"(212) 555-2368", "US", "+12125552368"}, {"1-212-555-2368", "US", "+12125552368"}, {"tel:+12125552368", "", "+12125552368"}, {"06 12 34 56 78", "FR", "+33612345678"}, {`="+4915112345678"`, "", "+4915112345678"}, {"\u00a0+49 151 12345678", "", "+4915112345678"},
		{"020 7946 0018", "GB", "+442079460018"}, {"+39 06 1234 5678", "", "+390612345678"}, {"n/a", "DE", ""}, {"3915112345678", "", "refused"},
		{"0151 12345678", "", "refused"}, {"4915112345678", "DE", "refused"}, {"4.91511E+12", "DE", "refused"}, {"12", "DE", "refused"}, {"+49", "DE", "refused"}, {"call me", "DE", "refused"}, {"#NAME?", "DE", "refused"}, {"0151 12345678", "Atlantis", "refused"}, {"+999 1234567", "", "refused"},
		{"0151 12345678 ext. 5", "DE", "refused"}, {"1-800-FLOWERS", "US", "refused"},
	} {
		got, err := Phone(c.cell, c.region)
		if c.want == "refused" {
			if err == nil {
				t.Errorf("Phone(%q, %q) = %q, want it refused", c.cell, c.region, got)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("Phone(%q, %q) = %q, %v, want %q", c.cell, c.region, got, err, c.want)
		}
	}
}

func FuzzCountry(f *testing.F) {
	for _, s := range []string{"DE", "Deutschland", "U.S.A.", "Korea (South)", "276", "Côte d'Ivoire", "日本", "de_DE", "(", "x(y)z", "ß"} {
		f.Add(s)
	}
	codes, languages := regexp.MustCompile(`^[A-Z]{3}$`), regexp.MustCompile(`^[a-z]{2}$`)
	f.Fuzz(func(t *testing.T, cell string) {
		if code, err := Country(cell); err == nil && code != "" {
			if again, err := Country(code); err != nil || again != code || !codes.MatchString(code) {
				t.Errorf("Country(%q) gives %q, and then %q, %v", cell, code, again, err)
			}
		}
		if code, err := Language(cell); err == nil && code != "" {
			if again, err := Language(code); err != nil || again != code || !languages.MatchString(code) {
				t.Errorf("Language(%q) gives %q, and then %q, %v", cell, code, again, err)
			}
		}
	})
}

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"+49 (0) 151 12345678", "0049 151 12345678", "0151/12345678", "(212) 555-2368", "4.91511E+12", "tel:+1", "+", "00", "(+49)151", "'+31612345678"} {
		f.Add(s, "DE")
	}
	for _, s := range []string{"2108.0", "10,001", "'02108", "Ann <a@shop.example>, mailto:b@shop.example", "212-555-0111 x22"} {
		f.Add(s, "USA")
	}
	f.Fuzz(func(t *testing.T, cell, region string) {
		Emails(cell)
		WithoutExtension(cell)
		if code, err := PostalCode(cell, region); err == nil {
			if again, err := PostalCode(code.Value, region); err != nil || again.Value != code.Value {
				t.Errorf("PostalCode(%q, %q) gives %q, and then %q, %v", cell, region, code.Value, again.Value, err)
			}
		}
		number, err := Phone(cell, region)
		if err != nil || number == "" {
			return
		}
		if again, err := Phone(number, region); err != nil || again != number || !e164.MatchString(number) {
			t.Errorf("Phone(%q, %q) gives %q, and then %q, %v", cell, region, number, again, err)
		}
	})
}

func BenchmarkCountry(b *testing.B) {
	for _, s := range []string{"DEU", "DE", "Deutschland"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Country(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPhone(b *testing.B) {
	for _, s := range []string{"+4915112345678", "0151 12345678"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Phone(s, "DE"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestPostalCodes(t *testing.T) {
	for _, x := range []struct{ cell, country, want, why, doubt string }{
		{"10001", "USA", "10001", "", ""}, {"2108", "USA", "02108", "zero in front", ""}, {"4109", "DEU", "04109", "zero in front", ""}, {"1000", "FRA", "01000", "zero in front", ""},
		{"2108", "", "2108", "", ""}, {"1010", "AUT", "1010", "", ""}, {"118", "ITA", "118", "", "postal codes of ITA have 5"}, {"021081234", "USA", "021081234", "", ""},
		{"10001-1234", "USA", "10001-1234", "", ""}, {"10001.0", "USA", "10001", "decimals", ""}, {"2108.0", "USA", "02108", "zero in front", ""}, {"10,001", "USA", "10001", "thousands", ""},
		{"SW1A 1AA", "GBR", "SW1A 1AA", "", ""}, {"00-950", "POL", "00-950", "", ""}, {"100-0001", "JPN", "100-0001", "", ""}, {"600001", "JPN", "0600001", "zero in front", ""},
		{`="02108"`, "USA", "02108", "formula", ""}, {"'02108", "USA", "02108", "apostrophe", ""}, {"n/a", "USA", "", "no value", ""}, {"-", "", "", "no value", ""}, {"150", "NOR", "0150", "zero in front", ""},
	} {
		got, err := PostalCode(x.cell, x.country)
		if err != nil || got.Value != x.want {
			t.Errorf("PostalCode(%q, %q) = %+v, %v, want %q", x.cell, x.country, got, err, x.want)
			continue
		}
		told := slices.ContainsFunc(got.Notes, func(n Note) bool { return strings.Contains(n.Why, x.why) })
		if (x.why != "") != told || (x.doubt != "") != (len(got.Warnings) > 0) || x.doubt != "" && !strings.Contains(got.Warnings[0], x.doubt) {
			t.Errorf("PostalCode(%q, %q) = %+v, want the note %q and the doubt %q", x.cell, x.country, got, x.why, x.doubt)
		}
	}
	for _, cell := range []string{"1.0001E+4", "2026-06-26", "26.06.2026", "Jun-26", "10,001", "1.5", "=1+1", "#REF!", "0.33"} {
		if got, err := PostalCode(cell, ""); err == nil {
			t.Errorf("PostalCode(%q) = %+v, want damage", cell, got)
		}
	}
}

func TestPhrases(t *testing.T) {
	for cell, want := range map[string]string{"Ann": "Ann", " - ": "", "n/a": "", "None": "", "NULL": "", "NA": "NA", "Nan": "Nan", "none of them": "none of them", `="x"`: "x"} {
		if got := Phrase(cell); got.Value != want || want == "" && len(got.Notes) == 0 {
			t.Errorf("Phrase(%q) = %+v, want %q", cell, got, want)
		}
	}
}

func TestErrorsOfSpreadsheets(t *testing.T) {
	for _, cell := range []string{"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "########", "#BEZUG!", "#WERT!", "#NV", "#¡REF!", "#n/a", "Err:502", "#ССЫЛКА!"} {
		if Failed(cell) == nil {
			t.Errorf("%q is taken", cell)
		}
	}
	for _, cell := range []string{"", "#1001", "#", "##", "Erik", "Err: see note", "#sale"} {
		if err := Failed(cell); err != nil {
			t.Errorf("%q: %v", cell, err)
		}
	}
}

func TestCountriesInOtherWords(t *testing.T) {
	for cell, want := range map[string]string{
		"Hong Kong SAR": "HKG", "France métropolitaine": "FRA", "Switzerland/Suisse": "CHE", "Switzerland (Suisse)": "CHE", "Suisse / Schweiz / Svizzera": "CHE", "Germany/DE": "DEU", "US-CA": "USA", "CA-ON": "CAN", "DE-BY": "DEU", "FR-75": "FRA", "JP-13": "JPN",
		"ドイツ": "DEU", "日本": "JPN", "アメリカ": "USA", "アメリカ合衆国": "USA", "イギリス": "GBR", "フランス": "FRA", "オランダ": "NLD", "中国": "CHN", "韓国": "KOR", "台湾": "TWN", "香港": "HKG", "オーストラリア": "AUS", "シンガポール": "SGP",
		"德国": "DEU", "美国": "USA", "英国": "GBR", "法国": "FRA", "日本国": "refused", "德國": "DEU", "澳大利亚": "AUS", "加拿大": "CAN", "독일": "DEU", "미국": "USA", "대한민국": "KOR", "한국": "KOR", "일본": "JPN", "중국": "CHN",
		"Germany/France": "refused", "DE-AT": "refused", "XX-CA": "refused", "EU": "refused", "Germany/": "DEU", "US-AT": "refused", "AU-SA": "AUS", "Nowhere/Germany": "refused",
	} {
		got, err := Country(cell)
		if want == "refused" && err == nil || want != "refused" && (err != nil || got != want) {
			t.Errorf("Country(%q) = %q, %v, want %q", cell, got, err, want)
		}
	}
}

func TestEmails(t *testing.T) {
	for cell, want := range map[string]string{
		"a@x.de": "a@x.de", "Ann Smith <a@x.de>": "a@x.de", `"Smith, Ann" <a@x.de>`: "a@x.de", "Smith, Ann <a@x.de>; Bob <b@x.de>": "a@x.de; b@x.de", "a@x.de, Bob <b@x.de>, c@x.de": "a@x.de; b@x.de; c@x.de", "a@x.de <a@x.de>": "a@x.de",
		"mailto:a@x.de": "a@x.de", "MAILTO: a@x.de": "a@x.de", "<a@x.de>": "a@x.de", "a@x.de / b@x.de": "a@x.de; b@x.de", "a@x.de b@x.de": "a@x.de; b@x.de", "-": "", "n/a": "", "a@x.de/b": "a@x.de/b", "Ann <": "Ann <", "no email": "no email",
	} {
		got, notes := Emails(cell)
		if strings.Join(got, "; ") != want || want == "" && len(notes) == 0 {
			t.Errorf("Emails(%q) = %q, %v, want %q", cell, got, notes, want)
		}
	}
	if _, notes := Emails("Ann <mailto:a@x.de>"); len(notes) != 2 || notes[1].Was != notes[0].Now || notes[1].Now != "a@x.de" {
		t.Errorf("notes %+v", notes)
	}
}

func TestSeveralPhones(t *testing.T) {
	for cell, want := range map[string]string{
		"+49 30 123456 / 0151 12345678": "+49 30 123456; 0151 12345678", "030 / 1234567": "030 / 1234567", "0151/12345678": "0151/12345678", "0": "0",
	} {
		if got := strings.Join(List(cell), "; "); got != want {
			t.Errorf("List(%q) = %q, want %q", cell, got, want)
		}
	}
	for cell, want := range map[string]string{"212-555-0111 x22": "212-555-0111", "212-555-0111x22": "212-555-0111", "212-555-0111 ext. 22": "212-555-0111", "212-555-0111, Ext 7": "212-555-0111", "0301234567 Durchwahl 12": "0301234567"} {
		if got, had := WithoutExtension(cell); !had || got != want {
			t.Errorf("WithoutExtension(%q) = %q, %v", cell, got, had)
		}
	}
	for _, cell := range []string{"212-555-0111", "+4915112345678", "x22 something", "text 22x"} {
		if got, had := WithoutExtension(cell); had || got != cell {
			t.Errorf("WithoutExtension(%q) = %q, %v", cell, got, had)
		}
	}
	for _, cell := range []string{"0", "-", "000", "n/a"} {
		if got, err := Phone(cell, "DE"); got != "" || err != nil {
			t.Errorf("Phone(%q) = %q, %v", cell, got, err)
		}
	}
}
