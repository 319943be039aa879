package redisconn

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// snapshotRecord is how many words a record of a snapshot has at most.
const snapshotRecord = 1000

// snapshot is a log that has just what the store has of a batch.
func (l *ledger) snapshot(batch string) []byte {
	log := header(time.Now())
	for _, key := range l.keys(batch) {
		for chunk := range slices.Chunk(l.contents(key), snapshotRecord) {
			log = appendRecord(log, [][]string{append(l.creator(key), chunk...)})
		}
		if ttl := l.m.TTL(key); ttl > 0 {
			end := strconv.FormatInt(l.now().Add(ttl).UnixMilli(), 10)
			log = appendRecord(log, [][]string{{"PEXPIREAT", key, end}})
		}
	}
	return log
}

// creator is the command, without values, that makes a key of the same type.
func (l *ledger) creator(key string) []string {
	return []string{map[string]string{"string": "SET", "hash": "HSET", "list": "RPUSH", "set": "SADD", "zset": "ZADD"}[l.m.Type(key)], key}
}

// contents are the values that creator wants for the key. Only the types that
// the commands of writes can make occur; their errors are those of a missing
// key or another type, which cannot happen under the ledger's lock.
func (l *ledger) contents(key string) []string {
	var words []string
	switch l.m.Type(key) {
	case "string":
		value, _ := l.m.Get(key)
		words = []string{value}
	case "list":
		words, _ = l.m.List(key)
	case "set":
		words, _ = l.m.SMembers(key)
	case "hash":
		fields, _ := l.m.HKeys(key)
		for _, field := range fields {
			words = append(words, field, l.m.HGet(key, field))
		}
	case "zset":
		scores, _ := l.m.SortedSet(key)
		for _, member := range slices.Sorted(maps.Keys(scores)) {
			words = append(words, strconv.FormatFloat(scores[member], 'g', -1, 64), member)
		}
	}
	return words
}
