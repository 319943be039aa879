package batch

import (
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"aftership-bulk/internal/redistest"
)

// modelJob and model say in the plainest way what the ledger has to be.
type modelJob struct {
	outcome         Outcome
	round           int
	begins, answers int
	everBegan       bool // in an earlier round
	tracking        string
	message         string
}

type model struct {
	jobs                      []modelJob
	sealed, cancelled, halted bool
	paused                    bool
	reported                  bool
}

func (m *model) pending() (n int) {
	for _, j := range m.jobs {
		if j.outcome == Pending {
			n++
		}
	}
	return n
}

func (m *model) ended() bool { return m.sealed && m.pending() == 0 }

func (m *model) state() State {
	switch {
	case m.cancelled:
		return Cancelled
	case m.ended():
		return Finished
	case m.paused:
		return Paused
	case m.halted:
		return Stopped
	case m.sealed:
		return Running
	}
	return Receiving
}

// settled follows each change: an end lifts what held the batch, and an end that is undone wants a new report.
func (m *model) settled() {
	if m.ended() {
		m.paused, m.halted = false, false
	} else {
		m.reported = false
	}
}

func (m *model) last() bool { return m.ended() && !m.reported }

func (m *model) begin(job, round int) Begun {
	j := &m.jobs[job]
	why := Why("")
	switch {
	case j.round != round:
		why = WhyRound
	case j.outcome != Pending:
		why = WhyDone
	case m.cancelled:
		why = WhyCancelled
	case m.paused:
		why = WhyPaused
	case m.halted:
		why = WhyStopped
	}
	if why == "" {
		j.begins++
	}
	return Begun{OK: why == "", Why: why, Begins: j.begins, Answers: j.answers, Earlier: j.everBegan}
}

func (m *model) record(job, round int, o Outcome, message string) Recorded {
	j := &m.jobs[job]
	first := j.round == round && j.outcome == Pending
	if first {
		j.outcome, j.message, j.tracking = o, message, ""
		m.settled()
	}
	return Recorded{First: first, Last: m.last(), Round: j.round}
}

func (m *model) cancel() {
	m.cancelled, m.sealed, m.paused, m.halted = true, true, false, false
	for i := range m.jobs {
		if j := &m.jobs[i]; j.outcome == Pending && j.begins == 0 {
			j.outcome, j.message, j.tracking = CancelledJob, CancelMessage, ""
		}
	}
	m.settled()
}

func (m *model) reopen(outcomes []Outcome) (n int) {
	for i := range m.jobs {
		j := &m.jobs[i]
		if slices.Contains(outcomes, j.outcome) {
			*j = modelJob{outcome: Pending, round: j.round + 1, everBegan: j.everBegan || j.begins > 0}
			n++
		}
	}
	if n > 0 {
		m.cancelled = false
	}
	m.settled()
	return n
}

// machine runs the model beside two stores.
type machine struct {
	model
	stores []*Store
	spec   Spec
	id     ID
	ctx    context.Context
}

// store draws one of the stores.
func (m *machine) store(t *rapid.T) *Store { return rapid.SampledFrom(m.stores).Draw(t, "store") }

func (m *machine) job(t *rapid.T) int {
	if len(m.jobs) == 0 {
		t.Skip("no jobs yet: rapid draws another action")
	}
	// A few jobs only, at the ends of chunks, so that the same one is met again.
	return rapid.SampledFrom([]int{0, 1, 99, 100, 101, 250, len(m.jobs) - 1}).Draw(t, "job") % len(m.jobs)
}

func (m *machine) round(t *rapid.T, job int) int {
	return max(1, m.jobs[job].round+rapid.SampledFrom([]int{0, 0, 0, 0, -1, 1}).Draw(t, "round"))
}

