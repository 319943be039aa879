package charset

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
)

// family is a kind of encodings that are told apart in the same way.
type family string

const (
	latin  family = "latin"  // one byte a letter, Latin letters
	dos    family = "dos"    // the same, as DOS and old Macs had it
	alpha  family = "alpha"  // one byte a letter, other alphabets
	double family = "double" // up to two bytes a character: Chinese, Japanese, Korean
)

// candidate is an encoding that a text may be in.
type candidate struct {
	name    string
	family  family
	telling *telling                    // how words look in languages that use it
	common  func(lead, trail byte) bool // the first level of a double-byte encoding: what all but rare names are written in
	single  func(byte) bool
}

// candidates are the encodings that spreadsheets come in, the likelier first within a family.
var candidates = []candidate{
	{name: "windows-1252", family: latin, telling: western},
	{name: "iso-8859-15", family: latin, telling: western},
	{name: "windows-1250", family: latin, telling: central},
	{name: "iso-8859-2", family: latin, telling: central},
	{name: "windows-1254", family: latin, telling: turkish},
	{name: "windows-1257", family: latin, telling: baltic},
	{name: "ibm850", family: dos, telling: western},
	{name: "macintosh", family: dos, telling: western},
	{name: "windows-1251", family: alpha},
	{name: "koi8-r", family: alpha},
	{name: "iso-8859-5", family: alpha},
	{name: "ibm866", family: alpha},
	{name: "windows-1253", family: alpha},
	{name: "iso-8859-7", family: alpha},
	{name: "windows-1255", family: alpha},
	{name: "windows-1256", family: alpha},
	{name: "windows-874", family: alpha},
	{name: "shift_jis", family: double, common: commonShiftJIS, single: halfWidth},
	{name: "euc-jp", family: double, common: commonEUCJP, single: none},
	{name: "gbk", family: double, common: commonGBK, single: none},
	{name: "big5", family: double, common: commonBig5, single: none},
	{name: "euc-kr", family: double, common: commonEUCKR, single: none},
}

// reading is a text as one candidate reads it.
type reading struct {
	candidate
	texts   []string      // one for each cell
	odd     int           // characters that hardly stand where they stand in any language
	chars   int           // characters beyond ASCII
	common  int           // double-byte characters of the first level
	letters map[rune]bool // that are not Latin
}

// judge returns the encoding of the cells, or the doubt.
func judge(cells []cell) (string, *Unsure) {
	all := readings(cells)
	plausible := slices.DeleteFunc(slices.Clone(all), func(r reading) bool { return !r.plausible() })
	for _, kind := range []func([]reading, []cell) string{sureLatin, sureDOS, sureDouble, sureAlpha} {
		if name := kind(plausible, cells); name != "" {
			return name, nil
		}
	}
	return "", unsure(all, cells)
}

// readings reads the cells in every candidate in which each of their bytes has a meaning.
func readings(cells []cell) []reading {
	var all []reading
	for _, c := range candidates {
		_, enc, err := find(c.name)
		if err != nil {
			continue
		}
		r, ok := reading{candidate: c, letters: map[rune]bool{}}, true
		for _, cell := range cells {
			var text string
			if text, ok = decode(enc, cell); !ok {
				break
			}
			r.read(cell, text)
		}
		if ok && r.chars > 0 {
			all = append(all, r)
		}
	}
	return all
}

// decode reads a cell, and reports false if some of its bytes have no meaning.
func decode(enc encoding.Encoding, c cell) (string, bool) {
	text, err := enc.NewDecoder().Bytes(c.bytes)
	if err != nil {
		return "", false
	}
	s := string(text)
	if c.cut {
		s = strings.TrimSuffix(s, replacement)
	}
	return s, !strings.Contains(s, replacement)
}

