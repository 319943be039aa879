package batch

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/redisconn"
)

// Options are what a Store may be told.
type Options struct {
	// Retention is how long rows and results are kept after a batch has finished. Defaults to 14 days.
	Retention time.Duration
	// MetaRetention is how long the counts of a batch are kept after it has finished. Defaults to 90 days.
	MetaRetention time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Store is the ledger in Redis. Any number of stores in any number of processes may work on the same Redis.
type Store struct {
	rdb  redis.UniversalClient
	opts Options
	rows *rowCache
}

// New makes a store over a client that someone else has dialed and closes.
func New(rdb redis.UniversalClient, opts Options) *Store {
	opts.Retention = cmp.Or(opts.Retention, 14*24*time.Hour)
	opts.MetaRetention = cmp.Or(opts.MetaRetention, 90*24*time.Hour)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Store{rdb: rdb, opts: opts, rows: newRowCache(64)}
}

// now is the time as scripts and meta hold it: Unix milliseconds.
func (s *Store) now() int64 { return s.opts.Now().UnixMilli() }

// newID makes an id that nobody else has, but for one chance in a billion, which Begin notices.
func (s *Store) newID() ID {
	var random [4]byte
	rand.Read(random[:])
	letters := base32.StdEncoding.EncodeToString(random[:])[:6]
	return s.opts.Now().UTC().Format(dayLayout) + "-" + strings.ToLower(letters)
}

// Begin opens the batch of a sheet. If the identity has a batch already, that one is returned, with existed true: an unfinished one is to
// be gone on with, one that has ended only to be shown; force opens a new batch beside one that has ended.
func (s *Store) Begin(ctx context.Context, spec Spec, force bool) (b Batch, existed bool, err error) {
	if err := checkSpec(spec); err != nil {
		return Batch{}, false, err
	}
	if spec.CreatedAt.IsZero() {
		spec.CreatedAt = s.opts.Now()
	}
	spec.CreatedAt = spec.CreatedAt.UTC().Truncate(time.Millisecond)
	replace := ""
	for range 8 {
		b, existed, err = s.beginOnce(ctx, spec, replace)
		switch {
		case errors.Is(err, ErrUnknown): // a purge is under way: finish it
			err = s.Purge(ctx, b.ID)
		case err != nil:
			return Batch{}, false, err
		case b.Identity != spec.Identity, // another batch has the id
			force && (b.Ended() || b.State == Cancelled):
			replace = b.ID
			continue
		default:
			return b, existed, nil
		}
		if err != nil {
			return Batch{}, false, err
		}
	}
	return Batch{}, false, fmt.Errorf("could not open a batch for %q: others keep taking its place; try again", spec.Source)
}

func checkSpec(spec Spec) error {
	switch {
	case spec.Identity == "":
		return errors.New("a batch needs an identity")
	case !spec.Operation.Valid():
		return fmt.Errorf("%q is no operation", spec.Operation)
	case !spec.Priority.Valid():
		return fmt.Errorf("%q is no priority", spec.Priority)
	case spec.Account == "":
		return errors.New("a batch needs an account")
	case spec.Needs != 0 && !known(spec.Needs):
		return fmt.Errorf("there is no version %d of the ledger", spec.Needs)
	}
	return nil
}

// beginOnce claims the identity, then writes the meta under the id that holds it. A crash between the two leaves an
// id without meta, which the next Begin completes.
func (s *Store) beginOnce(ctx context.Context, spec Spec, replace ID) (Batch, bool, error) {
	id, err := scriptClaim.Run(durable(ctx), s.rdb, []string{identityKey(spec.Identity)}, replace, s.newID()).Text()
	if err != nil {
		return Batch{}, false, fmt.Errorf("begin a batch: %w", err)
	}
	created, err := s.create(ctx, id, spec)
	if err != nil {
		return Batch{ID: id}, false, err
	}
	b, err := s.Get(ctx, id)
	if err != nil || b.Identity != spec.Identity {
		return b, false, err
	}
	if err := s.rdb.ZAddNX(ctx, indexKey, redis.Z{Score: float64(b.CreatedAt.UnixMilli()), Member: id}).Err(); err != nil {
		return b, !created, wrap("index", id, err)
	}
	return b, !created, s.MarkOpen(ctx, b.Account, id)
}

func (s *Store) create(ctx context.Context, id ID, spec Spec) (bool, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return false, fmt.Errorf("begin a batch: %w", err)
	}
	fields := []any{"v", cmp.Or(spec.Needs, plainVersion), "spec", text, "state", string(Receiving), "jobs", 0, "rows", 0, "done", 0, "rounds", 1}
	if spec.Budget != "" {
		fields = append(fields, "budget", string(spec.Budget))
	}
	ns, err := s.run(durable(ctx), "begin", id, scriptCreate, []string{keysOf(id).meta()}, fields...)
	return err == nil && ns[0] == 1, err
}

