package carrier

import (
	"regexp"
	"strings"
)

// Courier is a courier as far as names and required columns go.
type Courier struct {
	Slug string
	// Name is what AfterShip calls it. It may be empty for a courier that only the built-in data knows.
	Name string
	// OtherName holds further names, with commas between them.
	OtherName string
	// Required are the columns of our sheets that a row of this courier needs beside the number.
	Required []string
	// Active is whether the account has activated it.
	Active bool
}

// String is the slug with the name behind it, for people.
func (c Courier) String() string {
	if c.Name == "" {
		return c.Slug
	}
	return c.Slug + " (" + c.Name + ")"
}

// otherNames lists the other names one by one, as AfterShip writes several of them.
func (c *Courier) otherNames() []string {
	var names []string
	for name := range strings.SplitSeq(c.OtherName, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// connections are the ends of slugs that mean another way of asking the same company, with credentials or a kind of number
// of its own. A longer end stands before those that it ends with.
var connections = []string{"-sender-ref", "-ref", "-reference", "-connum", "-pieceid", "-api", "-edi", "-sftp", "-ftp",
	"-webhook", "-web", "-soap", "api"}

// baseOf is the slug that a connection would belong to; "" if the slug looks like none.
func baseOf(slug string) string {
	for _, end := range connections {
		if base, ok := strings.CutSuffix(slug, end); ok {
			return base
		}
	}
	return ""
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(?:[-_][a-z0-9]+)*$`)

// IsSlug reports whether the text has the form of a slug.
func IsSlug(s string) bool { return len(s) <= longestName && slugForm.MatchString(s) }
