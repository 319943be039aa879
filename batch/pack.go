package batch

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A packed result: outcome number, flags, code and attempts as varints, the time in 4 bytes, the number of the job
// that it repeats and the round if it isn't the first, the tracking id with its length; then, put there by the script, two bytes each for
// slug, message and hint: 0 none, 65535 in the side hash, else the number of a shared text. All of it is meant to stay
// within the 64 bytes up to which Redis keeps a bucket compact.
const (
	flagAmbiguous = 1 << iota
	flagHex       // the tracking id is hexadecimal and stored as bytes
	flagSideID    // the tracking id stands in the side hash
	flagDuplicate
	flagTime
	flagRound
)

const (
	// packedID is the longest tracking id that is packed: the vendor's have 24 or 32 characters.
	packedID = 40
	// refsLen is the length of the numbers of slug, message and hint.
	refsLen = 6
	// maxText is how long a single text may be; longer ones are cut.
	maxText = 4 << 10
	sideRef = 65535
)

var errPacked = errors.New("damaged result in the ledger")

// packed is a result on its way to a script.
type packed struct {
	head                       []byte
	slug, message, hint, sided string
}

// args returns what the scripts expect.
func (p packed) args() []any { return []any{p.head, p.slug, p.message, p.hint, p.sided} }

// pack encodes a result of a round, all but the texts that the script turns to numbers.
func pack(r Result, round int) (packed, error) {
	n, ok := r.Outcome.number()
	if !ok || r.Outcome == Pending {
		return packed{}, fmt.Errorf("%q is no outcome that can be recorded", r.Outcome)
	}
	p := packed{slug: clip(r.Slug), message: clip(r.Message), hint: clip(r.Hint)}
	flags, id := idForm(r.TrackingID)
	if flags&flagSideID != 0 {
		p.sided = clip(r.TrackingID)
	}
	if r.Ambiguous {
		flags |= flagAmbiguous
	}
	if r.DuplicateOf > 0 {
		flags |= flagDuplicate
	}
	if !r.At.IsZero() {
		flags |= flagTime
	}
	if round > 1 {
		flags |= flagRound
	}
	p.head = packNumbers([]byte{byte(n), flags}, r, round)
	p.head = binary.AppendUvarint(p.head, uint64(len(id)))
	p.head = append(p.head, id...)
	return p, nil
}

func packNumbers(b []byte, r Result, round int) []byte {
	b = binary.AppendUvarint(b, uint64(max(r.Code, 0)))
	b = binary.AppendUvarint(b, uint64(max(r.Attempts, 0)))
	if !r.At.IsZero() {
		b = binary.BigEndian.AppendUint32(b, uint32(r.At.Unix()))
	}
	if r.DuplicateOf > 0 {
		b = binary.AppendUvarint(b, uint64(r.DuplicateOf))
	}
	if round > 1 {
		b = binary.AppendUvarint(b, uint64(round))
	}
	return b
}

// idForm chooses the shortest form of a tracking id.
func idForm(id string) (byte, string) {
	if raw, err := hex.DecodeString(id); err == nil && len(raw) > 0 && strings.ToLower(id) == id {
		if len(raw) <= packedID {
			return flagHex, string(raw)
		}
	}
	if len(id) > packedID {
		return flagSideID, ""
	}
	return 0, id
}

// clip bounds a text; the ledger is no place for whole HTML pages.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "")
}

// unpacked is a result whose texts are still numbers.
type unpacked struct {
	Result
	round               int // 0 if not told
	slug, message, hint uint16
	sideID              bool
}

// sided says whether a part of the result stands in the side hash.
func (u unpacked) sided() bool {
	return u.sideID || u.slug == sideRef || u.message == sideRef || u.hint == sideRef
}

// highest is the highest number of a shared text that the result needs.
func (u unpacked) highest() int {
	top := 0
	for _, n := range []uint16{u.slug, u.message, u.hint} {
		if n != sideRef {
			top = max(top, int(n))
		}
	}
	return top
}

// unpack decodes what pack and the script made.
func unpack(s string) (unpacked, error) {
	if len(s) < 2+refsLen {
		return unpacked{}, errPacked
	}
	if int(s[0]) >= len(numbered) || s[0] == 0 {
		return unpacked{}, ErrNewer
	}
	var u unpacked
	u.Outcome = numbered[s[0]]
	refs := s[len(s)-refsLen:]
	u.slug, u.message, u.hint = ref(refs, 0), ref(refs, 2), ref(refs, 4)
	flags := s[1]
	u.Ambiguous, u.sideID = flags&flagAmbiguous != 0, flags&flagSideID != 0
	r := reader{s: s[2 : len(s)-refsLen]}
	u.Code, u.Attempts = r.int(), r.int()
	if flags&flagTime != 0 {
		u.At = r.time()
	}
	if flags&flagDuplicate != 0 {
		u.DuplicateOf = r.int()
	}
	if flags&flagRound != 0 {
		u.round = r.int()
	}
	u.TrackingID = r.text()
	if flags&flagHex != 0 {
		u.TrackingID = hex.EncodeToString([]byte(u.TrackingID))
	}
	if r.bad || r.s != "" {
		return unpacked{}, errPacked
	}
	return u, nil
}

func ref(s string, i int) uint16 { return uint16(s[i])<<8 | uint16(s[i+1]) }

// reader takes values off the front of a string. After the first one that isn't there, bad is set and all are zero.
type reader struct {
	s   string
	bad bool
}

func (r *reader) int() int {
	var n uint64
	for i := range min(len(r.s), binary.MaxVarintLen64) {
		n |= uint64(r.s[i]&0x7f) << (7 * i)
		if r.s[i] < 0x80 {
			r.s = r.s[i+1:]
			return int(n)
		}
	}
	r.fail()
	return 0
}

func (r *reader) time() time.Time {
	if len(r.s) < 4 {
		r.fail()
		return time.Time{}
	}
	seconds := binary.BigEndian.Uint32([]byte(r.s[:4]))
	r.s = r.s[4:]
	return time.Unix(int64(seconds), 0).UTC()
}

func (r *reader) text() string {
	n := r.int()
	if n < 0 || n > len(r.s) {
		r.fail()
		return ""
	}
	text := r.s[:n]
	r.s = r.s[n:]
	return text
}

func (r *reader) fail() { r.s, r.bad = "", true }
