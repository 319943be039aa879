package charset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Unsure says that the bytes of a text do not show its encoding, and what each encoding would make of them.
type Unsure struct {
	Lines      []int       // of the samples, from 1
	Candidates []Candidate // the likelier first; empty if no encoding makes sense of the text
}

// Candidate is an encoding that the text may be in.
type Candidate struct {
	Encoding string
	Samples  []string // the cells in question as it reads them, in the order of Lines
}

// Numbers of what is shown.
const (
	shownSamples    = 3
	shownCandidates = 6
	shownRunes      = 40
)

func (u *Unsure) Error() string {
	const remedy = "say which is right with --encoding, or save the file as \"CSV UTF-8\""
	if len(u.Candidates) == 0 {
		return "the text is not UTF-8, and no usual encoding makes sense of it; it may be damaged, or no text: " + remedy
	}
	var b strings.Builder
	for i, c := range u.Candidates {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s reads %s", c.Encoding, strings.Join(quoted(c.Samples), ", "))
	}
	return fmt.Sprintf("the text is not UTF-8, and its bytes don't show which encoding it is in (%s): %s; %s", lines(u.Lines), b.String(), remedy)
}

func quoted(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = fmt.Sprintf("%q", text)
	}
	return out
}

func lines(numbers []int) string {
	var words []string
	for _, n := range slices.Compact(slices.Clone(numbers)) { // a line may have several samples
		words = append(words, fmt.Sprint(n))
	}
	if len(words) == 1 {
		return "line " + words[0]
	}
	return "lines " + strings.Join(words, ", ")
}

// unsure makes the error out of all readings.
func unsure(all []reading, cells []cell) *Unsure {
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(a.badness(), b.badness()) })
	u := &Unsure{}
	for _, c := range cells[:min(len(cells), shownSamples)] {
		u.Lines = append(u.Lines, c.line)
	}
	seen := map[string]bool{}
	for _, r := range all {
		samples := r.samples()
		if key := strings.Join(samples, "\x00"); len(u.Candidates) < shownCandidates && !seen[key] {
			seen[key] = true
			u.Candidates = append(u.Candidates, Candidate{r.name, samples})
		}
	}
	return u
}

// badness orders readings: the share of what is odd or rare in them.
func (r *reading) badness() int {
	bad := 100 * r.odd / r.chars
	if r.family == double {
		bad = max(bad, 100-r.share())
	}
	return bad
}

func (r *reading) samples() []string {
	var samples []string
	for _, text := range r.texts[:min(len(r.texts), shownSamples)] {
		samples = append(samples, shorten(text))
	}
	return samples
}

// shorten makes a text fit to be shown.
func shorten(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Co, r) {
			return '\uFFFD'
		}
		return r
	}, text))
	if len(runes) > shownRunes {
		return string(runes[:shownRunes]) + "…"
	}
	return string(runes)
}

// mixedDoubt is the doubt about a text of which some cells are UTF-8 and others, those given, are not.
func mixedDoubt(cells []cell) *Unsure {
	u := unsure(readings(cells), cells)
	var samples []string
	for _, c := range cells[:min(len(cells), shownSamples)] {
		samples = append(samples, shorten(strings.ToValidUTF8(string(c.bytes), replacement)))
	}
	u.Candidates = append([]Candidate{{UTF8, samples}}, u.Candidates[:min(len(u.Candidates), shownCandidates-1)]...)
	return u
}

// isLatin says that an encoding has one byte for each Latin letter.
func isLatin(name string) bool {
	return slices.ContainsFunc(candidates, func(c candidate) bool { return c.name == name && (c.family == latin || c.family == dos) })
}
