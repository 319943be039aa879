package jobs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/carrier"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/ratelimit"
)

// courierRig is a sandbox whose couriers are asked for, and a clock.
type courierRig struct {
	t     *testing.T
	api   *sandbox.Sandbox
	url   string
	clock time.Time
}

func newCourierRig(t *testing.T, o sandbox.Options) *courierRig {
	o.Limit = -1
	api := sandbox.New(o)
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return &courierRig{t: t, api: api, url: server.URL, clock: time.Now()}
}

func (r *courierRig) couriers(v aftership.Version, rdb redis.Cmdable) *Couriers {
	r.t.Helper()
	client, err := aftership.New(aftership.Options{BaseURL: r.url, APIKey: sandbox.DefaultKey, Version: v, Timeout: 5 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	a := &Account{Name: "acc", Client: client, Pacers: map[aftership.Class]*ratelimit.Pacer{}}
	for _, c := range v.Classes() {
		a.Pacers[c] = ratelimit.NewPacer(ratelimit.NewLocalSource(5000))
	}
	r.t.Cleanup(a.Close)
	return &Couriers{Account: a, Redis: rdb, Now: func() time.Time { return r.clock }}
}

// calls is how often couriers were asked for.
func (r *courierRig) calls() int { return len(r.api.Calls()) }

func (r *courierRig) fault(f sandbox.Fault) {
	r.t.Helper()
	if _, err := r.api.Fault(f); err != nil {
		r.t.Fatal(err)
	}
}

// table asks for the table, which never fails while the context lives.
func (r *courierRig) table(c *Couriers) (*carrier.Table, Source) {
	r.t.Helper()
	table, source, err := c.Table(r.t.Context())
	if err != nil || table == nil {
		r.t.Fatal(err)
	}
	return table, source
}

func (r *courierRig) wantCalls(what string, want int) {
	r.t.Helper()
	if got := r.calls(); got != want {
		r.t.Errorf("%s: %d calls, not %d", what, got, want)
	}
}

// sandboxCouriers is how many couriers the sandbox lists.
const sandboxCouriers = 300

func wellSourced(s Source, from Origin) error {
	if s.Origin != from || !s.Complete || s.Couriers < sandboxCouriers || s.Active < sandboxCouriers-10 || s.Active >= s.Couriers || s.Warning != "" || s.At.IsZero() {
		return fmt.Errorf("the source is %+v", s)
	}
	return nil
}

func TestCouriersAreFetchedOnceADay(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		for _, v := range aftership.Versions() {
			t.Run(string(v), func(t *testing.T) {
				t.Parallel() // it mostly waits for its first slots
				fetchedOnceADay(t, rdb, v)
			})
		}
	})
}

func fetchedOnceADay(t *testing.T, rdb redis.Cmdable, v aftership.Version) {
	r := newCourierRig(t, sandbox.Options{})
	first := r.couriers(v, rdb)
	table, source := r.table(first)
	if err := wellSourced(source, FromAccount); err != nil {
		t.Error(err)
	}
	if got := table.Resolve("Evri"); got.Slug != "myhermes-uk" || !table.Complete() {
		t.Errorf("%+v", got)
	}
	r.wantCalls("first", 2)
	again, source := r.table(first)
	if err := wellSourced(source, FromCache); err != nil || again != table {
		t.Error(err)
	}
	r.clock = r.clock.Add(23 * time.Hour)
	if _, source = r.table(r.couriers(v, rdb)); wellSourced(source, FromCache) != nil {
		t.Errorf("another process: %+v", source)
	}
	r.wantCalls("kept", 2)
	r.clock = r.clock.Add(2 * time.Hour)
	if _, source = r.table(first); wellSourced(source, FromAccount) != nil {
		t.Errorf("a day later: %+v", source)
	}
	r.wantCalls("a day later", 4)
	if _, source, err := first.Refresh(t.Context()); err != nil || wellSourced(source, FromAccount) != nil {
		t.Errorf("refreshed: %+v, %v", source, err)
	}
	r.wantCalls("refreshed", 6)
	if n, err := rdb.Exists(t.Context(), "aftership:couriers:acc:"+string(v)).Result(); err != nil || n != 1 {
		t.Error(n, err)
	}
}

// What couriers require is told in the words of the version, and understood in those of our sheets.
func TestRequiredColumnsInEveryVersion(t *testing.T) {
	for _, v := range aftership.Versions() {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			table := sandboxTable(t, v)
			for slug, want := range map[string]int{"postnl-3s": 2, "j-net": 0, "nacex-spain-reference": 2, "star-track-courier": 1, "vnpost-api": 1} {
				required := table.Required(slug)
				if len(required) != want || !table.Listed(slug) {
					t.Errorf("%s requires %v", slug, required)
				}
				for _, column := range required {
					canBeFilledIn(t, v, column)
				}
			}
		})
	}
}

