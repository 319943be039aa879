package command

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

// trackedView is a row of a batch with the last known state of its tracking, as
// programs see it.
type trackedView struct {
	Line     int       `json:"line"`
	Result   string    `json:"result"`
	Number   string    `json:"tracking_number"`
	Slug     string    `json:"slug,omitzero"`
	ID       string    `json:"id,omitzero"`
	Tag      string    `json:"tag,omitzero"`
	Subtag   string    `json:"subtag,omitzero"`
	Message  string    `json:"message,omitzero"`
	Expected string    `json:"expected_delivery,omitzero"`
	Updated  time.Time `json:"updated_at,omitzero"`
}

func viewOfTracked(t jobs.Tracked) trackedView {
	v := trackedView{
		Line: t.Entry.Line, Result: string(t.Result.Outcome), Number: t.Ref.TrackingNumber, Slug: t.Ref.Slug, ID: t.Ref.ID,
		Tag: string(t.Last.Tag), Subtag: t.Last.Subtag, Message: t.Last.Message, Expected: t.Last.ExpectedDelivery, Updated: t.Last.At,
	}
	if v.Message == "" {
		v.Message = t.Last.SubtagMessage
	}
	return v
}

func (v trackedView) cells() []string {
	updated := ""
	if !v.Updated.IsZero() {
		updated = v.Updated.UTC().Format(time.RFC3339)
	}
	return []string{strconv.Itoa(v.Line), v.Result, v.Number, v.Slug, v.ID, v.Tag, v.Subtag, v.Message, v.Expected, updated}
}

// trackings prints the rows of a batch with what webhooks told last about them,
// as CSV or as JSON lines, in constant memory.
func (c *cli) trackings(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	if s.embedded != nil {
		return usage(errors.New("what webhooks told stands in Redis, and REDIS_URL is not set"), "set REDIS_URL to that of the workers")
	}
	out, err := sheet.NewWriter(c.ui.stdout, sheet.WriterOptions{})
	if err != nil {
		return err
	}
	if !c.ui.json {
		err = out.Write(strings.Fields("line result tracking_number slug id tag subtag message expected_delivery updated_at"))
	}
	for t, e := range jobs.Trackings(ctx, s.rdb, s.ledger, b, wire.Version(s.cfg)) {
		if err = errors.Join(err, e); err != nil {
			return ctxOr(ctx, orUnreachable(err, "check REDIS_URL"))
		}
		err = c.showTracked(out, viewOfTracked(t))
	}
	return errors.Join(err, out.Flush())
}

func (c *cli) showTracked(out *sheet.Writer, v trackedView) error {
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(v)
	}
	cells := v.cells()
	for i := range cells {
		cells[i] = sheet.Guard(cells[i])
	}
	return out.Write(cells)
}
