package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Column is a column of a sheet, and the field that it meant; "" for none.
type Column struct {
	Name  string `json:"name"`
	Field string `json:"field,omitzero"`
}

// LastColumns is what the sheets of the last run of a name were like.
type LastColumns struct {
	At     time.Time  `json:"at"`
	Sheets [][]Column `json:"sheets"`
}

// columnsVersion is the version of what is kept of columns.
const columnsVersion = 1

type columnsRecord struct {
	V int `json:"v"`
	LastColumns
}

// columnsKey is where the columns of the last run of a name stand. A name has no colon.
func columnsKey(account string, op Operation, name string) string {
	return "aftership:{columns:" + strings.Join([]string{account, string(op), name}, ":") + "}"
}

// Columns returns what the sheets of the last run of a name were like; without Sheets if nothing is known.
func (s *Store) Columns(ctx context.Context, account string, op Operation, name string) (LastColumns, error) {
	text, err := s.rdb.Get(ctx, columnsKey(account, op, name)).Bytes()
	if errors.Is(err, redis.Nil) {
		return LastColumns{}, nil
	}
	var r columnsRecord
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && r.V > columnsVersion {
		err = errors.New("a newer version of the program wrote them: update this one")
	}
	if err != nil {
		return LastColumns{}, fmt.Errorf("read the columns of the last run of %s: %w", name, err)
	}
	return r.LastColumns, nil
}

// KeepColumns keeps what the sheets of a run of a name are like, for as long as the summary of a batch is kept.
func (s *Store) KeepColumns(ctx context.Context, account string, op Operation, name string, sheets [][]Column) error {
	text, err := json.Marshal(columnsRecord{columnsVersion, LastColumns{At: Settled(s.opts.Now()), Sheets: sheets}})
	if err == nil {
		err = s.rdb.Set(ctx, columnsKey(account, op, name), text, s.opts.MetaRetention).Err()
	}
	if err != nil {
		return fmt.Errorf("keep the columns of %s: %w", name, err)
	}
	return nil
}
