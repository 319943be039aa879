package redisconn

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// recorderChunk is how many calls one command ships. A script of as many
// keeps Redis busy for a millisecond or two.
const recorderChunk = 500

// Recorder is a client that keeps the script calls made through it instead of
// sending them, and ships many of them at once.
//
// It exists for asynq's client, which enqueues one task per round trip: give a
// Recorder to asynq.NewClientFromRedisClient, enqueue some hundred tasks, each
// of which seems to succeed, then learn from Flush what became of each. All
// other commands go to the server at once. It fits nothing that needs the
// replies of its scripts, such as asynq's server.
//
// Its methods may be called by several goroutines, but the order of the
// results is that of the calls, so that one goroutine per Recorder is simpler.
type Recorder struct {
	redis.UniversalClient

	// PerCall ships each call as a command of its own in a pipeline, so that
	// other clients' commands can run between them. Defaults to false: the
	// calls of one script on one queue become one script that runs it for each,
	// which is the faster way.
	PerCall bool

	mu      sync.Mutex
	scripts map[string]*bulkScript
	calls   []call
}

// Enqueued is what became of one recorded call. A call that was neither added
// nor failed found a task with its TaskID in the queue already.
type Enqueued struct {
	Added bool
	Err   error
}

type call struct {
	script *bulkScript
	keys   []string
	args   []any
}

// bulkScript is a script and the one that runs it for many calls.
type bulkScript struct{ one, many *redis.Script }

// NewRecorder wraps c, which stays the caller's to close.
func NewRecorder(c redis.UniversalClient) *Recorder {
	return &Recorder{UniversalClient: c, scripts: map[string]*bulkScript{}}
}

// EvalSha records a call. For a script that the Recorder has not seen it
// answers as a server does that has not seen it, which makes the caller use
// Eval.
func (r *Recorder) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	r.mu.Lock()
	defer r.mu.Unlock()
	if script := r.scripts[sha]; script != nil {
		return r.record(ctx, script, keys, args)
	}
	cmd := redis.NewCmd(ctx, "evalsha", sha)
	cmd.SetErr(redis.ErrNoScript)
	return cmd
}

// Eval records a call and learns its script.
func (r *Recorder) Eval(ctx context.Context, body string, keys []string, args ...any) *redis.Cmd {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := sha1.Sum([]byte(body))
	sha := hex.EncodeToString(sum[:])
	if r.scripts[sha] == nil {
		r.scripts[sha] = &bulkScript{one: redis.NewScript(body), many: redis.NewScript(forMany(body))}
	}
	return r.record(ctx, r.scripts[sha], keys, args)
}

func (r *Recorder) record(ctx context.Context, script *bulkScript, keys []string, args []any) *redis.Cmd {
	r.calls = append(r.calls, call{script, slices.Clone(keys), slices.Clone(args)})
	cmd := redis.NewCmd(ctx, "evalsha", script.one.Hash())
	cmd.SetVal(int64(1))
	return cmd
}

// Len is the number of calls that the next Flush ships.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

// Discard forgets the recorded calls.
func (r *Recorder) Discard() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = nil
}

// Flush ships the recorded calls and returns what became of each, in their
// order. The error is that of the first call that failed; a call whose reply
// was lost on the way counts as failed though the server may have carried it
// out, which the same TaskID shows when it is enqueued again. The Recorder is
// empty afterwards in any case.
func (r *Recorder) Flush(ctx context.Context) ([]Enqueued, error) {
	r.mu.Lock()
	calls := r.calls
	r.calls = nil
	r.mu.Unlock()
	results := make([]Enqueued, len(calls))
	for from := 0; from < len(calls); from += recorderChunk {
		to := min(from+recorderChunk, len(calls))
		r.ship(ctx, r.parcels(calls[from:to], results[from:to]))
	}
	for i, result := range results {
		if result.Err != nil {
			return results, fmt.Errorf("enqueue: call %d of %d: %w", i+1, len(results), result.Err)
		}
	}
	return results, nil
}

// parcel is one command and the places of its replies.
type parcel struct {
	script  *redis.Script
	many    bool
	keys    []string
	args    []any
	results []*Enqueued
}

// shape is what calls must have in common to go into one parcel: a script
// for many runs on one slot and cuts its keys and arguments into equal pieces.
type shape struct {
	script     *bulkScript
	tag        string
	keys, args int
}

