package charset

import "unicode/utf8"

// countCommon counts the double-byte characters of a text that are of the first level. Single says which bytes beyond
// ASCII are characters of their own.
func countCommon(text []byte, common func(lead, trail byte) bool, single func(byte) bool) int {
	n := 0
	for i := 0; i < len(text); i++ {
		if text[i] < utf8.RuneSelf || single(text[i]) {
			continue
		}
		var trail byte
		if i+1 < len(text) {
			trail = text[i+1]
		}
		if common(text[i], trail) {
			n++
		}
		i++
	}
	return n
}

// commonShiftJIS: punctuation, full-width letters, kana and the kanji of level 1.
func commonShiftJIS(lead, trail byte) bool {
	return trail >= 0x40 && (lead >= 0x81 && lead <= 0x83 || lead >= 0x88 && lead <= 0x97 || lead == 0x98 && trail <= 0x72)
}

// commonEUCJP: the same characters in EUC.
func commonEUCJP(lead, trail byte) bool {
	return trail >= 0xA1 && (lead == 0xA1 || lead >= 0xA3 && lead <= 0xA5 || lead >= 0xB0 && lead <= 0xCF)
}

// commonGBK: punctuation, full-width letters and the characters of level 1 of GB 2312.
func commonGBK(lead, trail byte) bool {
	return trail >= 0xA1 && (lead == 0xA1 || lead == 0xA3 || lead >= 0xB0 && lead <= 0xD7)
}

// commonBig5: punctuation, full-width letters and the characters of level 1.
func commonBig5(lead, trail byte) bool { return trail >= 0x40 && lead >= 0xA1 && lead <= 0xC6 }

// commonEUCKR: punctuation, full-width letters and Hangul.
func commonEUCKR(lead, trail byte) bool {
	return trail >= 0xA1 && (lead == 0xA1 || lead == 0xA3 || lead >= 0xB0 && lead <= 0xC8)
}

// halfWidth says that a byte is half-width katakana in Shift-JIS. They are not counted as common: two of them are a common
// character in Chinese.
func halfWidth(c byte) bool { return c >= 0xA1 && c <= 0xDF }

func none(byte) bool { return false }