func (r *reading) read(c cell, text string) {
	r.texts = append(r.texts, text)
	runes := []rune(text)
	for i, x := range runes {
		if x < utf8.RuneSelf {
			continue
		}
		r.chars++
		if unicode.IsLetter(x) && !unicode.Is(unicode.Latin, x) {
			r.letters[x] = true
		}
		if odd(runes, i) {
			r.odd++
		}
	}
	if r.candidate.common != nil {
		r.common += countCommon(c.bytes, r.candidate.common, r.single)
	}
}

// plausible says that the reading could be what somebody wrote. A few odd characters are allowed where there are many.
func (r *reading) plausible() bool {
	switch {
	case r.family == double && 2*r.common < r.chars:
		return false
	case r.family == alpha && len(r.letters) == 0: // Windows-1256, for one, has French letters too
		return false
	}
	if r.family == double { // Latin words stand between Chinese ones without a space
		return r.odd*10 <= r.chars
	}
	return r.odd*50 <= r.chars
}

// sureLatin decides between the Latin encodings of Windows and the web: when it makes no difference which one it is, or
// when words are spelled as they are in the languages of one, and of no other.
func sureLatin(plausible []reading, cells []cell) string {
	if slices.ContainsFunc(plausible, func(r reading) bool { return r.family == double || r.family == alpha }) {
		return ""
	}
	rivals := of(latin, plausible)
	if slices.ContainsFunc(cells, func(c cell) bool { return containsByte(c.bytes, oldLetters) }) {
		rivals = append(rivals, of(dos, plausible)...)
	}
	return bySpelling(rivals)
}

// oldLetters are the bytes that are letters in Windows and in DOS or on old Macs, but not the same.
const oldLetters = "\x83\x8A\x8C\x8E\x9A\x9C\x9E\x9F"

func containsByte(text []byte, set string) bool {
	return slices.ContainsFunc(text, func(c byte) bool { return strings.IndexByte(set, c) >= 0 })
}

// sureDOS decides between the encodings of DOS and old Macs, which are thought of only when no other makes sense.
func sureDOS(plausible []reading, _ []cell) string {
	if slices.ContainsFunc(plausible, func(r reading) bool { return r.family != dos }) {
		return ""
	}
	return bySpelling(of(dos, plausible))
}

// bySpelling picks the reading that is spelled rightly where another one is not, for every other. Those that read the same
// count as one.
func bySpelling(readings []reading) string {
	readings = different(readings)
	if len(readings) == 1 {
		if r := readings[0]; r.name == candidates[0].name || r.telling.hits(r.texts, nil) > 0 {
			return r.name
		}
	}
	for _, r := range readings {
		better := func(o reading) bool { return r.name == o.name || r.better(o) }
		if len(readings) > 1 && !slices.ContainsFunc(readings, func(o reading) bool { return !better(o) }) {
			return r.name
		}
	}
	return ""
}

// better says that a reading is spelled rightly where another one differs, and that one hardly ever is.
func (r *reading) better(o reading) bool {
	mine, theirs := r.telling.hits(r.texts, r.telltale(o)), o.telling.hits(o.texts, o.telltale(*r))
	return mine > 0 && theirs*8 <= mine
}

// different leaves the first of readings that read the same.
func different(readings []reading) []reading {
	var out []reading
	for _, r := range readings {
		if !slices.ContainsFunc(out, func(o reading) bool { return slices.Equal(o.texts, r.texts) }) {
			out = append(out, r)
		}
	}
	return out
}

// telltale returns the characters that another reading has in the same places as different ones.
func (r *reading) telltale(o reading) map[rune]bool {
	runes := map[rune]bool{}
	for i, text := range r.texts {
		theirs := []rune(o.texts[i])
		for k, x := range []rune(text) {
			if k < len(theirs) && theirs[k] != x {
				runes[x] = true
			}
		}
	}
	return runes
}

