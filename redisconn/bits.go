package redisconn

import "strconv"

// bitmaps gathers the SETBITs of a replay. miniredis copies a whole bitmap for
// every bit that it sets, which would make the replay of a large batch take
// time that grows with the square of its rows.
type bitmaps struct {
	ledger *ledger
	open   map[string][]byte
}

// take carries out a SETBIT and says whether it did. Every other command finds
// the gathered bitmaps that it has among its keys in the store.
func (b *bitmaps) take(words []string) bool {
	if words[0] == "SETBIT" && len(words) == 4 && (words[3] == "0" || words[3] == "1") {
		if n, err := strconv.ParseUint(words[2], 10, 32); err == nil && b.gather(words[1]) {
			b.set(words[1], n, words[3] == "1")
			return true
		}
	}
	for _, key := range keysOf(words[0], words[1:]) {
		b.flush(key)
	}
	return false
}

// gather takes a bitmap out of the store, unless the key is no string.
func (b *bitmaps) gather(key string) bool {
	if _, ok := b.open[key]; ok {
		return true
	}
	if kind := b.ledger.m.Type(key); kind != "" && kind != "string" {
		return false
	}
	old, _ := b.ledger.m.Get(key) // "" where there is none
	b.open[key] = []byte(old)
	return true
}

func (b *bitmaps) set(key string, n uint64, on bool) {
	bits := b.open[key]
	if short := int(n/8) + 1 - len(bits); short > 0 {
		bits = append(bits, make([]byte, short)...)
	}
	mask := byte(0x80) >> (n % 8)
	if bits[n/8] &^= mask; on {
		bits[n/8] |= mask
	}
	b.open[key] = bits
}

// flush puts a gathered bitmap into the store.
func (b *bitmaps) flush(key string) {
	if bits, ok := b.open[key]; ok {
		delete(b.open, key)
		b.ledger.srv.Dispatch(b.ledger.replayPeer, []string{"SET", key, string(bits), "KEEPTTL"})
	}
}

func (b *bitmaps) flushAll() {
	for key := range b.open {
		b.flush(key)
	}
}
