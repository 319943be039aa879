package carrier

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestReadOwn(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.csv", "DHL,dhl-germany\nOther,-\n", "DHL=dhl-germany Other=-"},
		{"a.csv", "\ufeffname;slug\r\nDHL;dhl-germany\r\n\r\n# a note\r\n\"Bob; Sons\";bob\r\n", "DHL=dhl-germany Bob; Sons=bob"},
		{"a.txt", "Carrier\tSlug\nDHL\tdhl-germany\t\n", "DHL=dhl-germany"},
		{"a.csv", "# a note, with commas\nDHL;dhl\n", "DHL=dhl"},
		{"a.csv", "DHL,dhl\nd.h.l., dhl \n", "DHL=dhl"},
		{"a.csv", "", ""},
		{"a.yaml", "DHL: dhl-germany\nNO: posten-norge\n? 'Other'\n: '-'\n", "DHL=dhl-germany NO=posten-norge Other=-"},
		{"a.YML", "", ""},
		{"a.yml", "# nothing yet\n", ""},
	} {
		own, err := ReadOwn(strings.NewReader(c.text), c.file)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		if got := own.text(); got != c.want {
			t.Errorf("%q is %q, not %q", c.text, got, c.want)
		}
	}
}

func (o *Own) text() string {
	var parts []string
	for _, n := range o.names {
		parts = append(parts, n.name+"="+n.slug)
	}
	return strings.Join(parts, " ")
}

func TestOwnTablesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.csv", "DHL\n", "line 1: there are 1 cells"},
		{"a.csv", "DHL,dhl,Germany\n", "line 1: there are 3 cells"},
		{"a.csv", "name,slug\nDHL,DHL Express\n", `line 2: "DHL Express" is not a courier's slug`},
		{"a.csv", "name,slug\nDHL,\n", `line 2: "" is not a courier's slug`},
		{"a.csv", ",dhl\n", "line 1: the name is empty"},
		{"a.csv", "DHL,dhl\n\nd h l,dhl-germany\n", `line 3: "d h l" means dhl-germany here and dhl before`},
		{"a.csv", "DHL,\"dhl\n", "line 1"},
		{"a.csv", strings.Repeat("x", 300) + ",dhl\n", "line 1: the name has 300 bytes"},
		{"a.csv", strings.Repeat("#\n", maxOwnSize), "more than 4 MB"},
		{"a.yaml", "- dhl\n", "line 1: this is no list of names"},
		{"a.yaml", "DHL: [dhl]\n", "line 1: a name has one slug"},
		{"a.yaml", "a: &x dhl\nb: *x\n", "line 2: a name has one slug"},
		{"a.yaml", "DHL: Dhl\n", `line 1: "Dhl" is not`},
		{"a.yaml", "DHL: :\n  - x", "yaml"},
	} {
		_, err := ReadOwn(strings.NewReader(c.text), c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%.30q: %v, without %q", c.text, err, c.want)
		}
	}
	if _, err := ReadOwn(badReader{}, "a.csv"); !errors.Is(err, errBad) {
		t.Error(err)
	}
}

var errBad = errors.New("bad disk")

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errBad }

func TestOwnTablesAreBounded(t *testing.T) {
	var own Own
	for i := range maxOwn {
		if err := own.Add(fmt.Sprint("carrier ", i), "dhl"); err != nil {
			t.Fatal(err)
		}
	}
	if err := own.Add("one more", "dhl"); err == nil || own.Len() != maxOwn {
		t.Error(err, own.Len())
	}
	if err := own.Add("Carrier 7", "dhl"); err != nil {
		t.Error(err) // it is there already
	}
}

func FuzzReadOwn(f *testing.F) {
	for _, text := range []string{"DHL,dhl\n", "name;slug\n\"a;b\";-\n", "a\tb\t\n", "DHL: dhl\nb: '-'\n", "a: &x b\nc: *x\n", "? - a\n: b", "\"", "#,\n,"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, isYAML bool) {
		name := "a.csv"
		if isYAML {
			name = "a.yaml"
		}
		own, err := ReadOwn(strings.NewReader(text), name)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := own.Write(&b); err != nil {
			t.Fatal(err)
		}
		again, err := ReadOwn(&b, "a.csv")
		if err != nil || again.text() != own.text() {
			t.Errorf("%q was written and read again as %q: %v", own.text(), again.text(), err)
		}
	})
}
