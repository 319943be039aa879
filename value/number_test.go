package value

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNumberTakesSoundOnesAsTheyAre(t *testing.T) {
	for _, s := range []string{
		"", "1Z5R89390357567127", "RB123456785GB", "9405803699300124287899", "986578788855", "12E45678", "E12345678", "00340434161094042557",
		"TBA502887274000", "1LS7119013618127-1", "ABC-123", "a.b/c_1", "0123", "123456789012340", "JJD0002257639032011", "420221539101026837331000039521",
		"5682836100120002", "12345678901234567", "34043416109404255", "MAY-24", "DEC-1234", "12-MAR", "1234567890123456789",
	} {
		c, err := Number(s)
		if err != nil || c.Value != s || len(c.Notes) > 0 || len(c.Warnings) > 0 {
			t.Errorf("Number(%q) = %+v, %v", s, c, err)
		}
	}
}

func TestNumberRepairsWhatIsCertain(t *testing.T) {
	for _, c := range []struct{ cell, want, why string }{
		{`="00123"`, "00123", "formula"},
		{`=" 00123 "`, "00123", "formula"},
		{"'00123456", "00123456", "apostrophe"},
		{"’1Z5R89390357567127", "1Z5R89390357567127", "apostrophe"},
		{"\u00a01Z5R89390357567127\u200b", "1Z5R89390357567127", "cannot be seen"},
		{"\ufeff986578788855", "986578788855", "cannot be seen"},
		{"9865\u200b78788855", "986578788855", "cannot be seen"},
		{"1Z5R8939\u2009\u20090357567127", "1Z5R89390357567127", "help the eye"},
		{"９８６５７８７８８８５５", "986578788855", "full-width"},
		{"ＲＢ１２３４５６７８５ＧＢ", "RB123456785GB", "full-width"},
		{"“986578788855”", "986578788855", "quotation"},
		{"„986578788855“", "986578788855", "quotation"},
		{`"986578788855"`, "986578788855", "quotation"},
		{"'986578788855'", "986578788855", "quotation"},
		{"#1Z5R89390357567127", "1Z5R89390357567127", "#"},
		{"1Z 999 AA1 01 2345 6784", "1Z999AA10123456784", "help the eye"},
		{"1Z-999-AA1-01-2345-6784", "1Z999AA10123456784", "help the eye"},
		{"9400 1112 0108 0805 4830 16", "9400111201080805483016", "help the eye"},
		{"RB 123 456 785 GB", "RB123456785GB", "help the eye"},
		{"GM 2951173225174494", "GM2951173225174494", "help the eye"},
		{"0307 1790 0005 2348 3741", "03071790000523483741", "help the eye"},
		{"56.310 243.031 3", "563102430313", "help the eye"}, // as Deutsche Post prints it
		{"9865-7878-8855", "986578788855", "help the eye"},
		{"12345 67890", "1234567890", "help the eye"},
		{"1LS7119013618127–1", "1LS7119013618127-1", "dash"},
		{"986578788855.0", "986578788855", "decimals"},
		{"986578788855,00", "986578788855", "decimals"},
		{"340434161094042557.00", "00340434161094042557", "decimals"},
		{"986,578,788,855", "986578788855", "thousands"},
		{"986.578.788.855,00", "986578788855", "thousands"},
		{"986'578'788'855", "986578788855", "thousands"},
		{"986,578,788,855.00", "986578788855", "thousands"},
		{"7.84512369012345E+14", "784512369012345", "all its digits"},
		{"7,84512369012345e14", "784512369012345", "all its digits"},
		{"340434161094042557", "00340434161094042557", "zeros in front"},
		{"N/A", "", "no value"},
		{" nan ", "", "no value"},
		{"-", "", "no value"},
	} {
		got, err := Number(c.cell)
		if err != nil || got.Value != c.want {
			t.Errorf("Number(%q) = %+v, %v, want %q", c.cell, got, err, c.want)
			continue
		}
		if !slices.ContainsFunc(got.Notes, func(n Note) bool { return strings.Contains(n.Why, c.why) }) {
			t.Errorf("Number(%q) tells %+v, want something of %q", c.cell, got.Notes, c.why)
		}
	}
}

