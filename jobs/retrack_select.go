package jobs

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/sheet"
)

// Candidate is an expired tracking with what is known of its retracks, and
// whether it is retracked now.
type Candidate struct {
	ID             string    `json:"i"`
	TrackingNumber string    `json:"n"`
	Slug           string    `json:"s"`
	Title          string    `json:"t"`
	Created        time.Time `json:"c"`
	Updated        time.Time `json:"u"`
	// Since is since when it is expired, as far as that is known.
	Since time.Time `json:"e"`
	// Retracks are ours, and Last is the newest of them.
	Retracks int       `json:"r"`
	Last     time.Time `json:"l"`
	// Why is the reason, and Text says it with its figures.
	Why  Why    `json:"w"`
	Text string `json:"x"`
}

// Selection chooses among the expired trackings of an account those that are
// retracked now. The trackings go into a file; in memory stay some 60 bytes for
// each that was listed: where it stands, when it was created, and its hash.
type Selection struct {
	Ledger *batch.Store
	// Redis has what webhooks told; nil where there is none.
	Redis   redis.UniversalClient
	Account string
	Policy  RetrackPolicy
	// Force leaves nothing alone for its history.
	Force bool
	// MinDays is for how many days a shipment must have been expired.
	MinDays int
	// Limit bounds what is taken now. Zero is no bound.
	Limit int
	// Newest takes those first that were created last; else the oldest come first,
	// which AfterShip's list will drop soonest.
	Newest bool
	// Excluded are left alone.
	Excluded *Exclusion
	// Dry changes nothing: no share is taken, and no sight noted.
	Dry bool
	Now time.Time

	file  *os.File
	out   *bufio.Writer
	at    int64
	index []place
	seen  map[uint64]struct{}
	left  map[Why]int
}

// place says where a candidate stands in the file, and how it goes on.
type place struct {
	created int64 // Unix milliseconds
	from    int64
	size    int32
	late    Why // decided after the file was written; "" is what the file says
}

// Begin makes the file, which Close removes.
func (s *Selection) Begin() (err error) {
	s.Policy = s.Policy.withDefaults()
	s.seen, s.left = map[uint64]struct{}{}, map[Why]int{}
	if s.file, err = os.CreateTemp("", "aftership-bulk-expired-*"); err != nil {
		return fmt.Errorf("make a file for the list: %w", err)
	}
	s.out = bufio.NewWriter(s.file)
	return nil
}

// Close removes the file.
func (s *Selection) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

// Add judges a page of the list.
func (s *Selection) Add(ctx context.Context, page []aftership.Tracking) error {
	names, refs := make([][]string, len(page)), make([]aftership.Ref, len(page))
	for i := range page {
		names[i], refs[i] = namesOf(&page[i]), aftership.Ref{ID: page[i].ID, Slug: page[i].Slug, TrackingNumber: page[i].TrackingNumber}
	}
	histories, err := s.Ledger.Retracks(ctx, s.Account, names)
	if err != nil {
		return err
	}
	known := make([]Update, len(page))
	if s.Redis != nil {
		if known, err = LastKnown(ctx, s.Redis, s.Account, refs); err != nil {
			return err
		}
	}
	var sights []batch.Sight
	for i := range page {
		t, h := &page[i], histories[i]
		if !t.Active && h.Expired.IsZero() {
			sights = append(sights, batch.Sight{Name: t.ID, Since: s.changed(t)})
		}
		if err := s.put(s.judge(t, h, known[i])); err != nil {
			return err
		}
	}
	if s.Dry {
		return nil
	}
	return s.Ledger.NoteExpired(ctx, s.Account, sights)
}

// changed is when the tracking changed last, which is the best that a list says
// of when it expired.
func (s *Selection) changed(t *aftership.Tracking) time.Time {
	switch {
	case !t.UpdatedAt.IsZero():
		return t.UpdatedAt
	case !t.CreatedAt.IsZero():
		return t.CreatedAt
	}
	return s.Now
}