func canBeFilledIn(t *testing.T, v aftership.Version, column string) {
	t.Helper()
	into, merged := v.Merged(column)
	if !v.Accepts(column, aftership.EndpointCreate) && !merged {
		t.Errorf("nothing can be filled in for %s", column)
	}
	if merged && into != carrier.Twin(column) {
		t.Errorf("%s is sent as %s, and its twin is %q", column, into, carrier.Twin(column))
	}
}

// sandboxTable is the table of a version's sandbox.
func sandboxTable(t *testing.T, v aftership.Version) *carrier.Table {
	t.Helper()
	r := newCourierRig(t, sandbox.Options{})
	table, _ := r.table(r.couriers(v, nil))
	return table
}

func TestSpoiltCachesAreFetchedAgain(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		t.Parallel()
		r := newCourierRig(t, sandbox.Options{})
		c := r.couriers(aftership.V202507, rdb)
		r.table(c)
		good, err := rdb.Get(t.Context(), c.key()).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		altered := slices.Clone(good)
		altered[len(altered)/2] ^= 0xff
		for name, text := range map[string][]byte{
			"empty": {}, "no gzip": []byte("{}"), "cut": good[:len(good)/2], "altered": altered, "no JSON": gzipped("couriers"),
			"newer":         gzipped(`{"v":2,"from":"` + c.Account.Client.String() + `","at":"2026-01-01T00:00:00Z","complete":true,"couriers":[{"s":"x"}]}`),
			"another place": repacked(t, good, func(l *courierList) { l.From = "elsewhere" }),
			"no couriers":   repacked(t, good, func(l *courierList) { l.Couriers = nil }),
			"in part":       repacked(t, good, func(l *courierList) { l.Complete = false }),
			"of tomorrow":   repacked(t, good, func(l *courierList) { l.At = l.At.Add(24 * time.Hour) }),
		} {
			if err := rdb.Set(t.Context(), c.key(), text, 0).Err(); err != nil {
				t.Fatal(err)
			}
			before := r.calls()
			if _, source := r.table(r.couriers(aftership.V202507, rdb)); wellSourced(source, FromAccount) != nil || r.calls() != before+2 {
				t.Errorf("%s: %+v after %d calls", name, source, r.calls()-before)
			}
		}
		rdb.Del(t.Context(), c.key())
		rdb.HSet(t.Context(), c.key(), "a", "b")
		if _, source := r.table(r.couriers(aftership.V202507, rdb)); wellSourced(source, FromAccount) != nil {
			t.Errorf("a key of another type: %+v", source)
		}
	})
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

func repacked(t *testing.T, text []byte, edit func(*courierList)) []byte {
	t.Helper()
	list, err := unpackCouriers(text)
	if err != nil {
		t.Fatal(err)
	}
	edit(&list)
	text, err = packCouriers(list)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Nothing about the list of couriers keeps a sheet from being read.
func TestCouriersThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	rdb := redistest.Mini(t)
	r := newCourierRig(t, sandbox.Options{})
	refuse := func() { r.fault(sandbox.Fault{ID: "away", Kind: sandbox.FaultStatus, Status: 503}) }
	refuse()
	c := r.couriers(aftership.V202507, rdb)
	table, source := r.table(c)
	if source.Origin != FromBuiltin || !strings.Contains(source.Warning, "503") || table.Resolve("Evri").Slug != "myhermes-uk" || table.Complete() {
		t.Errorf("without a list: %+v", source)
	}
	r.api.ClearFaults()
	if _, source = r.table(c); wellSourced(source, FromAccount) != nil {
		t.Errorf("when AfterShip is back: %+v", source)
	}
	refuse()
	r.clock = r.clock.Add(3 * 24 * time.Hour)
	table, source = r.table(r.couriers(aftership.V202507, rdb))
	if source.Origin != FromCache || !source.Complete || !strings.Contains(source.Warning, "the one of ") || !table.Listed("j-net") {
		t.Errorf("with an old list: %+v", source)
	}
}

func TestOnlyTheActivatedCouriersCanBeFetched(t *testing.T) {
	t.Parallel()
	rdb := redistest.Mini(t)
	r := newCourierRig(t, sandbox.Options{})
	r.fault(sandbox.Fault{Kind: sandbox.FaultTruncated, Endpoints: []aftership.Endpoint{aftership.EndpointCouriersAll}})
	table, source := r.table(r.couriers(aftership.V202407, rdb))
	if source.Origin != FromAccount || source.Complete || source.Active != source.Couriers || !strings.Contains(source.Warning, "the activated couriers only") {
		t.Errorf("%+v", source)
	}
	if got := table.Resolve("some-new-courier"); got.Slug != "some-new-courier" || !got.Unlisted {
		t.Errorf("%+v", got)
	}
	if n := rdb.Exists(t.Context(), couriersKey("acc", "2024-07")).Val(); n != 0 {
		t.Error("half a list was kept")
	}
}

