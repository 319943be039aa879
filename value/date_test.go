package value

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func form(t testing.TB, text string) Form {
	f, err := ParseForm(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDateWithoutAForm(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", " ": "", "n/a": "", "0000-00-00 00:00:00": "",
		"2026-05-31": "2026-05-31", "20260531": "2026-05-31", "2026/5/31": "2026-05-31", "2026.05.31": "2026-05-31", "2026-5-1": "2026-05-01", "2026年5月31日": "2026-05-31",
		"2026-02-29 ": "refused", "2024-02-29": "2024-02-29", "2026-13-01": "refused", "1899-12-31": "refused",
		"31.12.2026": "2026-12-31", "05.06.2026": "2026-06-05", "5.6.2026": "2026-06-05", "05.06.26": "2026-06-05", "12.31.2026": "refused", "31. 12. 2026": "2026-12-31",
		"31/12/2026": "2026-12-31", "12/31/2026": "2026-12-31", "05/06/2026": "refused", "05-06-2026": "refused", "05/05/2026": "2026-05-05", "5/13/2026": "2026-05-13",
		"09/25/26": "2026-09-25", "03/14/24": "2024-03-14", "31/12/25": "refused", "03/04/26": "refused", "03.04/2026": "refused",
		"10-Dez-25": "2025-12-10", "Jul-21-25": "2025-07-21", "2 October 2026": "2026-10-02", "October 2, 2026": "2026-10-02", "2026-Oct-02": "2026-10-02", "2nd October 2026": "2026-10-02",
		"3. März 2026": "2026-03-03", "3 mars 2026": "2026-03-03", "1er août 2026": "2026-08-01", "21 de julio de 2025": "2025-07-21", "21 luglio 2025": "2025-07-21", "Mo, 3. Mai 2027": "2027-05-03",
		"10-Dez": "refused", "Dez 25": "refused", "31-Feb-26": "refused", "May May 2026": "refused", "10-Foo-25": "refused",
		"Mon, 23 Sep 2024 14:21:24 +0000": "2024-09-23", "2026-07-20 12:30:00 +0000": "2026-07-20", "2025-07-30T08:34:47+00:00": "2025-07-30", "2026-05-01 10:00:00 +0200": "2026-05-01",
		"20260531T140000Z": "2026-05-31", "20260531140000": "2026-05-31", "31.12.2026 14:05": "2026-12-31", "31.12.2026, 14:05 Uhr": "2026-12-31", "Sep 23, 2024 2:21:24 PM PDT": "2024-09-23",
		"46085": "refused", "46085.62": "refused", "1700000000": "refused", "4.6085E+04": "refused", "########": "refused", "12102024": "refused", "tomorrow": "refused", "-5": "refused", "2026": "refused",
		"\u00a02026-05-31\u200b": "2026-05-31", `="31.12.2026"`: "2026-12-31", "'31.12.2026": "2026-12-31", "３１.１２.２０２６": "2026-12-31", "31–12–2026": "2026-12-31",
	} {
		got, _, err := Date(cell, Form{})
		if want == "refused" {
			if err == nil {
				t.Errorf("Date(%q) = %q, want it refused", cell, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("Date(%q) = %q, %v, want %q", cell, got, err, want)
		}
	}
}

func TestAnAmbiguousDateShowsItsReadings(t *testing.T) {
	_, _, err := Date("05/06/2026", Form{})
	u, ok := errors.AsType[*Unclear](err)
	if !ok || u.Wrong != "may be 5 June 2026 or 6 May 2026" || !strings.Contains(u.Remedy, "--date-format") {
		t.Errorf("got %#v", err)
	}
}

func TestDateSaysWhatElseACellHolds(t *testing.T) {
	for cell, want := range map[string]string{"46085": "spreadsheet counts", "1700000000": "seconds since 1970", "########": "error of a spreadsheet", "4.6085E+04": "scientific", "10-Dez": "its day or its year", "31.02.2026": "no day of the calendar", "5.6.2026 25:00": "no clock", "5.6.2026 10:00 CST": "CST"} {
		if _, _, err := Date(cell, Form{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Date(%q) says %v, want %q", cell, err, want)
		}
	}
}

func TestDateWithAForm(t *testing.T) {
	for _, c := range []struct{ form, cell, want string }{
		{"DD.MM.YYYY", "05.06.2026", "2026-06-05"}, {"DD/MM/YYYY", "05/06/2026", "2026-06-05"}, {"MM/DD/YYYY", "05/06/2026", "2026-05-06"}, {"MM/DD/YYYY", "5/6/2026", "2026-05-06"},
		{"dd-mm-yyyy", "05-06-2026", "2026-06-05"}, {"MM/DD/YY", "05/06/26", "2026-05-06"}, {"YY/MM/DD", "25/12/31", "2025-12-31"}, {"DDMMYYYY", "05062026", "2026-06-05"}, {"D.M.YYYY", "5.6.2026", "2026-06-05"},
		{"DD-MMM-YY", "10-Dez-25", "2025-12-10"}, {"MMM-DD-YY", "Jul-21-25", "2025-07-21"}, {"MMMM D, YYYY", "July 21, 2025", "2025-07-21"}, {"DD/MM/YYYY HH:MM:SS", "05/06/2026 10:11:12", "2026-06-05"},
		{"DD/MM/YYYY hh:mm a", "05/06/2026 10:11 PM", "2026-06-05"}, {"DD/MM/YYYY", "2026-06-05", "2026-06-05"}, {"DD/MM/YYYY", "2026-06-05T10:00:00Z", "2026-06-05"},
		{"DD/MM/YYYY", "05.06.2026", "2026-06-05"}, {"DD/MM/YYYY", "31/13/2026", ""}, {"DD/MM/YYYY", "05/06/26", "2026-06-05"}, {"MM/DD/YYYY", "31-12-2026", ""},
		{"DD/MM/YYYY", "5 Jun 2026", "2026-06-05"}, {"MM/DD/YYYY", "5. Juni 2026", "2026-06-05"}, {"DD/MM/YYYY", "6.6.2026", "2026-06-06"}, {"MM/DD/YYYY", "05.06.2026", "2026-06-05"}, {"MM.DD.YYYY", "05.06.2026", "2026-05-06"},
		{"MM.DD.YYYY", "31.12.2026", ""}, {"DD.MM.YYYY", "05/06/2026", "2026-06-05"}, {"MM/DD/YYYY", "05-06-2026", "2026-05-06"}, {"YYYY/MM/DD", "05/06/26", ""}, {"YYYY/MM/DD", "31/12/2026", "2026-12-31"}, {"DD/MM/YYYY", "tomorrow", ""},
		{"DD-MMM-YY", "05/06/2026", "2026-06-05"}, {"MM/DD/YYYY", "31/12/2026", ""},
		{"unix", "1700000000", "2023-11-14"}, {"unix", "1700000000123", "2023-11-14"}, {"unix", "2026-06-05", "2026-06-05"}, {"unix", "x", ""}, {"excel", "46085", "2026-03-04"}, {"excel", "46085,5", "2026-03-04"}, {"excel", "1e300", ""}, {"excel", "NaN1", ""},
	} {
		got, _, err := Date(c.cell, form(t, c.form))
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("Date(%q, %q) = %q, %v, want %q", c.cell, c.form, got, err, c.want)
		}
	}
}

func TestDatetime(t *testing.T) {
	berlin := time.FixedZone("", 2*3600)
	for _, c := range []struct{ form, cell, want string }{
		{"", "2026-05-31T14:00:00+02:00", "2026-05-31T14:00:00+02:00"}, {"", "2026-05-31T14:00:00Z", "2026-05-31T14:00:00Z"}, {"", "2026-05-31T14:00:00", "2026-05-31T14:00:00+02:00"}, {"", "2026-05-31", "2026-05-31T00:00:00+02:00"},
		{"", "2026-07-20 12:30:00 +0000", "2026-07-20T12:30:00Z"}, {"", "Mon, 23 Sep 2024 14:21:24 +0000", "2024-09-23T14:21:24Z"}, {"", "2026-05-01 10:00:00 +0200", "2026-05-01T10:00:00+02:00"}, {"", "2026-05-01 10:00:00 -0530", "2026-05-01T10:00:00-05:30"},
		{"", "Jul 21, 2025 3:04:05 PM PDT", "2025-07-21T15:04:05-07:00"}, {"", "21.07.2025 12:04 AM", "2025-07-21T00:04:00+02:00"}, {"", "Mon Sep 23 2024 14:21:24 GMT+0200 (Central European Summer Time)", "2024-09-23T14:21:24+02:00"},
		{"", "Mon Sep 23 14:21:24 UTC 2024", "2024-09-23T14:21:24Z"}, {"", "2026-05-31 14:00:00.123", "2026-05-31T14:00:00.123+02:00"}, {"", "20260531T140000Z", "2026-05-31T14:00:00Z"}, {"", "31.12.2026, 14:05 Uhr", "2026-12-31T14:05:00+02:00"},
		{"MM/DD/YYYY", "05/06/2026 1:02 pm", "2026-05-06T13:02:00+02:00"}, {"unix", "1700000000", "2023-11-14T22:13:20Z"}, {"excel", "46085.5", "2026-03-04T12:00:00+02:00"},
		{"", "", ""},
	} {
		got, _, err := Datetime(c.cell, form(t, c.form), berlin)
		if err != nil || got != c.want {
			t.Errorf("Datetime(%q, %q) = %q, %v, want %q", c.cell, c.form, got, err, c.want)
		}
	}
	for _, cell := range []string{"2026-05-31 14:00 IST", "2026-05-31 13:00 PM", "2026-05-31 14:60", "2026-05-31T14:00:00+99:00", "05/06/2026 10:00"} {
		if got, _, err := Datetime(cell, Form{}, berlin); err == nil {
			t.Errorf("Datetime(%q) = %q, want it refused", cell, got)
		}
	}
	if got, _, err := Datetime("2026-05-31 14:00", Form{}, nil); err == nil || !strings.Contains(err.Error(), "UTC") {
		t.Errorf("without a zone: %q, %v", got, err)
	}
}

// A clock shows one hour twice in autumn and leaves one out in spring: what it showed before the change is meant.
func TestDatetimeInAZone(t *testing.T) {
	zones := map[string]*time.Location{}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones[name] = loc
	}
	for _, c := range []struct{ zone, cell, want string }{
		{"Europe/Berlin", "2026-01-15 10:00", "2026-01-15T10:00:00+01:00"}, {"Europe/Berlin", "2026-07-15 10:00", "2026-07-15T10:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00"}, {"Europe/Berlin", "2026-10-25 01:30", "2026-10-25T01:30:00+02:00"}, {"Europe/Berlin", "2026-10-25 03:30", "2026-10-25T03:30:00+01:00"},
		{"Europe/Berlin", "2026-03-29 02:30", "2026-03-29T02:30:00+01:00"}, {"Europe/Berlin", "2026-03-29 03:30", "2026-03-29T03:30:00+02:00"}, {"Europe/Berlin", "2026-03-29 23:30", "2026-03-29T23:30:00+02:00"},
		{"America/New_York", "2026-11-01 01:30", "2026-11-01T01:30:00-04:00"}, {"America/New_York", "2026-11-20", "2026-11-20T00:00:00-05:00"}, {"America/New_York", "2026-03-08 02:30", "2026-03-08T02:30:00-05:00"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05T01:45:00+11:00"}, {"UTC", "2026-11-20 10:00", "2026-11-20T10:00:00Z"}, {"Europe/Berlin", "2026-11-20T10:00:00-03:00", "2026-11-20T10:00:00-03:00"},
	} {
		if got, _, err := Datetime(c.cell, Form{}, zones[c.zone]); err != nil || got != c.want {
			t.Errorf("Datetime(%q) in %s = %q, %v, want %q", c.cell, c.zone, got, err, c.want)
		}
	}
	if _, _, err := Datetime("2026-11-20 10:00", Form{}, nil); !errors.Is(err, ErrNoOffset) {
		t.Errorf("without a zone: %v", err)
	}
	if _, _, err := Datetime("05/06/2026 10:00", Form{}, nil); err == nil || errors.Is(err, ErrNoOffset) {
		t.Errorf("an ambiguous day: %v", err)
	}
}

func TestDatesTellRepairs(t *testing.T) {
	_, notes, err := Date("\u00a02026-05-31", Form{})
	if err != nil || len(notes) != 1 || notes[0].Now != "2026-05-31" {
		t.Errorf("got %+v, %v", notes, err)
	}
}

func TestParseForm(t *testing.T) {
	for _, text := range []string{"DD.MM.YYYY", "MM/DD/YYYY", "DD-MMM-YY", "YYYY-MM-DD", "unix", "excel", ""} {
		if f := form(t, text); f.String() != text {
			t.Errorf("ParseForm(%q).String() = %q", text, f)
		}
	}
	for _, text := range []string{"%d.%m.%Y", "DD.MM", "YYYY", "DD.MM.YYYY.DD", "german", "02.01.2006", "DDD.MM.YYYY", "MM/DD", "((", "%"} {
		if f, err := ParseForm(text); err == nil || !strings.Contains(err.Error(), "DD.MM.YYYY") {
			t.Errorf("ParseForm(%q) = %q, %v, want an error that shows a form", text, f, err)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2026-05-31", "31.12.2026", "05/06/2026", "10-Dez-25", "Jul-21-25", "Mon, 23 Sep 2024 14:21:24 +0000", "2026-07-20 12:30:00 +0000", "46085", "Jul 21, 2025 3:04:05 PM PDT", "2026年5月31日", "1:00 UTC 2024", "20260531T140000Z", "0:00+0000"} {
		f.Add(s, "")
		f.Add(s, "DD.MM.YYYY")
	}
	f.Add("1700000000", "unix")
	f.Add("46085.5", "excel")
	f.Fuzz(func(t *testing.T, cell, format string) {
		form, err := ParseForm(format)
		if err != nil {
			return
		}
		if iso, _, err := Date(cell, form); err == nil && iso != "" {
			if again, notes, err := Date(iso, form); err != nil || again != iso || len(notes) > 0 {
				t.Errorf("Date(%q, %q) gives %q, and then %q, %v", cell, form, iso, again, err)
			}
			if _, err := time.Parse(time.DateOnly, iso); err != nil {
				t.Error(err)
			}
		}
		if at, _, err := Datetime(cell, form, time.UTC); err == nil && at != "" {
			if again, _, err := Datetime(at, form, nil); err != nil || again != at {
				t.Errorf("Datetime(%q, %q) gives %q, and then %q, %v", cell, form, at, again, err)
			}
			if _, err := time.Parse(time.RFC3339, at); err != nil {
				t.Error(err)
			}
		}
	})
}

func BenchmarkDate(b *testing.B) {
	for _, s := range []string{"2026-05-31", "31.12.2026", "Jul-21-25", "2026-07-20 12:30:00 +0000"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Date(s, Form{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
