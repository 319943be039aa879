package jobs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"aftership-bulk/carrier"
)

const (
	// courierListVersion is the form in which lists are kept. One in another form is fetched again.
	courierListVersion = 1
	// courierListSize is how many bytes a kept list has at most; a real one has about a hundred thousand.
	courierListSize = 16 << 20
)

// courierList is what is kept of an account's couriers: what names and required
// columns need, and no more.
type courierList struct {
	Version  int           `json:"v"`
	From     string        `json:"from"` // the version and address that it was fetched from
	At       time.Time     `json:"at"`
	Complete bool          `json:"complete,omitzero"`
	Couriers []keptCourier `json:"couriers"`
}

type keptCourier struct {
	Slug      string   `json:"s"`
	Name      string   `json:"n,omitzero"`
	OtherName string   `json:"o,omitzero"`
	Required  []string `json:"r,omitempty"`
	Active    bool     `json:"a,omitzero"`
}

func (l *courierList) empty() bool { return len(l.Couriers) == 0 }

// list is the list for a table.
func (l *courierList) list() carrier.List {
	list := carrier.List{Complete: l.Complete, Couriers: make([]carrier.Courier, len(l.Couriers))}
	for i, c := range l.Couriers {
		list.Couriers[i] = carrier.Courier{Slug: c.Slug, Name: c.Name, OtherName: c.OtherName, Required: c.Required, Active: c.Active}
	}
	return list
}

// couriersKey is where the list of an account stands. What couriers require is
// named in the version's words, so each version has its own.
func couriersKey(account, version string) string {
	return "aftership:couriers:" + account + ":" + version
}

func (c *Couriers) key() string {
	if c.Account == nil {
		return couriersKey(c.Name, string(c.Version))
	}
	return couriersKey(c.Account.Name, string(c.Account.Client.Version()))
}

// load is the kept list; empty if there is none, or none that can be used.
// Another process may keep one at the same time: either will do.
func (c *Couriers) load(ctx context.Context) courierList {
	if c.Redis == nil {
		return courierList{}
	}
	text, err := c.Redis.Get(ctx, c.key()).Bytes()
	if err != nil {
		return courierList{} // none, or Redis is away: fetching tells
	}
	list, err := unpackCouriers(text)
	if err != nil || c.Account != nil && list.From != c.Account.Client.String() {
		return courierList{}
	}
	return list
}

// keep keeps the list, and returns a warning if it cannot.
func (c *Couriers) keep(ctx context.Context, list courierList) (warning string) {
	if c.Redis == nil {
		return ""
	}
	text, err := packCouriers(list)
	if err == nil {
		err = c.Redis.Set(ctx, c.key(), text, couriersKept).Err()
	}
	if err != nil {
		return fmt.Sprintf("the list of couriers could not be kept (%v): the next run fetches it again", err)
	}
	return ""
}

func packCouriers(list courierList) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(list); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpackCouriers(text []byte) (list courierList, err error) {
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return list, err
	}
	plain, err := io.ReadAll(io.LimitReader(z, courierListSize+1)) // a stream that is cut short or altered fails here
	if err != nil {
		return list, err
	}
	if len(plain) > courierListSize {
		return list, errors.New("the list is too long")
	}
	if err := json.Unmarshal(plain, &list); err != nil {
		return courierList{}, err
	}
	if list.Version != courierListVersion {
		return courierList{}, fmt.Errorf("the list has form %d", list.Version)
	}
	return list, nil
}