// Get returns a batch as it stands.
func (s *Store) Get(ctx context.Context, id ID) (Batch, error) {
	meta, err := s.rdb.HGetAll(ctx, keysOf(id).meta()).Result()
	if err != nil {
		return Batch{ID: id}, wrap("read", id, err)
	}
	b, err := readMeta(id, meta)
	return b, wrap("read", id, err)
}

// known says that this program can work on a batch of the version.
func known(version int) bool { return version >= plainVersion && version <= Version }

// readMeta makes a Batch of the meta hash.
func readMeta(id ID, meta map[string]string) (Batch, error) {
	b := Batch{ID: id, Counts: map[Outcome]int{}}
	if len(meta) == 0 || meta["purging"] != "" {
		return b, ErrUnknown
	}
	if b.Version = number(meta["v"]); !known(b.Version) {
		return b, ErrNewer
	}
	if err := json.Unmarshal([]byte(meta["spec"]), &b.Spec); err != nil {
		return b, fmt.Errorf("damaged spec in the ledger: %w", err)
	}
	b.State, b.Reason, b.Sealed = State(meta["state"]), cmp.Or(meta["reason"], meta["cut"]), meta["sealed"] != ""
	b.Rows, b.Total, b.Done, b.Rounds = number(meta["rows"]), number(meta["jobs"]), number(meta["done"]), number(meta["rounds"])
	b.Budget, b.SpentAt = Budget(meta["budget"]), moment(meta["spent"])
	b.Over, b.Told = meta["over"], meta["told"]
	b.StartedAt, b.FinishedAt = moment(meta["started"]), moment(meta["finished"])
	b.ReportedAt, b.TrimmedAt, b.AppendedAt = moment(meta["reported"]), moment(meta["trimmed"]), moment(meta["appended"])
	return b, readCounts(b.Counts, meta)
}

func readCounts(counts map[Outcome]int, meta map[string]string) error {
	for field, value := range meta {
		n, err := strconv.Atoi(strings.TrimPrefix(field, "o"))
		if err != nil || field[0] != 'o' || value == "0" {
			continue
		}
		if n <= 0 || n >= len(numbered) {
			return ErrNewer
		}
		counts[numbered[n]] = number(value)
	}
	return nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func moment(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	return time.UnixMilli(int64(number(s))).UTC()
}

// List yields all batches, newest first. One that can't be read is yielded with its error, and the list goes on.
func (s *Store) List(ctx context.Context) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		ids, err := s.rdb.ZRevRange(ctx, indexKey, 0, -1).Result()
		if err != nil {
			yield(Batch{}, fmt.Errorf("list batches: %w", err))
			return
		}
		for page := range pages(ids, 50) {
			if !s.listPage(ctx, page, yield) {
				return
			}
		}
	}
}

func pages(ids []ID, size int) iter.Seq[[]ID] {
	return func(yield func([]ID) bool) {
		for from := 0; from < len(ids); from += size {
			if !yield(ids[from:min(from+size, len(ids))]) {
				return
			}
		}
	}
}

func (s *Store) listPage(ctx context.Context, ids []ID, yield func(Batch, error) bool) bool {
	metas, err := s.metas(ctx, ids)
	if err != nil {
		yield(Batch{}, err)
		return false
	}
	for i, id := range ids {
		b, err := readMeta(id, metas[i])
		if errors.Is(err, ErrUnknown) {
			continue
		}
		if !yield(b, wrap("list", id, err)) {
			return false
		}
	}
	return true
}

// metas reads the meta hashes of some batches in one round trip.
func (s *Store) metas(ctx context.Context, ids []ID) ([]map[string]string, error) {
	cmds := make([]*redis.MapStringStringCmd, len(ids))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			cmds[i] = p.HGetAll(ctx, keysOf(id).meta())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read batches: %w", err)
	}
	metas := make([]map[string]string, len(ids))
	for i, cmd := range cmds {
		metas[i] = cmd.Val()
	}
	return metas, nil
}

// Audit checks that the batch's counts add up, at one moment: the jobs done are the sum of the outcomes and the bits
// that are set. An error says what doesn't.
func (s *Store) Audit(ctx context.Context, id ID) error {
	k := keysOf(id)
	answer, err := scriptAudit.Run(ctx, s.rdb, []string{k.meta(), k.done()}).Slice()
	if err != nil {
		return wrap("audit", id, err)
	}
	first, _ := answer[0].(int64)
	if err := refusal(first); err != nil {
		return wrap("audit", id, err)
	}
	jobs, done, bits := first, answer[1].(int64), answer[2].(int64)
	var sum int64
	for i := 4; i < len(answer); i += 2 {
		sum += answer[i].(int64)
	}
	if done != bits || done != sum || done > jobs {
		return wrap("audit", id, fmt.Errorf("the counts don't add up: %d jobs, %d done, %d bits set, %d results", jobs, done, bits, sum))
	}
	return nil
}

// durable marks writes that have to survive a power cut once they are acknowledged, where the ledger is a file of ours.
func durable(ctx context.Context) context.Context { return redisconn.Durable(ctx) }
