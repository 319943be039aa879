package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/export"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
)

// exportFlags are the flags of export alone.
type exportFlags struct {
	readFlags
	fields                       []string
	tag, keyword                 string
	createdAfter, createdBefore  string
	updatedAfter, updatedBefore  string
	orders, origins, destination []string
	shipmentTags                 []string
	returned                     bool
	listFields                   bool
}

func (c *cli) exportCommand() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use: "export [FILE]", Short: "Write the current state of trackings to a sheet",
		Long: `Asks AfterShip for trackings and writes them to a sheet: every field, the status,
the newest event, dates and ids. Nothing is changed.

With FILE, a sheet in any form that the other commands read, every row is
answered once and in its order, in the columns ` + strings.Join(export.AnswerColumns(), ", ") + `.
Rows are looked up by tracking number, fifty in a call; a row that has an id
alone, or whose tracking is older than the list reaches, costs a call of its own.

Without FILE all trackings are listed that pass the filters. AfterShip lists
those that were created in the last 120 days, 200 in a call; up to version
2024-07 at most 160,000 in one list, and by pages that shift when a tracking
stops passing the filter meanwhile. The window of time is fixed when the export
begins: what is created later is not in it.

Times are 2026-11-01, 2026-11-01T08:00:00+01:00, or how long ago: 36h, 7d.
--lang costs a call for each tracking, as only single ones are translated.

Until it is whole, the sheet is kept in FILE.part beside it; an export that was
interrupted goes on from there when the same command is run again within 12
hours. What is written is good input for update and mark-complete.

Exit codes: 0 all is written; 1 written, and some rows of FILE were not found or
not answered; 2 usage; 5 AfterShip or Redis cannot be reached, or the key was
refused; 6 another run is under way; 130 interrupted, safe to run again.`,
		Example: `  enqueue export -o all.csv
  enqueue export --tag Exception --updated-after 24h -o exceptions.xlsx
  enqueue export shipments.csv -o state.csv
  enqueue export --fields id,tracking_number,tag,custom_fields.shop -o state.csv
  enqueue export --sandbox`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if f.listFields {
				return c.listColumns()
			}
			return c.export(cmd.Context(), f, files)
		},
	}
	f.readFlags.add(c, cmd, "the sheet")
	flags := cmd.Flags()
	flags.StringSliceVar(&f.fields, "fields", nil, "only these columns, in this order; custom_fields is all of them, raw.NAME whatever AfterShip calls so")
	flags.BoolVar(&f.listFields, "list-fields", false, "list the columns of the API version of the settings")
	flags.StringVar(&f.lang, "lang", "", "translate events into this `LANGUAGE`, as de or zh-Hans; one call for each tracking")
	flags.StringVar(&f.slug, "slug", "", "only these couriers, with commas; with FILE the courier of rows that name none")
	flags.StringVar(&f.tag, "tag", "", "only trackings with this status")
	flags.StringVar(&f.keyword, "keyword", "", "only trackings in whose number, title, order, custom fields or customer AfterShip finds this")
	flags.StringVar(&f.createdAfter, "created-after", "", "only trackings that were created at this `TIME` or later; 120 days ago at most")
	flags.StringVar(&f.createdBefore, "created-before", "", "only trackings that were created at this `TIME` or before")
	flags.StringVar(&f.updatedAfter, "updated-after", "", "only trackings that changed at this `TIME` or later")
	flags.StringVar(&f.updatedBefore, "updated-before", "", "only trackings that changed at this `TIME` or before")
	flags.StringSliceVar(&f.orders, "order-id", nil, "only trackings of these orders (from 2024-04 on)")
	flags.StringSliceVar(&f.origins, "origin", nil, "only from these countries: DEU")
	flags.StringSliceVar(&f.destination, "destination", nil, "only to these countries: USA")
	flags.StringSliceVar(&f.shipmentTags, "shipment-tag", nil, "only trackings with these labels of yours")
	flags.BoolVar(&f.returned, "returned", false, "only parcels that go back to their sender")
	offer(cmd, "tag", tagNames()...)
	return cmd
}

func tagNames() []string {
	var names []string
	for _, t := range aftership.Tags() {
		names = append(names, string(t))
	}
	return names
}