func (r *Recorder) parcels(calls []call, results []Enqueued) []*parcel {
	var parcels []*parcel
	open := map[shape]*parcel{}
	for i, c := range calls {
		if r.PerCall || len(c.keys) == 0 {
			parcels = append(parcels, &parcel{c.script.one, false, c.keys, c.args, []*Enqueued{&results[i]}})
			continue
		}
		s := shape{c.script, slotTag(c.keys[0]), len(c.keys), len(c.args)}
		p := open[s]
		if p == nil {
			p = &parcel{script: c.script.many, many: true, args: []any{s.keys, s.args}}
			open[s] = p
			parcels = append(parcels, p)
		}
		p.keys = append(p.keys, c.keys...)
		p.args = append(p.args, c.args...)
		p.results = append(p.results, &results[i])
	}
	return parcels
}

// slotTag is the part of a key that decides where a cluster keeps it.
func slotTag(key string) string {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			return tag
		}
	}
	return key
}

// ship sends the parcels in one pipeline. Those whose script the server does
// not know, as after its restart, go a second time with the script loaded.
func (r *Recorder) ship(ctx context.Context, parcels []*parcel) {
	unknown := r.send(ctx, parcels)
	if len(unknown) == 0 {
		return
	}
	for _, p := range unknown {
		if err := p.script.Load(ctx, r.UniversalClient).Err(); err != nil {
			p.fail(fmt.Errorf("load the script: %w", err))
			return
		}
	}
	r.send(ctx, unknown)
}

// send returns the parcels whose script the server does not know. Their
// results say so, too, until they are sent again.
func (r *Recorder) send(ctx context.Context, parcels []*parcel) (unknown []*parcel) {
	pipe := r.UniversalClient.Pipeline()
	var cmds []*redis.Cmd
	for _, p := range parcels {
		cmds = append(cmds, pipe.EvalSha(ctx, p.script.Hash(), p.keys, p.args...))
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for i, p := range parcels {
		p.open(cmds[i])
		if redis.HasErrorPrefix(cmds[i].Err(), "NOSCRIPT") {
			unknown = append(unknown, p)
		}
	}
	return unknown
}

// open hands a parcel's reply out to its calls.
func (p *parcel) open(cmd *redis.Cmd) {
	reply, err := cmd.Result()
	if err != nil {
		p.fail(err)
		return
	}
	replies := []any{reply}
	if p.many {
		replies, _ = reply.([]any)
	}
	if len(replies) != len(p.results) {
		p.fail(fmt.Errorf("%d replies to %d calls", len(replies), len(p.results)))
		return
	}
	for i, result := range p.results {
		*result = enqueued(replies[i])
	}
}

func (p *parcel) fail(err error) {
	for _, result := range p.results {
		*result = Enqueued{Err: err}
	}
}

// enqueued understands the replies of asynq's enqueueing scripts: 1 is added,
// 0 a TaskID that exists, -1 a uniqueness lock that is held.
func enqueued(reply any) Enqueued {
	switch v := reply.(type) {
	case int64:
		return Enqueued{Added: v == 1}
	case error:
		return Enqueued{Err: v}
	case nil:
		return Enqueued{Err: errors.New("the script answered nothing")}
	}
	return Enqueued{Err: fmt.Errorf("the script answered %v", reply)}
}

// forMany is a script that runs another one for many calls.
//
// KEYS: the keys of the first call, of the second, and so on
// ARGV: the number of keys of a call, the number of its arguments, then the
// arguments of the first call, of the second, and so on
// Returns a list of what the calls returned; an error stands in the place of
// a call that failed, and the others are carried out all the same.
func forMany(body string) string {
	return `local one = function(KEYS, ARGV)
` + body + `
end
local nkeys, nargs, replies = tonumber(ARGV[1]), tonumber(ARGV[2]), {}
for i = 0, #KEYS / nkeys - 1 do
	local keys, argv = {}, {}
	for j = 1, nkeys do keys[j] = KEYS[i * nkeys + j] end
	for j = 1, nargs do argv[j] = ARGV[2 + i * nargs + j] end
	local ok, reply = pcall(one, keys, argv)
	if not ok and type(reply) ~= "table" then
		reply = redis.error_reply(tostring(reply))
	end
	replies[i + 1] = reply or false
end
return replies`
}
