package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/carrier"
)

const (
	// couriersFresh is how long an account's courier list is used without asking again.
	couriersFresh = 24 * time.Hour
	// couriersKept is how long it is kept for the case that asking fails.
	couriersKept = 7 * 24 * time.Hour
	// couriersTime bounds the wait for slots and answers: nobody waits longer than that for names.
	couriersTime = 20 * time.Second
)

// Couriers is an account's own list of couriers, for the names and required
// columns of a sheet. It is asked for through the bucket that all processes
// share, kept in Redis for a day, and never a reason to hold an import up: where
// it cannot be had, an older list or the built-in names serve, and the [Source]
// says so. It may be used by several goroutines at once.
type Couriers struct {
	// Account is asked for its couriers. Nil where there is no key: then what another process of the account keeps in
	// Redis is used, or else the built-in names.
	Account *Account
	// Name and Version say whose list is looked for where Account is nil.
	Name    string
	Version aftership.Version
	// Redis keeps the list, for every process of the account. Nil keeps it in this process only.
	Redis redis.Cmdable
	// Own is the user's own table of names, which wins over everything.
	Own carrier.Own
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	mu    sync.Mutex
	have  courierList // zero until the list was read or fetched
	table *carrier.Table
}

// Origin is where a table of couriers comes from.
type Origin string

// The origins.
const (
	// FromAccount: the list was fetched just now.
	FromAccount Origin = "account"
	// FromCache: the list was fetched before, and kept.
	FromCache Origin = "cache"
	// FromBuiltin: there is no list of the account's. Only well-known names are found, and required columns are those of 2022.
	FromBuiltin Origin = "built-in"
)

// Origins lists every origin.
func Origins() []Origin { return []Origin{FromAccount, FromCache, FromBuiltin} }

// Source says how good a table of couriers is.
type Source struct {
	Origin   Origin
	At       time.Time // when the list was fetched; zero for the built-in names
	Couriers int       // in the account's list
	Active   int       // activated by the account
	Complete bool      // whether the list holds every courier that AfterShip knows
	// Warning says what could not be done, and what is used instead. Empty if all is well.
	Warning string
}

// String says it in a few words.
func (s Source) String() string {
	if s.Origin == FromBuiltin {
		return "built-in carrier names"
	}
	return fmt.Sprintf("the account's %d couriers (%d activated), as of %s", s.Couriers, s.Active, s.At.UTC().Format("2006-01-02 15:04 UTC"))
}

// Table is the account's couriers by name: as they are kept, or as AfterShip
// lists them now. It fails only when ctx ends.
func (c *Couriers) Table(ctx context.Context) (*carrier.Table, Source, error) {
	return c.get(ctx, false)
}

// Refresh is Table with a list that is fetched now, whatever is kept.
func (c *Couriers) Refresh(ctx context.Context) (*carrier.Table, Source, error) {
	return c.get(ctx, true)
}

func (c *Couriers) get(ctx context.Context, now bool) (*carrier.Table, Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have.empty() {
		c.have = c.load(ctx)
	}
	switch {
	case !now && c.fresh():
		return c.use(FromCache, "")
	case c.Account == nil && !c.have.empty():
		return c.use(FromCache, fmt.Sprintf("the list of couriers is that of %s: no worker with the account's key has renewed it", c.have.At.UTC().Format("2006-01-02 15:04 UTC")))
	case c.Account == nil:
		return c.builtin("there is no API key at hand, so only well-known carrier names are understood, and required columns are those of 2022")
	}
	list, err := c.fetch(ctx)
	if ctx.Err() != nil {
		return nil, Source{}, context.Cause(ctx)
	}
	switch {
	case err == nil:
		c.have, c.table = list, nil
		return c.use(FromAccount, c.keep(ctx, list))
	case !list.empty(): // the activated ones, at least
		c.have, c.table = list, nil
		return c.use(FromAccount, fmt.Sprintf("AfterShip listed the activated couriers only (%v): other names are understood where they are well known", err))
	case !c.have.empty():
		return c.use(FromCache, fmt.Sprintf("the list of couriers could not be fetched (%v): the one of %s is used", err, c.have.At.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return c.builtin(fmt.Sprintf("the list of couriers could not be fetched (%v): only well-known carrier names are understood, and required columns are those of 2022", err))
}

func (c *Couriers) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// fresh reports whether the list is less than a day old and whole. One from the
// future is of a clock that was wrong.
func (c *Couriers) fresh() bool {
	age := c.now().Sub(c.have.At)
	return !c.have.empty() && c.have.Complete && age < couriersFresh && age > -time.Hour
}

// use is the table of the list at hand.
func (c *Couriers) use(from Origin, warning string) (*carrier.Table, Source, error) {
	list := c.have.list()
	if c.table == nil {
		c.table = carrier.New(list, c.Own)
	}
	active := 0
	for _, one := range list.Couriers {
		if one.Active {
			active++
		}
	}
	return c.table, Source{Origin: from, At: c.have.At, Couriers: len(list.Couriers), Active: active, Complete: list.Complete, Warning: warning}, nil
}

func (c *Couriers) builtin(warning string) (*carrier.Table, Source, error) {
	return carrier.Builtin(c.Own), Source{Origin: FromBuiltin, Warning: warning}, nil
}

// fetch asks AfterShip for the activated couriers, then for all. Where only the
// second call fails, the activated ones are returned beside the error.
func (c *Couriers) fetch(ctx context.Context) (courierList, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, couriersTime, errCouriersLate)
	defer cancel()
	client := c.Account.Client.With(c.Account.Limiter(batch.Upload, "couriers"))
	list := courierList{Version: courierListVersion, From: client.String(), At: c.now().Truncate(time.Second)}
	active, err := client.Couriers(ctx)
	if err != nil {
		return courierList{}, late(ctx, err)
	}
	list.merge(active, true)
	all, err := client.AllCouriers(ctx)
	if err == nil && len(all) == 0 {
		err = errors.New("AfterShip's list is empty")
	}
	if err != nil {
		return list, late(ctx, err)
	}
	list.merge(all, false)
	list.Complete = true
	return list, nil
}

var errCouriersLate = fmt.Errorf("no answer within %s", couriersTime)

// late is why a call failed: our own patience, where that was it.
func late(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errCouriersLate) {
		return errCouriersLate
	}
	return err
}

// merge takes couriers in, those that are there already not again.
func (l *courierList) merge(couriers []aftership.Courier, active bool) {
	have := make(map[string]bool, len(l.Couriers))
	for _, c := range l.Couriers {
		have[c.Slug] = true
	}
	for _, c := range couriers {
		if c.Slug == "" || have[c.Slug] {
			continue
		}
		have[c.Slug] = true
		l.Couriers = append(l.Couriers, keptCourier{Slug: c.Slug, Name: c.Name, OtherName: c.OtherName, Required: columnsAmong(c.RequiredFields), Active: active})
	}
	slices.SortFunc(l.Couriers, func(a, b keptCourier) int { return cmp.Compare(a.Slug, b.Slug) })
}

// columnsAmong leaves out what is no column of ours: no sheet could fill it in,
// and AfterShip may still take the row.
func columnsAmong(fields []string) []string {
	var columns []string
	for _, name := range fields {
		if _, ok := aftership.LookupField(name); ok {
			columns = append(columns, name)
		}
	}
	return columns
}
