package batch

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
)

func TestColumns(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		s, c := testStore(rdb)
		none, err := s.Columns(t.Context(), "acme", Create, "nightly")
		ok(t, err)
		equal(t, "sheets", len(none.Sheets), 0)
		want := [][]Column{{{"Tracking #", "tracking_number"}, {"Größe", ""}}, {{"id", "id"}}}
		ok(t, s.KeepColumns(t.Context(), "acme", Create, "nightly", want))
		got, err := s.Columns(t.Context(), "acme", Create, "nightly")
		ok(t, err)
		equal(t, "sheets", fmt.Sprint(got.Sheets), fmt.Sprint(want))
		equal(t, "at", got.At, c.now())
		// Another account, operation and name have columns of their own.
		for _, other := range []struct {
			account, name string
			op            Operation
		}{{"acme2", "nightly", Create}, {"acme", "nightly", Update}, {"acme", "night", Create}} {
			got, err := s.Columns(t.Context(), other.account, other.op, other.name)
			ok(t, err)
			equal(t, "sheets", len(got.Sheets), 0)
		}
		left, err := rdb.TTL(t.Context(), columnsKey("acme", Create, "nightly")).Result()
		ok(t, err)
		if left < 89*24*time.Hour || left > 90*24*time.Hour {
			t.Errorf("they are kept for %s", left)
		}
		ok(t, rdb.Set(t.Context(), columnsKey("acme", Create, "later"), `{"v":2}`, 0).Err())
		if _, err := s.Columns(t.Context(), "acme", Create, "later"); err == nil {
			t.Error("what a newer version wrote was read")
		}
	})
}