func TestNumberNotesLeadFromTheCellToTheValue(t *testing.T) {
	got, err := Number("\u00a0=\"９８６５ ７８７８ ８８５５\"")
	if err != nil {
		t.Fatal(err)
	}
	was := "\u00a0=\"９８６５ ７８７８ ８８５５\""
	for _, n := range got.Notes {
		if n.Was != was || n.Why == "" {
			t.Errorf("the note %+v does not follow %q", n, was)
		}
		was = n.Now
	}
	if was != got.Value || got.Value != "986578788855" {
		t.Errorf("the notes end with %q, and the value is %q", was, got.Value)
	}
}

func TestPlainWhiteSpaceGoesWithoutAWord(t *testing.T) {
	got, err := Number(" 986578788855\r\n")
	if err != nil || got.Value != "986578788855" || len(got.Notes) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestNumberRefusesDamage(t *testing.T) {
	for cell, why := range map[string]string{
		"1.2E+21": "scientific", "3,4043E+17": "scientific", "3.4E17": "scientific", "9.40011E+21": "scientific", "2E+21": "scientific", "340.4E+15": "scientific",
		"7.84512E+14": "scientific", "1.2E-05": "scientific", `="1.2E+21"`: "scientific", "９.４E+21": "scientific",
		"9400111206213640000000": "fifteenth", "940011120621364000": "fifteenth", "94001112062136400000": "fifteenth",
		"340,434,161,094,021,000": "fifteenth",
		"340434161094021000.00":   "fifteenth",
		"340 434 161 094 021 000": "fifteenth",
		"9400111206213641830400":  "fifteenth", // as pandas prints it
		"94001112062136420000":    "fifteenth", // as JavaScript prints it
		"00340434161094000000":    "fifteenth",
		"5000000000000000000000":  "fifteenth",
		"03-Apr":                  "date", "3. Mai": "date", "Mai 24": "date", "Okt-25": "date", "10-déc": "date", "2025-03-01 00:00:00": "date", "Apr-2024": "date",
		"#NAME?": "error", "#REF!": "error", "#N/A": "error", "########": "error", "#BEZUG!": "error", "#DIV/0!": "error",
		"TRUE": "truth", "falsch": "truth", "VRAI": "truth",
	} {
		got, err := Number(cell)
		d, ok := errors.AsType[*Damage](err)
		if !ok || !strings.Contains(d.Wrong, why) || d.Remedy == "" || d.Value == "" {
			t.Errorf("Number(%q) = %+v, %v, want damage for its %s", cell, got, err, why)
		}
		if got.Value != "" {
			t.Errorf("Number(%q) gives %q beside an error", cell, got.Value)
		}
	}
}

func TestNumberRefusesWhatIsNoNumber(t *testing.T) {
	for cell, why := range map[string]string{
		"2026-06-26": "date", "26.06.2026": "date", "26/06/2026": "date", "06-26-2026": "date", "26-Jun-2026": "date", "26. Juni 2026": "date", "1-2-3456": "date",
		"2026-06-26T06:00:00": "date", "26/06/2026 00:00": "date", "2026/6/26": "date", "10:30": "date", "26.06.26": "date", "Jun 26, 2026": "date",
		"12345678.9": "decimal", "0,333333333": "decimal", "1.5": "decimal",
		"TBA": "no digit", "pending": "no digit", "in transit": "no digit", "未発送": "no digit", "???": "no digit",
	} {
		got, err := Number(cell)
		wrong, remedy := refusal(err)
		if !strings.Contains(wrong, why) || remedy == "" || got.Value != "" {
			t.Errorf("Number(%q) = %+v, %v, want a refusal for its %s", cell, got, err, why)
		}
	}
	for _, sound := range []string{"20260626", "12-34-567", "123-456-789", "1LS7119013618127-1", "12-MAR", "1.2.3.4", "12/345"} {
		if got, err := Number(sound); err != nil || got.Value != sound {
			t.Errorf("Number(%q) = %+v, %v", sound, got, err)
		}
	}
}

// refusal is what an error of this package says and advises.
func refusal(err error) (wrong, remedy string) {
	if d, ok := errors.AsType[*Damage](err); ok {
		return d.Wrong, d.Remedy
	}
	if u, ok := errors.AsType[*Unclear](err); ok {
		return u.Wrong, u.Remedy
	}
	return "", ""
}

func TestSeveralNumbersAreNeverSentAsOne(t *testing.T) {
	const a, b, c = "1Z5R89390357567127", "RB123456785GB", "00340434161094042557"
	for _, x := range []struct {
		cell string
		want []string // none: refused
	}{
		{"7946 1234 5678 7946 1234 5690", nil}, {"12345678901/12345678902", nil}, {"12345678901-12345678905", nil}, {"12345678901+12345678904", nil},
		{"1Z999AA10123456784/1Z999AA10123456801", nil}, {"1Z999AA10123456811-1Z999AA10123456829", nil}, {"12345678901/986578788855", nil},
		{"986578788855 12345678901", nil}, {strings.Repeat("1234 ", 9), nil}, {strings.Repeat("1", 36), nil}, {"RN418923764GB_RN418923779GB", nil},
		{"9865 7878 8855 9865 7878 8855", []string{"986578788855", "986578788855"}},
		{"0034 0434 1610 9404 2557 0034 0434 1610 9404 2557", []string{c, c}}, {c + c, []string{c, c}}, {a + a, []string{a, a}}, {b + b + b, []string{b, b, b}},
		{a + "/" + a, []string{a, a}}, {a + "-" + a, []string{a, a}}, {a + "/" + b, []string{a, b}}, {b + "_" + b, []string{b, b}}, {a + "+" + c, []string{a, c}},
		{"1Z 5R8 939 03 5756 7127 1Z 5R8 939 03 5756 7127", []string{a, a}}, {"9865-7878-8855 9865-7878-8856", []string{"9865-7878-8855", "9865-7878-8856"}},
		{"9405 8036 9930 0124 2878 99 9405 8036 9930 0124 2878 99", []string{"9405803699300124287899", "9405803699300124287899"}},
	} {
		parts := Numbers(x.cell, "")
		if _, err := Number(x.cell); err == nil && len(parts) < 2 {
			t.Errorf("Number(%q) takes it for one", x.cell)
		} else if _, remedy := refusal(err); len(parts) < 2 && remedy != severalRemedy {
			t.Errorf("Number(%q) is refused with %v", x.cell, err)
		}
		if x.want != nil && !slices.Equal(parts, x.want) || x.want == nil && len(parts) != 1 {
			t.Errorf("Numbers(%q) = %q, want %q", x.cell, parts, x.want)
		}
	}
	for _, one := range []string{
		"9400 1112 0108 0805 4830 16", "420221539101026837331000039521", "4202 2153 9101 0268 3733 1000 0395 21", "1234567-1234568", "550e8400-e29b-41d4-a716-446655440000",
		"123456789012345678901234567890AB", "JJD0002257639032011", "12345678901-1", "114-1234567-1234567",
	} {
		if got, err := Number(one); err != nil || len(Numbers(one, "")) != 1 {
			t.Errorf("Number(%q) = %+v, %v", one, got, err)
		}
	}
}

func TestNumberWarnsOfWhatIsDoubtful(t *testing.T) {
	for cell, warning := range map[string]string{
		"1234567890123450":       "rounded", // a zero in the sixteenth place has one sound number in ten
		"12345678901234500":      "rounded",
		"12E45":                  "scientific",
		"34043416109402E15":      "scientific",
		"1Z5R89390357567128":     "check digit of UPS",
		"RB123456786US":          "check digit of S10",
		"9405803699300124287898": "check digit of USPS",
		"3071790000523483741":    "zeros in front",
	} {
		got, err := Number(cell)
		if err != nil || got.Value != cell || !slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.Contains(w, warning) }) {
			t.Errorf("Number(%q) = %+v, %v, want a warning of %q", cell, got, err, warning)
		}
	}
}