// sureDouble decides for a double-byte encoding in which nearly all characters are common ones: when they are rare in all
// others, or when the detector, which knows how often each occurs, is sure too.
func sureDouble(plausible []reading, cells []cell) string {
	if slices.ContainsFunc(plausible, func(r reading) bool { return r.family != double }) || len(plausible) == 0 {
		return ""
	}
	best := slices.MaxFunc(plausible, func(a, b reading) int { return a.share() - b.share() })
	if best.chars < 3 || best.share() < 90 {
		return ""
	}
	rare := 95 - 150/best.chars // what the share is below by chance depends on how many there are
	if !slices.ContainsFunc(plausible, func(r reading) bool { return r.name != best.name && r.share() >= rare }) {
		return best.name
	}
	name := detected(cells)
	if slices.ContainsFunc(plausible, func(r reading) bool { return r.name == name && r.chars >= 5 && r.share() >= 90 }) {
		return name
	}
	return ""
}

// share is how many of 100 characters are common.
func (r *reading) share() int { return 100 * r.common / max(r.chars, 1) }

// sureAlpha takes the detector's word for Cyrillic, Greek and the like, which it has models of, if nothing else makes
// sense and there is enough to go by.
func sureAlpha(plausible []reading, cells []cell) string {
	if slices.ContainsFunc(plausible, func(r reading) bool { return r.family == latin || r.family == double && r.share() > 80 }) {
		return ""
	}
	name := detected(cells)
	for _, r := range of(alpha, plausible) {
		if r.name == name && r.chars >= 6 && len(r.letters) >= 4 {
			return name
		}
	}
	return ""
}

// detected is what the detector takes the cells for if it is sure beyond its usual.
func detected(cells []cell) string {
	const sure = 0.9
	var text []byte
	for _, c := range cells {
		text = append(append(text, c.bytes...), '\n')
	}
	found := chardet.Detect(text)
	if found.Confidence < sure {
		return ""
	}
	if strings.EqualFold(found.Encoding, "GB2312") {
		return "gbk"
	}
	name, err := Lookup(found.Encoding)
	if err != nil {
		return ""
	}
	return name
}

func of(f family, readings []reading) []reading {
	return slices.DeleteFunc(slices.Clone(readings), func(r reading) bool { return r.family != f })
}

// Characters that are no letters.
const (
	joining = "’´–—·\u00A0\u00AD…"             // may stand between letters
	usual   = "€£§©®™±×°ºª²³¹½¼¾µ«»“”„‚‘‹›¿¡•" // may stand at a word or alone
)

// odd says that the character at i, which is beyond ASCII, hardly stands there in any language.
func odd(text []rune, i int) bool {
	x := text[i]
	before, after := at(text, i-1), at(text, i+1)
	switch {
	case wide(x):
		return amongLatin(text, i)
	case unicode.IsControl(x), unicode.Is(unicode.Co, x):
		return true
	case unicode.IsMark(x):
		return !unicode.IsMark(before) && (!unicode.IsLetter(before) || unicode.Is(unicode.Latin, before))
	case unicode.IsLetter(x) && !strings.ContainsRune(usual, x):
		return mixed(x, before, after) || capitals(x, before, after) || lonely(text, i)
	case x == '’':
		return unicode.IsLetter(before) && unicode.IsLower(after) && !elision(text, i)
	case x == '…':
		return unicode.IsLower(after)
	case strings.ContainsRune(joining, x):
		return x != '´' && unicode.IsLetter(before) && unicode.IsLower(after)
	case strings.ContainsRune("„‚", x):
		return unicode.IsLetter(before)
	case x == '€' && unicode.IsLower(after) && !unicode.IsDigit(before):
		return true
	case strings.ContainsRune("¼½¾ºª²³¹", x) && unicode.IsLetter(after):
		return true
	case strings.ContainsRune(usual, x):
		return unicode.IsLetter(before) && unicode.IsLetter(after) || strange(before) || strange(after)
	}
	return true
}