func TestWithoutAKey(t *testing.T) {
	var own carrier.Own
	if err := own.Add("DHL", "dhl-germany"); err != nil {
		t.Fatal(err)
	}
	table, source, err := (&Couriers{Own: own}).Table(t.Context())
	if err != nil || source.Origin != FromBuiltin || source.Warning == "" || source.String() == "" || table.Resolve("DHL").Slug != "dhl-germany" {
		t.Errorf("%+v %v", source, err)
	}
}

// A run that is given up does not go on with names that may be wrong.
func TestCouriersOfAnEndedRun(t *testing.T) {
	r := newCourierRig(t, sandbox.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped by Ctrl-C")
	cancel(stop)
	if _, _, err := r.couriers(aftership.V202507, nil).Table(ctx); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// Every request waits for a slot of the account's bucket.
func TestCouriersPassTheBucket(t *testing.T) {
	for _, v := range []aftership.Version{aftership.V4, aftership.V202501, aftership.V202607} {
		r := newCourierRig(t, sandbox.Options{})
		c := r.couriers(v, nil)
		c.Account.hold()
		if _, source := r.table(c); source.Origin != FromBuiltin || !strings.Contains(source.Warning, "could not be fetched") {
			t.Errorf("%s: %+v", v, source)
		}
		r.wantCalls("without slots", 0)
	}
}

func TestManyAskForCouriersAtOnce(t *testing.T) {
	t.Parallel()
	rdb := redistest.Mini(t)
	r := newCourierRig(t, sandbox.Options{})
	here, there := r.couriers(aftership.V202507, rdb), r.couriers(aftership.V202507, rdb)
	var wg sync.WaitGroup
	for range 8 {
		for _, c := range []*Couriers{here, there} {
			wg.Go(func() {
				if table, source, err := c.Table(t.Context()); err != nil || !source.Complete || table.Resolve("GLS").Slug != "gls" {
					t.Errorf("%+v %v", source, err)
				}
			})
		}
	}
	wg.Wait()
	if n := r.calls(); n != 2 && n != 4 { // one of the two may have found what the other kept
		t.Errorf("%d calls", n)
	}
}

func TestRedisThatIsAway(t *testing.T) {
	t.Parallel()
	r := newCourierRig(t, sandbox.Options{})
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	table, source := r.table(r.couriers(aftership.V202507, rdb))
	if source.Origin != FromAccount || !strings.Contains(source.Warning, "could not be kept") || !table.Complete() {
		t.Errorf("%+v", source)
	}
}

// A list as long as AfterShip's takes little room.
func TestKeptCouriersAreCompact(t *testing.T) {
	list := courierList{Version: courierListVersion, Complete: true}
	for i := range 1400 {
		list.Couriers = append(list.Couriers, keptCourier{Slug: fmt.Sprintf("courier-%x", i*7919), Name: fmt.Sprintf("Courier %x Logistics", i*104729),
			OtherName: fmt.Sprintf("Other %x", i*1299709), Required: []string{"tracking_postal_code"}, Active: i%3 == 0})
	}
	text, err := packCouriers(list)
	if err != nil || len(text) > 64<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	back, err := unpackCouriers(text)
	if err != nil || len(back.Couriers) != 1400 || back.Couriers[3].Name != list.Couriers[3].Name {
		t.Error(err)
	}
}

func TestHugeKeptCouriersAreRefused(t *testing.T) {
	if _, err := unpackCouriers(gzipped(`{"v":1,"from":"` + strings.Repeat("x", courierListSize) + `"}`)); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

func FuzzUnpackCouriers(f *testing.F) {
	good, _ := packCouriers(courierList{Version: 1, Complete: true, Couriers: []keptCourier{{Slug: "dhl", Name: "DHL", Required: []string{"x"}, Active: true}}})
	f.Add(good)
	f.Add(gzipped(`{"v":1,"couriers":[{"s":""},{"s":"a","r":null}]}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := unpackCouriers(text)
		if err != nil {
			return
		}
		carrier.New(list.list(), carrier.Own{}).Resolve("DHL")
	})
}

// With an account's list, every Shopify name is what the file says, or is asked about.
func TestShopifyNamesWithAnAccount(t *testing.T) {
	t.Parallel()
	table := sandboxTable(t, aftership.V202507)
	text, err := os.Open("../carrier/data/shopify.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	r := csv.NewReader(text)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	settled := 0
	for _, row := range rows[1:] {
		got, slugs := table.Resolve(row[0]), strings.Split(row[1], "|")
		switch {
		case row[2] == "exact" || row[2] == "manual" || row[2] == "base-slug":
			if got.Settled() && got.Slug != slugs[0] {
				t.Errorf("%s is %s, not %s", row[0], got.Slug, slugs[0])
			}
			if got.Settled() {
				settled++
			} else {
				t.Logf("%s is asked about: %v", row[0], got.Candidates)
			}
		case got.Settled():
			t.Errorf("%s is %s, and the file says %s", row[0], got.Slug, row[2])
		}
	}
	if settled < 125 {
		t.Errorf("only %d names are settled", settled)
	}
}