// A number of a known courier whose check digit holds is believed up to four zeros; beyond that chance is too small.
func TestACheckDigitSavesUpToFourZeros(t *testing.T) {
	for _, c := range []struct {
		zeros   int
		refused bool
	}{{3, false}, {5, true}} {
		number := completed(strings.Repeat("1", trueDigits), c.zeros, t)
		got, err := Number(number)
		if refused := err != nil; refused != c.refused || !refused && len(got.Warnings) == 0 {
			t.Errorf("Number(%q), %d zeros and a check digit that holds = %+v, %v", number, c.zeros, got, err)
		}
	}
}

// completed finds a number of zeros after fifteen digits whose GS1 check digit holds.
func completed(digits string, zeros int, t *testing.T) string {
	for a := '1'; a <= '9'; a++ {
		for b := '0'; b <= '9'; b++ {
			number := string([]rune{a, b}) + digits[2:] + strings.Repeat("0", zeros)
			if gs1(number) {
				if zeros == 3 {
					number = "00" + string([]rune{a, b}) + digits[2:] + strings.Repeat("0", zeros)
				}
				return number
			}
		}
	}
	t.Fatal("no number found")
	return ""
}

func TestNumberRefusesWhatIsUnclear(t *testing.T) {
	for _, cell := range []string{"DHL 1234567890", "see note", "1Z5R89390357567127, 1Z879E930346834440", "Müller1", "12345678 12345678", "https://a.example/?x=1", "1+2", "a\x00b c"} {
		got, err := Number(cell)
		if u, ok := errors.AsType[*Unclear](err); !ok || u.Remedy == "" {
			t.Errorf("Number(%q) = %+v, %v, want it to be refused as unclear", cell, got, err)
		}
	}
}

