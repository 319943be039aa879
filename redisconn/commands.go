package redisconn

import (
	"strconv"
	"strings"
	"time"
)

// keys of a ledger's command: where they stand among its arguments.
type keyPlace int

const (
	keyFirst keyPlace = iota // the first argument
	keyAll                   // every argument
	keyPairs                 // every second argument
	keyTwo                   // the first two arguments
	keyRest                  // every argument but the first
)

// writes are the commands whose effect depends on nothing but the data and
// their arguments, so that a replay does what the first run did. Random ones
// (SPOP), blocking ones and those whose state a snapshot cannot hold (streams)
// are left out, and the ledger refuses them.
var writes = map[string]keyPlace{
	"APPEND": keyFirst, "BITOP": keyRest, "DECR": keyFirst, "DECRBY": keyFirst, "DEL": keyAll,
	"EXPIRE": keyFirst, "EXPIREAT": keyFirst, "GETDEL": keyFirst, "GETEX": keyFirst, "GETSET": keyFirst,
	"HDEL": keyFirst, "HINCRBY": keyFirst, "HINCRBYFLOAT": keyFirst, "HMSET": keyFirst, "HSET": keyFirst, "HSETNX": keyFirst,
	"INCR": keyFirst, "INCRBY": keyFirst, "INCRBYFLOAT": keyFirst,
	"LINSERT": keyFirst, "LMOVE": keyTwo, "LPOP": keyFirst, "LPUSH": keyFirst, "LPUSHX": keyFirst, "LREM": keyFirst,
	"LSET": keyFirst, "LTRIM": keyFirst, "MSET": keyPairs, "MSETNX": keyPairs,
	"PERSIST": keyFirst, "PEXPIRE": keyFirst, "PEXPIREAT": keyFirst, "PSETEX": keyFirst,
	"RPOP": keyFirst, "RPOPLPUSH": keyTwo, "RPUSH": keyFirst, "RPUSHX": keyFirst,
	"SADD": keyFirst, "SDIFFSTORE": keyAll, "SET": keyFirst, "SETBIT": keyFirst, "SETEX": keyFirst, "SETNX": keyFirst,
	"SETRANGE": keyFirst, "SINTERSTORE": keyAll, "SMOVE": keyTwo, "SREM": keyFirst, "SUNIONSTORE": keyAll, "UNLINK": keyAll,
	"ZADD": keyFirst, "ZINCRBY": keyFirst, "ZPOPMAX": keyFirst, "ZPOPMIN": keyFirst, "ZREM": keyFirst,
	"ZREMRANGEBYLEX": keyFirst, "ZREMRANGEBYRANK": keyFirst, "ZREMRANGEBYSCORE": keyFirst,
}

// harmless are the commands that change no data and that miniredis doesn't
// list as read-only; scripts are here because what they do is seen command by
// command.
var harmless = map[string]bool{
	"AUTH": true, "CLIENT": true, "CLUSTER": true, "COMMAND": true, "ECHO": true, "EVAL": true, "EVALSHA": true,
	"HELLO": true, "INFO": true, "MEMORY": true, "OBJECT": true, "PING": true, "QUIT": true, "SCRIPT": true, "TIME": true, "WAIT": true,
}

// blocking are read-only commands that may wait inside the ledger's lock.
var blocking = map[string]bool{"XREAD": true}

// keysOf lists the keys that a command of writes changes or reads.
func keysOf(cmd string, args []string) []string {
	switch place := writes[cmd]; {
	case len(args) == 0:
		return nil
	case place == keyAll:
		return args
	case place == keyRest:
		return args[1:]
	case place == keyTwo:
		return args[:min(2, len(args))]
	case place == keyPairs:
		var keys []string
		for i := 0; i < len(args); i += 2 {
			keys = append(keys, args[i])
		}
		return keys
	}
	return args[:1]
}

// tagOpen starts the hash tag that every key of one batch has.
const tagOpen = "{b:"

// batchOf is the id of the batch that a key belongs to, or "" for the keys of
// the index. An id that could not be a file's name everywhere is none.
func batchOf(key string) string {
	id, _ := nextTag(key)
	return id
}

// nextTag finds the first batch tag in s and returns what stands after it.
func nextTag(s string) (id, rest string) {
	for {
		i := strings.Index(s, tagOpen)
		if i < 0 {
			return "", ""
		}
		s = s[i+len(tagOpen):]
		if j := strings.IndexByte(s, '}'); j > 0 && fileName(s[:j]) {
			return s[:j], s[j+1:]
		}
	}
}

func fileName(id string) bool {
	if len(id) > 64 || id == indexName {
		return false
	}
	for _, r := range id {
		if !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z') {
			return false
		}
	}
	return true
}

// batchesIn calls fn with every batch that args may touch. It looks at every
// argument, wherever the command has its keys: to look at one batch too many
// costs little.
func batchesIn(args []string, fn func(id string) error) error {
	for _, arg := range args {
		for id, rest := nextTag(arg); id != ""; id, rest = nextTag(rest) {
			if err := fn(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// absolute rewrites a command with a time to live as one with a point in time,
// which a later replay understands as it was meant. Other commands stay.
func absolute(cmd string, args []string, now time.Time) []string {
	at := func(n string, unit time.Duration) string {
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return n // the command fails then, now and at the replay
		}
		return strconv.FormatInt(now.UnixMilli()+v*unit.Milliseconds(), 10)
	}
	full := append([]string{cmd}, args...)
	switch {
	case cmd == "EXPIRE" && len(args) >= 2:
		full[0], full[2] = "PEXPIREAT", at(args[1], time.Second)
	case cmd == "PEXPIRE" && len(args) >= 2:
		full[0], full[2] = "PEXPIREAT", at(args[1], time.Millisecond)
	case cmd == "SETEX" && len(args) == 3:
		return []string{"SET", args[0], args[2], "PXAT", at(args[1], time.Second)}
	case cmd == "PSETEX" && len(args) == 3:
		return []string{"SET", args[0], args[2], "PXAT", at(args[1], time.Millisecond)}
	case cmd == "SET":
		optionsAbsolute(full, 3, at)
	case cmd == "GETEX":
		optionsAbsolute(full, 2, at)
	}
	return full
}

// optionsAbsolute rewrites EX and PX among the options that start at full[from].
func optionsAbsolute(full []string, from int, at func(string, time.Duration) string) {
	for i := from; i+1 < len(full); i++ {
		switch strings.ToUpper(full[i]) {
		case "EX":
			full[i], full[i+1] = "PXAT", at(full[i+1], time.Second)
			return
		case "PX":
			full[i], full[i+1] = "PXAT", at(full[i+1], time.Millisecond)
			return
		}
	}
}

// mayExpire says whether a command (as absolute returns it) can give its key
// an end of life.
func mayExpire(command []string) bool {
	switch command[0] {
	case "PEXPIREAT", "EXPIREAT", "GETEX":
		return true
	case "SET":
		return len(command) > 3
	}
	return false
}