// since is when the tracking expired: as webhooks told, as an earlier list was
// the first to show, or when it changed last. What is older than the last
// retrack speaks of an earlier expiry.
func (s *Selection) since(t *aftership.Tracking, h batch.Retracks, u Update) time.Time {
	for _, at := range []time.Time{u.ExpiredSince, h.Expired} {
		if !at.IsZero() && at.After(h.Last()) {
			return at
		}
	}
	return s.changed(t)
}

func (s *Selection) judge(t *aftership.Tracking, h batch.Retracks, u Update) Candidate {
	c := Candidate{
		ID: t.ID, TrackingNumber: t.TrackingNumber, Slug: t.Slug, Title: t.Title, Created: t.CreatedAt, Updated: t.UpdatedAt,
		Since: s.since(t, h, u), Retracks: len(h.At), Last: h.Last(),
	}
	c.Why, c.Text = s.why(t, h, c)
	return c
}

func (s *Selection) why(t *aftership.Tracking, h batch.Retracks, c Candidate) (Why, string) {
	if !s.first(t.ID) {
		return WhyRepeat, "the list showed it before: it moved while it was read"
	}
	if s.Excluded.Has(t) {
		return WhyExcluded, "the file of --exclude names it"
	}
	if t.Active {
		return WhyActive, "AfterShip tracks it: a retrack would be refused (4013)"
	}
	if why, text := s.Policy.Judge(h, s.Now); why != WhyTaken && !s.Force {
		return why, text
	}
	if expired := s.Now.Sub(c.Since); s.MinDays > 0 && expired < time.Duration(s.MinDays)*24*time.Hour {
		return WhyYoung, fmt.Sprintf("expired since %s, for %d days, and --min-days-expired is %d", onDay(c.Since), max(0, Days(expired)), s.MinDays)
	}
	return WhyTaken, "expired since " + onDay(c.Since) + ", " + soFar(h)
}

// soFar says how often a tracking was retracked.
func soFar(h batch.Retracks) string {
	if len(h.At) == 0 {
		return "not retracked so far"
	}
	return fmt.Sprintf("retracked %s so far (%s)", times(len(h.At)), onDays(h.Times()))
}

// Days is how many whole days a time is.
func Days(d time.Duration) int { return int(math.Floor(d.Hours() / 24)) }

// first says that a tracking was not listed before.
func (s *Selection) first(id string) bool {
	key := xxhash.Sum64String(id)
	_, before := s.seen[key]
	s.seen[key] = struct{}{}
	return !before
}

func (s *Selection) put(c Candidate) error {
	text, err := json.Marshal(c)
	if err == nil {
		_, err = s.out.Write(text)
	}
	if err != nil {
		return fmt.Errorf("keep the list: %w", err)
	}
	s.index = append(s.index, place{created: c.Created.UnixMilli(), from: s.at, size: int32(len(text))})
	s.at += int64(len(text))
	s.left[c.Why]++
	return nil
}

// Settle puts all that was added in order, and takes of it what limit and share
// allow.
func (s *Selection) Settle(ctx context.Context) error {
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("keep the list: %w", err)
	}
	slices.SortStableFunc(s.index, func(a, b place) int {
		if s.Newest {
			a, b = b, a
		}
		return cmp.Compare(a.created, b.created)
	})
	t := taking{Selection: s}
	for i := range s.index {
		c, err := s.read(i)
		if err == nil && c.Why == WhyTaken {
			err = t.add(ctx, i, c.ID)
		}
		if err != nil {
			return err
		}
	}
	return t.flush(ctx)
}

// taking takes candidates into the day's share, some in a round trip, and never
// more than the limit leaves room for.
type taking struct {
	*Selection
	taken int
	fresh int // of a dry run: those that were not in the share
	which []int
	ids   []string
}

const shareAtOnce = 200

func (t *taking) room() int {
	if t.Limit == 0 {
		return shareAtOnce
	}
	return min(shareAtOnce, t.Limit-t.taken)
}

func (t *taking) add(ctx context.Context, i int, id string) error {
	if t.room() == 0 {
		t.leave(i, WhyRows)
		return nil
	}
	t.which, t.ids = append(t.which, i), append(t.ids, id)
	if len(t.ids) < t.room() {
		return nil
	}
	return t.flush(ctx)
}