func same[T comparable](t *rapid.T, what string, got, want T) {
	if got != want {
		t.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}

func (m *machine) wants(t *rapid.T, what string, got, want error) {
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

func (m *machine) Append(t *rapid.T) {
	first := ChunkJobs * rapid.IntRange(0, len(m.jobs)/ChunkJobs+1).Draw(t, "chunk")
	n := rapid.SampledFrom([]int{100, 100, 230, 57}).Draw(t, "n")
	settled := map[int]Result{}
	for job := first + 10; job < first+n; job += 20 {
		settled[job] = Result{Outcome: Invalid, Message: "m" + strconv.Itoa(job)}
	}
	err := m.store(t).Append(m.ctx, m.id, first, testEntries(first, n), settled)
	m.wants(t, "append", err, m.appended(first, n, settled))
}

// appended follows Append, chunk by chunk.
func (m *machine) appended(first, n int, settled map[int]Result) error {
	for at := first; at < first+n; at += ChunkJobs {
		size := min(ChunkJobs, first+n-at)
		had := min(ChunkJobs, len(m.jobs)-at)
		switch {
		case had > 0 && had == size:
			continue
		case had > 0:
			return ErrDifferent
		case m.cancelled:
			return ErrCancelled
		case m.sealed:
			return ErrSealed
		case at > len(m.jobs):
			return ErrGap
		}
		for job := at; job < at+size; job++ {
			j := modelJob{outcome: Pending, round: 1}
			if r, ok := settled[job]; ok {
				j.outcome, j.message = r.Outcome, r.Message
			}
			m.jobs = append(m.jobs, j)
		}
	}
	return nil
}

func (m *machine) Seal(t *rapid.T) {
	if len(m.jobs) < 300 {
		t.Skip("too few jobs yet: rapid draws another action")
	}
	last, err := m.store(t).Seal(m.ctx, m.id, len(m.jobs), len(m.jobs))
	if m.cancelled {
		m.wants(t, "seal", err, ErrCancelled)
		return
	}
	m.wants(t, "seal", err, nil)
	m.sealed = true
	m.settled()
	same(t, "last", last, m.last())
}

func (m *machine) Begin(t *rapid.T) {
	job := m.job(t)
	round := m.round(t, job)
	got, err := m.store(t).MarkBegin(m.ctx, m.id, job, round)
	m.wants(t, "begin", err, nil)
	want := m.begin(job, round)
	if want.Why == WhyDone { // of a job that is done the counts are not kept
		want.Begins, want.Answers, got.Begins, got.Answers = 0, 0, 0, 0
		got.Earlier, want.Earlier = false, false
	}
	if want.Why == WhyRound {
		got, want = Begun{Why: got.Why}, Begun{Why: want.Why}
	}
	same(t, "begun", got, want)
}

func (m *machine) Answer(t *rapid.T) {
	job := m.job(t)
	round := m.round(t, job)
	got, err := m.store(t).CountAnswer(m.ctx, m.id, job, round)
	m.wants(t, "answer", err, nil)
	j := &m.jobs[job]
	if j.outcome != Pending {
		return
	}
	if j.round == round && j.answers < j.begins {
		j.answers++
	}
	same(t, "answers", got, j.answers)
}

func (m *machine) Record(t *rapid.T) {
	job := m.job(t)
	round := m.round(t, job)
	o := rapid.SampledFrom([]Outcome{Created, GaveUp, Rejected}).Draw(t, "outcome")
	message := rapid.SampledFrom([]string{"", "a", string(make([]byte, 1500))}).Draw(t, "message")
	got, err := m.store(t).Record(m.ctx, m.id, job, round, Result{Outcome: o, Message: message})
	m.wants(t, "record", err, nil)
	same(t, "recorded", got, m.record(job, round, o, message))
}

// RecordMost brings the batch near its end.
func (m *machine) RecordMost(t *rapid.T) {
	s, spare := m.store(t), rapid.IntRange(0, 2).Draw(t, "spare")
	for job := range m.jobs {
		if left := m.pending(); left <= spare {
			break
		}
		round := m.jobs[job].round
		got, err := s.Record(m.ctx, m.id, job, round, Result{Outcome: Created})
		m.wants(t, "record", err, nil)
		same(t, "recorded", got, m.record(job, round, Created, ""))
	}
}

func (m *machine) Look(t *rapid.T) {
	job := m.job(t)
	round := m.round(t, job)
	got, err := m.store(t).Look(m.ctx, m.id, job, round)
	m.wants(t, "look", err, nil)
	j := m.jobs[job]
	want := Look{Known: true, State: m.state(), Round: j.round, Begins: j.begins, Answers: j.answers, Earlier: j.everBegan, TrackingID: j.tracking}
	want.Done = j.round > round || j.round == round && j.outcome != Pending
	if j.outcome != Pending {
		want.Begins, want.Answers, want.Earlier = got.Begins, got.Answers, got.Earlier
	}
	same(t, "look", got, want)
}

func (m *machine) SetIDs(t *rapid.T) {
	ids := map[int]string{m.job(t): "id1", m.job(t): "id2"}
	m.wants(t, "ids", m.store(t).SetIDs(m.ctx, m.id, ids), nil)
	for job, id := range ids {
		if m.jobs[job].outcome == Pending {
			m.jobs[job].tracking = id
		}
	}
}

func (m *machine) Hold(t *rapid.T) {
	s, act := m.store(t), rapid.SampledFrom([]string{"pause", "halt", "resume"}).Draw(t, "act")
	err := map[string]func() error{
		"pause":  func() error { return s.Pause(m.ctx, m.id, "p") },
		"halt":   func() error { return s.Halt(m.ctx, m.id, "h") },
		"resume": func() error { return s.Resume(m.ctx, m.id) },
	}[act]()
	switch {
	case m.cancelled:
		m.wants(t, act, err, ErrCancelled)
	case m.ended():
		m.wants(t, act, err, ErrFinished)
	default:
		m.wants(t, act, err, nil)
		m.paused = act == "pause" || act == "halt" && m.paused
		m.halted = act == "halt" && !m.paused
	}
}

func (m *machine) Cancel(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") != 0 || len(m.jobs) == 0 {
		t.Skip("cancelled rarely, since little can follow: rapid draws another action")
	}
	last, err := m.store(t).Cancel(m.ctx, m.id)
	if m.ended() && !m.cancelled {
		m.wants(t, "cancel", err, ErrFinished)
		return
	}
	m.wants(t, "cancel", err, nil)
	m.cancel()
	same(t, "last", last, m.last())
}

func (m *machine) Reopen(t *rapid.T) {
	outcomes := rapid.SampledFrom([][]Outcome{{GaveUp}, {GaveUp, CancelledJob}, {Rejected}, {Created}}).Draw(t, "outcomes")
	n, err := m.store(t).Reopen(m.ctx, m.id, outcomes...)
	m.wants(t, "reopen", err, nil)
	same(t, "opened", n, m.reopen(outcomes))
}

func (m *machine) Reported(t *rapid.T) {
	m.wants(t, "reported", m.store(t).MarkReported(m.ctx, m.id), nil)
	m.reported = m.ended()
}

func (m *machine) SameAgain(t *rapid.T) {
	b, existed, err := m.store(t).Begin(m.ctx, m.spec, false)
	m.wants(t, "begin", err, nil)
	same(t, "id", b.ID, m.id)
	same(t, "existed", existed, true)
}

// Results compares every row.
func (m *machine) Results(t *rapid.T) {
	s, n := m.store(t), 0
	for item, err := range s.Results(m.ctx, m.id) {
		m.wants(t, "results", err, nil)
		same(t, "job", item.Job, n)
		same(t, "line", item.Entry.Line, n+2)
		j := m.jobs[n]
		same(t, "outcome of "+strconv.Itoa(n), item.Result.Outcome, j.outcome)
		same(t, "round", item.Round, j.round)
		if j.outcome != Pending {
			same(t, "message", item.Result.Message, j.message)
		}
		n++
	}
	same(t, "rows", n, len(m.jobs))
	left := 0
	for todo, err := range s.Work(m.ctx, m.id, 0) {
		m.wants(t, "work", err, nil)
		j := m.jobs[todo.Job]
		same(t, "todo", todo, Todo{Job: todo.Job, Round: j.round, Begun: j.everBegan || j.begins > 0})
		left++
	}
	same(t, "left", left, m.pending())
}

// Check is called after each step: state and counts are the model's, and they add up.
func (m *machine) Check(t *rapid.T) {
	b, err := m.stores[0].Get(m.ctx, m.id)
	m.wants(t, "get", err, nil)
	same(t, "state", b.State, m.state())
	same(t, "total", b.Total, len(m.jobs))
	same(t, "pending", b.Pending(), m.pending())
	same(t, "sealed", b.Sealed, m.sealed)
	same(t, "ended", b.Ended(), m.ended())
	same(t, "reported", !b.ReportedAt.IsZero(), m.reported)
	counts, rounds := map[Outcome]int{}, 1
	for _, j := range m.jobs {
		rounds = max(rounds, j.round)
		if j.outcome != Pending {
			counts[j.outcome]++
		}
	}
	if !maps.Equal(b.Counts, counts) {
		t.Fatalf("counts: got %v, want %v", b.Counts, counts)
	}
	same(t, "rounds", b.Rounds, rounds)
	m.wants(t, "audit", m.stores[0].Audit(m.ctx, m.id), nil)
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"": m.Check, "append": m.Append, "seal": m.Seal, "begin": m.Begin, "answer": m.Answer, "record": m.Record,
		"record most": m.RecordMost, "look": m.Look, "ids": m.SetIDs, "hold": m.Hold, "cancel": m.Cancel, "reopen": m.Reopen,
		"reported": m.Reported, "same again": m.SameAgain, "results": m.Results,
	}
}

