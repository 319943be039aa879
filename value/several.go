package value

import "strings"

// longestNumber is the most digits that any courier's number has.
const longestNumber = 34

// leastNumber is the fewest characters that a number has of which several stand in a cell without a mark that parts them.
const leastNumber = 10

// finding says whether a text holds several numbers.
type finding int

const (
	single   finding = iota
	doubtful         // it may; to send it as one would make a tracking that does not exist
	certain          // each is a number by its shape and its check digit
)

const (
	severalWrong  = "may hold several numbers"
	severalRemedy = "separate them with a semicolon"
)

// several takes a text apart that holds several numbers with nothing between them, or with a mark that may be a part of one.
func several(s string) ([]string, finding) {
	groups := strings.FieldsFunc(s, func(r rune) bool { return r > 0x7f || !isAlnum(byte(r)) })
	joined := strings.Join(groups, "")
	if len(joined) < 2*leastNumber || unmistakable(s) || oneByItself(groups, joined) {
		return nil, single
	}
	if len(groups) == 1 {
		return glued(joined)
	}
	for n := 2; n*leastNumber <= len(joined); n++ {
		if parts := evenly(groups, len(joined), n); parts != nil {
			if f := alike(parts); f != single {
				return parts, f
			}
		}
	}
	if parts, f := joinedBySign(s); f != single {
		return parts, f
	}
	return nil, endless(joined)
}

// oneByItself says that the groups are a number as a label prints it.
func oneByItself(groups []string, joined string) bool {
	return unmistakable(joined) || verified(joined) && short(groups)
}

// glued takes a text without any mark apart, if it is made of equally long numbers that only one courier has.
func glued(s string) ([]string, finding) {
	for n := 2; n*leastNumber <= len(s); n++ {
		if len(s)%n != 0 {
			continue
		}
		var parts []string
		for at := 0; at < len(s); at += len(s) / n {
			parts = append(parts, s[at:at+len(s)/n])
		}
		if every(parts, ofOneCourier) {
			return parts, judged(parts, unmistakable)
		}
	}
	return nil, endless(s)
}

// endless says that digits are too many for one number.
func endless(joined string) finding {
	if len(joined) > longestNumber && all(joined, isDigit) {
		return doubtful
	}
	return single
}

// evenly puts groups together to n parts of one length, if parts can end where groups do.
func evenly(groups []string, length, n int) []string {
	if length%n != 0 {
		return nil
	}
	var parts []string
	part := ""
	for _, g := range groups {
		if part += g; len(part) == length/n {
			parts, part = append(parts, part), ""
		}
	}
	if part != "" || len(parts) != n {
		return nil
	}
	return parts
}

// alike judges parts of one length.
func alike(parts []string) finding {
	if every(parts, proven) {
		return certain
	}
	begun := func(p string) bool { return strings.HasPrefix(p, parts[0][:4]) }
	if every(parts, numberlike) && (every(parts, known) || every(parts, ofOneCourier) || every(parts, begun)) {
		return doubtful
	}
	return single
}

// joinedBySign judges parts between which a sign stands that is seldom a part of a number.
func joinedBySign(s string) ([]string, finding) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return blank(r) || strings.ContainsRune(`/\+&_~:`, r) })
	if len(parts) < 2 {
		parts = strings.Split(s, "-")
		if len(parts) < 2 || !every(parts, ofOneCourier) {
			return nil, single
		}
	}
	long := func(p string) bool { return len(p) >= leastNumber && numberlike(p) }
	if !every(parts, long) {
		return nil, single
	}
	return parts, judged(parts, unmistakable)
}

func judged(parts []string, surely func(string) bool) finding {
	if every(parts, surely) {
		return certain
	}
	return doubtful
}

// proven says that a number has a shape that we know, with a check digit that holds, or one that only one courier has.
func proven(number string) bool { return verified(number) || unmistakable(number) }

// ofOneCourier says that a number has a shape that only one courier's numbers have, whether or not its check digit holds.
func ofOneCourier(number string) bool {
	for _, s := range shapesOf(number) {
		if s.sure && s.fits(number) {
			return true
		}
	}
	return false
}

func every(parts []string, test func(string) bool) bool {
	for _, p := range parts {
		if !test(p) {
			return false
		}
	}
	return true
}