// listColumns prints what --fields takes.
func (c *cli) listColumns() error {
	for _, name := range export.Columns(wire.Version(c.cfg)) {
		if _, err := fmt.Fprintln(c.ui.stdout, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) export(ctx context.Context, f exportFlags, files []string) error {
	columns := f.fields
	if len(columns) == 0 {
		columns = export.Columns(wire.Version(c.cfg))
	}
	if err := export.CheckColumns(wire.Version(c.cfg), columns); err != nil {
		return usage(err, "enqueue export --list-fields")
	}
	filter, err := f.filter(time.Now())
	if err != nil {
		return err
	}
	if len(files) > 0 && f.filters() {
		return usage(errors.New("filters choose from AfterShip's list, and FILE says itself what is asked about"), "leave out one of them")
	}
	r, err := c.openReadback(ctx, f.readFlags, "export")
	if err != nil {
		return err
	}
	defer r.close()
	if len(files) == 0 {
		return r.exportListed(ctx, f, filter, columns)
	}
	return r.exportRows(ctx, files[0], columns, false)
}

// filters says that something is left out of the list.
func (f *exportFlags) filters() bool {
	set := f.tag + f.keyword + f.createdAfter + f.createdBefore + f.updatedAfter + f.updatedBefore
	return set != "" || f.returned || len(f.orders)+len(f.origins)+len(f.destination)+len(f.shipmentTags) > 0
}

// filter is what the flags choose, in a list that begins now.
func (f *exportFlags) filter(now time.Time) (aftership.Filter, error) {
	o := aftership.Filter{Tag: aftership.Tag(f.tag), Keyword: f.keyword, OrderIDs: f.orders, Origins: f.origins, Destinations: f.destination,
		ShipmentTags: f.shipmentTags, CreatedMin: now.Add(-aftership.MaxListAge), CreatedMax: now}
	if f.tag != "" && !slices.Contains(aftership.Tags(), o.Tag) {
		return o, usage(fmt.Errorf("--tag %q is unknown", f.tag), "use one of "+strings.Join(tagNames(), ", "))
	}
	if f.slug != "" {
		o.Slugs = strings.Split(f.slug, ",")
	}
	if f.returned {
		o.ReturnToSender = new(true)
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"created-after", f.createdAfter, &o.CreatedMin}, {"created-before", f.createdBefore, &o.CreatedMax},
		{"updated-after", f.updatedAfter, &o.UpdatedMin}, {"updated-before", f.updatedBefore, &o.UpdatedMax}} {
		if t.text == "" {
			continue
		}
		at, err := parseMoment(t.text, now)
		if err != nil {
			return o, usage(fmt.Errorf("--%s %q: %w", t.flag, t.text, err), "write 2026-11-01, 2026-11-01T08:00:00+01:00, 36h or 7d")
		}
		*t.to = at
	}
	if o.CreatedMax.Before(o.CreatedMin) || !o.UpdatedMax.IsZero() && o.UpdatedMax.Before(o.UpdatedMin) {
		return o, usage(errors.New("the window of time ends before it begins"), "exchange the two times")
	}
	return o, nil
}

var errMoment = errors.New("is no time")

// parseMoment reads a time, or how long ago it was. A day begins at 00:00 UTC.
func parseMoment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, errMoment
}

// exportListed writes the trackings of the list.
func (r *readback) exportListed(ctx context.Context, f exportFlags, filter aftership.Filter, columns []string) error {
	r.what = "trackings"
	asked := filter
	asked.CreatedMin, asked.CreatedMax, asked.UpdatedMin, asked.UpdatedMax = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	if err := r.begin(columns, "list", asked, f.createdAfter, f.createdBefore, f.updatedAfter, f.updatedBefore); err != nil {
		return err
	}
	filter, err := f.filter(r.part.Until) // the same for every page, also of a run that goes on
	if err != nil {
		return err
	}
	r.note("Listing the trackings that were created from %s to %s.", filter.CreatedMin.UTC().Format(time.RFC3339), filter.CreatedMax.UTC().Format(time.RFC3339))
	if time.Since(filter.CreatedMin) > aftership.MaxListAge+time.Hour {
		r.ui.warn("AfterShip lists trackings of the last %d days only; name older ones by id in a FILE", int(aftership.MaxListAge.Hours()/24))
	}
	for !r.part.Mark.Done {
		if err := r.page(ctx, filter); err != nil {
			return r.interrupted(ctx, err)
		}
	}
	r.tellListed()
	return r.finish("Trackings")
}