// Any sequence of calls from two stores leaves the ledger as the model says.
func TestLedgerIsTheModel(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		rapid.Check(t, func(rt *rapid.T) {
			m := &machine{stores: []*Store{New(rdb, Options{}), New(rdb, Options{})}, spec: testSpec(), ctx: t.Context()}
			b, _, err := m.stores[0].Begin(m.ctx, m.spec, false)
			if err != nil {
				rt.Fatal(err)
			}
			m.id = b.ID
			rt.Repeat(m.actions())
			m.Results(rt)
			if err := m.stores[0].Purge(m.ctx, m.id); err != nil {
				rt.Fatal(err)
			}
		})
	})
}

// flaky loses some replies: the command has run, its caller sees an error.
type flaky struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

var errLost = errors.Join(errors.New("reply lost"), io.ErrUnexpectedEOF)

func (f *flaky) lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rnd.IntN(3) == 0
}

func (f *flaky) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *flaky) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && f.lost() {
			cmd.SetErr(errLost)
			return errLost
		}
		return err
	}
}

func (f *flaky) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if err == nil && f.lost() {
			return errLost
		}
		return err
	}
}

// insist repeats a call until its reply arrives.
func insist(t testing.TB, call func() error) {
	t.Helper()
	for range 100 {
		if err := call(); !errors.Is(err, errLost) {
			ok(t, err)
			return
		}
	}
	t.Fatal("lost a hundred times")
}