// elision says that the apostrophe at i stands where French, Italian and English have one, and not in the place of an í.
func elision(text []rune, i int) bool {
	if strings.ContainsRune("stlrvdm", text[i+1]) {
		return true
	}
	word := ""
	for k := i - 1; k >= 0 && unicode.IsLetter(text[k]); k-- {
		word = string(text[k]) + word
	}
	word = strings.ToLower(word)
	return len(word) <= 2 || strings.HasSuffix(word, "ll") || strings.HasSuffix(word, "qu") || word == "aujourd"
}

// strange says that a neighbour of a symbol is a symbol too, or a letter beyond ASCII.
func strange(x rune) bool {
	return x >= utf8.RuneSelf && !strings.ContainsRune(joining+"“”„‚‘‹›«»€", x)
}

// amongLatin says that a character of East Asia stands in a Latin word, which a wrong reading of a single letter makes of
// it: with Latin letters on both sides, or alone before or behind small ones.
func amongLatin(text []rune, i int) bool {
	before, after := at(text, i-1), at(text, i+1)
	if latinLetter(before) && latinLetter(after) {
		return true
	}
	return !wide(before) && !wide(after) && (unicode.IsLower(before) || unicode.IsLower(after))
}

func latinLetter(x rune) bool { return unicode.IsLetter(x) && unicode.Is(unicode.Latin, x) }

func at(text []rune, i int) rune {
	if i < 0 || i >= len(text) {
		return ' '
	}
	return text[i]
}

// mixed says that a letter joins two alphabets in one word.
func mixed(x, before, after rune) bool { return foreign(x, before) || foreign(x, after) }

func foreign(x, neighbour rune) bool {
	return unicode.IsLetter(neighbour) && !sameScript(x, neighbour)
}

func sameScript(a, b rune) bool { return script(a) == script(b) }

// script is a letter's alphabet, all those of East Asia as one.
func script(x rune) string {
	switch {
	case wide(x):
		return "wide"
	case unicode.Is(unicode.Latin, x):
		return "Latin"
	case unicode.Is(unicode.Cyrillic, x):
		return "Cyrillic"
	case unicode.Is(unicode.Greek, x):
		return "Greek"
	case unicode.Is(unicode.Hebrew, x):
		return "Hebrew"
	case unicode.Is(unicode.Arabic, x):
		return "Arabic"
	case unicode.Is(unicode.Thai, x):
		return "Thai"
	}
	return "other"
}

func wide(x rune) bool {
	return unicode.In(x, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || x >= 0x3000 && x < 0x3040 || x == 'ー' || x >= 0xFF00 && x < 0xFFF0
}

// capitals says that a letter is a capital within a word of small letters, or the other way round.
func capitals(x, before, after rune) bool {
	if x == 'ß' || x == 'ª' || x == 'º' {
		return false
	}
	switch {
	case unicode.IsUpper(x):
		return unicode.IsLower(before) || unicode.IsUpper(before) && unicode.IsLower(after)
	case unicode.IsLower(x):
		return unicode.IsUpper(after) || unicode.IsUpper(before) && unicode.IsUpper(at([]rune{after}, 0))
	}
	return false
}

// lonely says that a letter stands with nothing but its like where that is strange: a Latin letter beyond ASCII with three
// more of them, in a word of them alone, or before a digit; a letter of another alphabet all alone among Latin words.
func lonely(text []rune, i int) bool {
	from, to := i, i+1
	for from > 0 && text[from-1] >= utf8.RuneSelf && unicode.IsLetter(text[from-1]) {
		from--
	}
	for to < len(text) && text[to] >= utf8.RuneSelf && unicode.IsLetter(text[to]) {
		to++
	}
	alone := !unicode.IsLetter(at(text, from-1)) && !unicode.IsLetter(at(text, to))
	if unicode.Is(unicode.Latin, text[i]) {
		return to-from > 3 || alone && (to-from > 1 || unicode.IsDigit(at(text, to)))
	}
	return alone && to-from == 1 && slices.ContainsFunc(text, func(x rune) bool { return x < utf8.RuneSelf && unicode.IsLetter(x) })
}