func (t *taking) flush(ctx context.Context) error {
	if len(t.ids) == 0 {
		return nil
	}
	got, err := t.share(ctx)
	if err != nil {
		return err
	}
	for n, i := range t.which {
		if got[n] {
			t.taken++
		} else {
			t.leave(i, WhyShare)
		}
	}
	t.which, t.ids = t.which[:0], t.ids[:0]
	return nil
}

// share says which of the gathered are in the day's share. In a dry run it is
// found out without taking.
func (t *taking) share(ctx context.Context) ([]bool, error) {
	most := t.Policy.most()
	if !t.Dry {
		return t.Ledger.TakeForDay(ctx, t.Account, t.Now, most, t.ids)
	}
	n, has, err := t.Ledger.TakenOnDay(ctx, t.Account, t.Now, t.ids)
	n += t.fresh // what a run would have taken by now
	for i := range has {
		if !has[i] && n < most {
			has[i] = true
			n++
			t.fresh++
		}
	}
	return has, err
}

func (t *taking) leave(i int, why Why) {
	t.index[i].late = why
	t.left[WhyTaken]--
	t.left[why]++
}

func (s *Selection) read(i int) (c Candidate, err error) {
	p := s.index[i]
	text := make([]byte, p.size)
	if _, err = s.file.ReadAt(text, p.from); err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("read the list again: %w", err)
	}
	switch p.late {
	case WhyShare:
		c.Why, c.Text = p.late, fmt.Sprintf("%d are taken in a day (UTC), and the share of %s is full", s.Policy.PerDay, onDay(s.Now))
	case WhyRows:
		c.Why, c.Text = p.late, fmt.Sprintf("--limit is %d", s.Limit)
	}
	return c, nil
}

// All yields every candidate in order, once they are settled.
func (s *Selection) All() iter.Seq2[Candidate, error] {
	return func(yield func(Candidate, error) bool) {
		for i := range s.index {
			if c, err := s.read(i); !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Counts says how many are taken, and how many left for which reason.
func (s *Selection) Counts() map[Why]int { return s.left }

// Listed is how many trackings were added.
func (s *Selection) Listed() int { return len(s.index) }

// Exclusion is the shipments that a sheet names: a hash of each number and id, which
// takes 20 to 40 bytes.
type Exclusion struct {
	names map[uint64]struct{}
	// Rows is how many rows named a shipment.
	Rows int
}

// Exclude reads which shipments the rows of a sheet name. A number stands for
// itself with whatever courier. A row that cannot be read is an error: what it
// means would be retracked.
func (p Plan) Exclude(ctx context.Context, sh *sheet.Sheet) (*Exclusion, error) {
	e := &Exclusion{names: map[uint64]struct{}{}}
	for a, err := range p.Ask(sh) {
		switch {
		case err != nil:
			return nil, err
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case a.Skip != "":
			continue
		}
		if err := e.add(a); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *Exclusion) add(a Asked) error {
	ids := []string{a.Row.ID, a.Row.ResultID}
	for _, p := range a.Problems {
		if p.Column == "line" || p.Column == "id" || p.Column == "tracking_number" && a.Row.ID == "" {
			return fmt.Errorf("line %d: %s: %s", a.Line, p, p.Remedy)
		}
	}
	for _, id := range ids {
		if id != "" {
			e.names[idHash(id)] = struct{}{}
		}
	}
	if a.Row.TrackingNumber != "" {
		e.names[numberHash(a.Row.TrackingNumber)] = struct{}{}
	}
	e.Rows++
	return nil
}

// Has says that the sheet names the tracking. Nothing is in no exclusion.
func (e *Exclusion) Has(t *aftership.Tracking) bool {
	if e == nil {
		return false
	}
	for _, hash := range []uint64{idHash(t.ID), idHash(t.LegacyID), numberHash(t.TrackingNumber)} {
		if _, found := e.names[hash]; found {
			return true
		}
	}
	return false
}

func idHash(id string) uint64         { return xxhash.Sum64String("i" + id) }
func numberHash(number string) uint64 { return xxhash.Sum64String("n" + strings.ToUpper(number)) }