// page reads one page of the list, and keeps where it goes on.
func (r *readback) page(ctx context.Context, filter aftership.Filter) error {
	m := r.part.Mark
	var page aftership.Page
	err := r.caller.Call(ctx, func(ctx context.Context) (err error) {
		page, err = r.client.ListPage(ctx, filter, m.Place)
		return err
	})
	if failed, ok := errors.AsType[*export.Failure](err); ok && failed.Kind == jobs.Refused && m.Place.Page > 1 {
		return usage(fmt.Errorf("AfterShip does not go on with the list where it was left: %w", err), "begin anew with --restart")
	}
	if err != nil {
		return err
	}
	if m.Place.Page == 0 {
		if err := r.fitsWorkbook(page.Total); err != nil {
			return err
		}
		r.part.Mark.Total = page.Total
	}
	records, err := r.records(ctx, page.Trackings)
	if err != nil {
		return err
	}
	r.part.Mark.Place, r.part.Mark.Done = page.Next, !page.More
	return r.save(records)
}

// records are the rows of a page, each tracking asked about by itself where it shall be translated.
func (r *readback) records(ctx context.Context, trackings []aftership.Tracking) ([]export.Record, error) {
	var records []export.Record
	if r.f.lang == "" {
		for i := range trackings {
			records = append(records, export.RecordOf(&trackings[i], r.columns))
		}
		return records, nil
	}
	finder := &export.Finder{Client: r.client, Caller: r.caller, Lang: r.f.lang}
	for some := range slices.Chunk(trackings, export.Chunk) {
		asked := make([]jobs.Asked, len(some))
		for i, t := range some {
			asked[i].Row.ID = t.ID
		}
		answers, err := finder.Find(ctx, asked)
		if err != nil {
			return nil, err
		}
		for i, a := range answers {
			if a.Result != export.Found { // gone, or not to be had alone: what the list says is better than nothing
				a.Tracking = some[i]
				r.ui.warn("%s is not translated: %s", some[i].ID, a.Message)
			}
			records = append(records, export.RecordOf(&a.Tracking, r.columns))
		}
	}
	return records, nil
}

// mostListed is how many trackings a list of pages shows (AfterShip docs, list trackings).
const mostListed = 160_000

// tellListed says what the list has left out, as far as that can be known.
func (r *readback) tellListed() {
	m := r.part.Mark
	r.note("%s.", count(m.Records, "tracking"))
	switch {
	case !r.client.Version().Cursor() && m.Total >= mostListed:
		r.ui.warn("AfterShip shows %d trackings of one list at most in version %s: split it with --created-after and --created-before", mostListed, r.client.Version())
	case m.Total > 0 && m.Total != m.Records:
		r.ui.warn("AfterShip counted %d trackings when the list began, and showed %d: some changed meanwhile", m.Total, m.Records)
	}
}

// exportRows writes what is known of the trackings that the rows of a sheet name.
func (r *readback) exportRows(ctx context.Context, file string, columns []string, last bool) error {
	r.what = "rows"
	u, plan, err := r.asks(ctx, batch.Retrack, file)
	if err != nil {
		return err
	}
	defer u.sheet.Close()
	if text := u.summary(); text != "" {
		r.note("%s: %s", u.file, text)
	}
	if err := r.begin(slices.Concat(columns, export.AnswerColumns()), "rows", u.sheet.SHA256, u.mapping, last); err != nil {
		return err
	}
	finder := &export.Finder{Client: r.client, Caller: r.caller, Lang: r.f.lang, LastCheckpoint: last}
	err = r.rows(ctx, u.sheet, plan, export.Chunk, func(ctx context.Context, asked []jobs.Asked) ([]export.Record, int, error) {
		answers, err := finder.Find(ctx, asked)
		if err != nil {
			return nil, 0, err
		}
		records, bad := make([]export.Record, len(answers)), 0
		for i := range answers {
			records[i] = answers[i].Record(columns)
			if answers[i].Result.Bad() {
				bad++
			}
		}
		return records, bad, nil
	})
	if err != nil {
		return r.interrupted(ctx, err)
	}
	m := r.part.Mark
	r.note("%s: %d found, %d not.", count(m.Records, "row"), m.Records-m.Bad, m.Bad)
	return r.finish("Trackings")
}