func TestOrderNumber(t *testing.T) {
	for cell, want := range map[string]string{
		"#1001": "1001", "# 1001": "1001", "1001": "1001", "R 1001": "R 1001", "DE-1001/2": "DE-1001/2", "1001.0": "1001", `="0001"`: "0001", "'0001": "0001",
		"#DE1001": "DE1001", "114-7894561-1234567": "114-7894561-1234567", "n/a": "", "\u200e1001\u00a0": "1001", "Bestellung 7": "Bestellung 7", "##7": "##7", "1,234,567": "1234567",
		"2024 #7": "2024 #7", "Müller": "Müller",
	} {
		got, err := OrderNumber(cell)
		if err != nil || got.Value != want {
			t.Errorf("OrderNumber(%q) = %+v, %v, want %q", cell, got, err, want)
		}
	}
	for _, cell := range []string{"5.76461E+17", "576461413038785000", "03-Apr", "#NAME?", "TRUE"} {
		if got, err := OrderNumber(cell); err == nil {
			t.Errorf("OrderNumber(%q) = %+v, want damage", cell, got)
		}
	}
}

func TestRounded(t *testing.T) {
	for number, want := range map[string]int{"123456789012345": 0, "1234567890123450": 1, "123456789012345000": 3, "123456789012345001": 0, "00123456789012345": 0, "001234567890123450": 1, "12345678901234567890": 0, "ABCDEFGHIJKLMNO000": 0, "": 0} {
		if got := Rounded(number); got != want {
			t.Errorf("Rounded(%q) = %d, want %d", number, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "Blue shoes": "Blue shoes", " Blue shoes ": "Blue shoes", "\ufeffBlue": "Blue", "Müller\u00a0": "Müller", "É": "É", `="00123"`: "00123",
		"'0012": "0012", "'+31 612": "+31 612", "'t Hooft": "'t Hooft", "'90s music": "'90s music", "a\u00a0b": "a\u00a0b", "\u200b": "", `="a" & "b"`: `="a" & "b"`, "\x00x\x1f": "x",
		"“x”": "“x”", "👨‍👩‍👧": "👨‍👩‍👧",
	} {
		got, notes := Text(cell)
		if got != want {
			t.Errorf("Text(%q) = %q, want %q", cell, got, want)
		}
		if told := len(notes) > 0; told != (got != strings.Trim(cell, " ")) {
			t.Errorf("Text(%q) tells %+v", cell, notes)
		}
	}
}

func TestNumbers(t *testing.T) {
	const a, b, c = "1Z879E930346834440", "1Z410E7W0392751591", "9400111201080805483016"
	for _, x := range []struct {
		cell, separators string
		want             []string
	}{
		{"", "", nil}, {" ", "", nil}, {a, "", []string{a}}, {a + ", " + b + "; " + c, "", []string{a, b, c}}, {a + "\r\n" + b, "", []string{a, b}},
		{a + " / " + b, "", []string{a, b}}, {a + " & " + b, "", []string{a, b}}, {a + " and " + b, "", []string{a, b}}, {a + " und " + b, "", []string{a, b}},
		{a + " " + b, "", []string{a, b}}, {a + "|" + b + "|", "", []string{a, b}}, {"986578788855 477179081230", "", []string{"986578788855", "477179081230"}},
		{"1Z 999 AA1 01 2345 6784", "", []string{"1Z 999 AA1 01 2345 6784"}}, {"9400 1112 0108 0805 4830 16", "", []string{"9400 1112 0108 0805 4830 16"}},
		{"9400 1112 0108 0805 4830 16, " + a, "", []string{"9400 1112 0108 0805 4830 16", a}},
		{"340,434,161,094,021,518", "", []string{"340,434,161,094,021,518"}}, {"3,4043E+17", "", []string{"3,4043E+17"}}, {"986578788855,00", "", []string{"986578788855,00"}},
		{`="` + a + `, ` + b + `"`, "", []string{a, b}}, {"DHL 1234567890", "", []string{"DHL 1234567890"}}, {"see and ask", "", []string{"see and ask"}},
		{a + "+" + b, "+", []string{a, b}}, {a + ", " + b, "|", []string{a, b}}, {a + "~" + b + ", " + c, "~", []string{a, b, c}}, {a + "、" + b, "", []string{a, b}}, {"12/345", "", []string{"12/345"}},
	} {
		if got := Numbers(x.cell, x.separators); !slices.Equal(got, x.want) {
			t.Errorf("Numbers(%q, %q) = %q, want %q", x.cell, x.separators, got, x.want)
		}
	}
}

func TestList(t *testing.T) {
	for _, x := range []struct {
		cell string
		want []string
	}{
		{"", nil}, {"a@x.de", []string{"a@x.de"}}, {"a@x.de, b@x.de;c@x.de\nd@x.de", []string{"a@x.de", "b@x.de", "c@x.de", "d@x.de"}}, {"a@x.de b@x.de", []string{"a@x.de", "b@x.de"}},
		{"+49 151 123; +31 6 12", []string{"+49 151 123", "+31 6 12"}}, {"Ann a@x.de", []string{"Ann a@x.de"}}, {" ; ,", nil},
	} {
		if got := List(x.cell); !slices.Equal(got, x.want) {
			t.Errorf("List(%q) = %q, want %q", x.cell, got, x.want)
		}
	}
}

// taken is what AfterShip takes for a tracking number (its OpenAPI document).
var taken = regexp.MustCompile(`^[A-Za-z0-9._/-]*$`)

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1Z 999 AA1 01 2345 6784", `="00123"`, "'00123", "3,4043E+17", "9400111206213640000000", "340,434,161,094,021,518.00", "“#1001”", "９８６５", "56.310 243.031 3", "03-Apr", "n/a", "1.0.0", "1-2-3", "#NA", "''1''", "7.84512369012345E+14", "340434161094042557", "\u200d\u00a0x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		for name, clean := range map[string]func(string) (Cleaned, error){"Number": Number, "OrderNumber": OrderNumber} {
			once, err := clean(cell)
			if err != nil {
				continue
			}
			if name == "Number" && !taken.MatchString(once.Value) {
				t.Errorf("Number(%q) gives %q, which AfterShip does not take", cell, once.Value)
			}
			if again, err := clean(once.Value); err != nil || again.Value != once.Value || len(again.Notes) > 0 {
				t.Errorf("%s(%q) gives %q, and then %+v, %v", name, cell, once.Value, again, err)
			}
		}
		text, _ := Text(cell)
		if again, _ := Text(text); again != text {
			t.Errorf("Text(%q) gives %q, and then %q", cell, text, again)
		}
		Couriers(cell)
		for _, n := range Numbers(cell, "") {
			if n == "" {
				t.Errorf("Numbers(%q) gives an empty number", cell)
			}
		}
		List(cell)
	})
}

func BenchmarkNumber(b *testing.B) {
	for _, s := range []string{"986578788855", "1Z5R89390357567127", "RB123456785GB", "9405803699300124287899", "00340434161094042557", "12345678901234", "1LS7119013618127-1", "1Z 999 AA1 01 2345 6784"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Number(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	for _, s := range []string{"Blue shoes", "Müller", " Blue shoes"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Text(s)
			}
		})
	}
}