func TestLostRepliesChangeNothing(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		calm, _ := testStore(rdb)
		unsure := redis.NewClient(&redis.Options{Addr: rdb.(*redis.Client).Options().Addr, DisableIdentity: true})
		defer unsure.Close()
		unsure.AddHook(&flaky{rnd: rand.New(rand.NewPCG(1, 1))})
		s, c := testStore(unsure)
		ctx, spec, n := t.Context(), testSpec(), 330
		var b Batch
		insist(t, func() (err error) { b, _, err = s.Begin(ctx, spec, false); return err })
		insist(t, func() error {
			return s.Append(ctx, b.ID, 0, testEntries(0, n), map[int]Result{7: {Outcome: Invalid, At: c.at}})
		})
		insist(t, func() error { _, err := s.Seal(ctx, b.ID, n, n); return err })
		for job := range n - 1 {
			insist(t, func() error { _, err := s.MarkBegin(ctx, b.ID, job, 1); return err })
			insist(t, func() error { _, err := s.CountAnswer(ctx, b.ID, job, 1); return err })
			insist(t, func() error { _, err := s.Record(ctx, b.ID, job, 1, Result{Outcome: GaveUp}); return err })
		}
		insist(t, func() error { _, err := s.Cancel(ctx, b.ID); return err })
		ok(t, calm.Audit(ctx, b.ID))
		insist(t, func() error { _, err := s.Reopen(ctx, b.ID, GaveUp); return err })
		ok(t, calm.Audit(ctx, b.ID))
		b, err := calm.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "rounds", b.Rounds, 2)
		equal(t, "pending", b.Pending(), n-2)
		var lasts int
		for job := range n {
			insist(t, func() error {
				rec, err := s.Record(ctx, b.ID, job, 2, Result{Outcome: Created})
				if rec.Last {
					lasts++
				}
				return err
			})
		}
		if lasts == 0 {
			t.Error("nobody heard that the batch has ended")
		}
		ok(t, calm.Audit(ctx, b.ID))
		b, err = calm.Get(ctx, b.ID)
		ok(t, err)
		equal(t, "created", b.Counts[Created], n-2)
	})
}
