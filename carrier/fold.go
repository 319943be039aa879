package carrier

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// longestName is how many bytes a carrier's name has at most. What is longer is no name.
const longestName = 200

// apart are Latin letters that no decomposition takes apart.
var apart = strings.NewReplacer("ß", "ss", "ẞ", "ss", "æ", "ae", "Æ", "ae", "œ", "oe", "Œ", "oe", "ø", "o", "Ø", "o",
	"ł", "l", "Ł", "l", "đ", "d", "Đ", "d", "ð", "d", "Ð", "d", "þ", "th", "Þ", "th", "ı", "i", "™", "", "℠", "")

// joining are signs that stand inside a word without parting it: S.F., J&T, R+L, D'Or.
const joining = ".&+'’`"

// words are the words of a name as they are compared: lower-case letters and digits, without the accents of Latin letters.
func words(name string) []string {
	var b strings.Builder
	latin := false
	for _, r := range norm.NFKD.String(apart.Replace(name)) {
		switch {
		case unicode.Is(unicode.Mn, r):
			if !latin { // the marks of other scripts make other letters
				b.WriteRune(r)
			}
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b.WriteRune(unicode.ToLower(r))
		case !strings.ContainsRune(joining, r):
			b.WriteByte(' ')
		}
		latin = unicode.Is(unicode.Latin, r)
	}
	all := strings.Fields(norm.NFC.String(b.String()))
	if rest := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return w == "and" }); len(rest) > 0 {
		return rest
	}
	return all
}

// key is what two writings of one name have in common.
func key(words []string) string { return strings.Join(words, "") }

// legal are the words for a company's legal form that mean nothing else. SA, AS, AB, NV and SPA are countries, states and
// places as well.
var legal = map[string]bool{
	"gmbh": true, "mbh": true, "inc": true, "incorporated": true, "ltd": true, "limited": true, "llc": true, "llp": true,
	"corp": true, "corporation": true, "plc": true, "pty": true, "pvt": true, "pte": true, "kg": true, "ag": true,
	"bv": true, "srl": true, "sarl": true, "oy": true, "oyj": true, "aps": true, "sdn": true, "bhd": true,
}

// withoutForm takes the legal form off the end of a name. "Co" goes with another form only: alone it is a state.
func withoutForm(words []string) []string {
	n := len(words)
	for n > 1 && legal[words[n-1]] {
		n--
		if n > 1 && words[n-1] == "co" {
			n--
		}
	}
	return words[:n]
}

// clean takes off what stands around a cell's text without being seen.
func clean(name string) string {
	return strings.TrimFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || r == '\u200b' || r == '\u200c' || r == '\u200d' || r == '\u2060' || r == '\ufeff'
	})
}
