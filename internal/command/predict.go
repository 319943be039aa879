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
	"golang.org/x/sync/errgroup"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/export"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
)

// predictFlags are the flags of predict.
type predictFlags struct {
	readFlags
	pickup string
}

func (c *cli) predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use: "predict FILE", Short: "Write the estimated delivery date of each shipment of a sheet",
		Long: `Asks AfterShip when the parcel of each row will arrive, five rows in a call, and
writes the sheet again with the columns
` + strings.Join(export.PredictColumns(), ", ") + `.
A row that AfterShip refuses does not spoil the others of its call.

A row needs slug, origin_country and destination_country, each address a state or
postal code, and when the courier gets the parcel: pickup_time (2026-11-23
15:00:00, local time of the sender), or order_time, from which AfterShip reckons
it. It may have origin_ and destination_ columns city and raw_location,
service_type_name, weight_value with weight_unit, package_count,
order_cutoff_time (16:00:00), business_days (1; 2; 3, Monday is 1) and
order_processing_days. The trackings themselves need not be at AfterShip.

Not every plan of AfterShip has predictions; without them the call is refused
with 403.

Exit codes: 0 every row has a date; 1 some have none; 2 usage; 5 AfterShip or
Redis cannot be reached, or the key or the plan was refused; 6 another run is
under way; 130 interrupted, safe to run again.`,
		Example: `  enqueue predict --sandbox samples/predictions.csv
  enqueue predict orders.csv --pickup-time '2026-11-23 15:00:00' -o dates.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error { return c.predict(cmd.Context(), f, files[0]) },
	}
	f.readFlags.add(c, cmd, "the sheet with its dates")
	cmd.Flags().StringVar(&f.slug, "slug", "", "courier of rows that name none")
	cmd.Flags().StringVar(&f.pickup, "pickup-time", "", "when the courier gets the parcels of rows that say neither that nor order_time")
	return cmd
}

func (c *cli) predict(ctx context.Context, f predictFlags, file string) error {
	if f.pickup != "" {
		var err error
		if f.pickup, err = localTime(f.pickup); err != nil {
			return usage(fmt.Errorf("--pickup-time %q: %w", f.pickup, err), "write it as '2026-11-23 15:00:00'")
		}
	}
	r, err := c.openReadback(ctx, f.readFlags, "predict")
	if err != nil {
		return err
	}
	defer r.close()
	r.what = "rows"
	u, plan, err := r.asks(ctx, batch.Create, file)
	if err != nil {
		return err
	}
	defer u.sheet.Close()
	for _, column := range []string{"origin_country", "destination_country"} {
		if !u.mapping.Has(column) {
			return usage(fmt.Errorf("%s: no column means %s", u.file, column), "say which one does with --map 'HEADER="+column+"'; `enqueue predict --help` names the columns")
		}
	}
	header := slices.DeleteFunc(slices.Clone(u.sheet.Header), func(name string) bool { return slices.Contains(export.PredictColumns(), name) })
	if err := r.begin(slices.Concat(header, export.PredictColumns()), "predict", u.sheet.SHA256, u.mapping, f.pickup); err != nil {
		return err
	}
	p := &prediction{Predictor: &export.Predictor{Client: r.client, Caller: r.caller}, sheet: u.sheet, pickup: f.pickup}
	if err := r.rows(ctx, u.sheet, plan, predictChunk, p.answer); err != nil {
		return r.interrupted(ctx, err)
	}
	m := r.part.Mark
	r.note("%s: %d with a date, %d without.", count(m.Records, "row"), m.Records-m.Bad, m.Bad)
	return r.finish("Predictions")
}

// predictChunk is how many rows are asked about together, in several calls at once.
const predictChunk = 8 * aftership.MaxPredict

// prediction asks about the rows of a sheet.
type prediction struct {
	*export.Predictor
	sheet  *sheet.Sheet
	pickup string
}

// answer answers some rows: first those that cannot be asked about, then the others, five by five.
func (p *prediction) answer(ctx context.Context, asked []jobs.Asked) ([]export.Record, int, error) {
	answers := make([]export.Prediction, len(asked))
	var items []aftership.EstimateRequest
	var at []int
	for i := range asked {
		item, problem := p.question(&asked[i])
		switch {
		case asked[i].Skip != "":
			answers[i] = export.Prediction{Result: export.Skipped, Message: asked[i].Skip}
		case problem != "":
			answers[i] = export.Prediction{Result: export.Invalid, Message: problem}
		default:
			items, at = append(items, item), append(at, i)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for from := 0; from < len(items); from += aftership.MaxPredict {
		to := min(from+aftership.MaxPredict, len(items))
		group.Go(func() error {
			got, err := p.Predict(ctx, items[from:to])
			for i, one := range got {
				answers[at[from+i]] = one
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	records, bad := p.records(asked, answers)
	return records, bad, nil
}

// records are the rows as they stand in the sheet, each with its answer.
func (p *prediction) records(asked []jobs.Asked, answers []export.Prediction) (records []export.Record, bad int) {
	for i, a := range asked {
		if answers[i].Result.Bad() {
			bad++
		}
		var cells []string
		for j, name := range p.sheet.Header {
			if slices.Contains(export.PredictColumns(), name) {
				continue // of an earlier prediction
			}
			cell := ""
			if j < len(a.Cells) {
				cell = sheet.Unguard(a.Cells[j])
			}
			cells = append(cells, cell)
		}
		records = append(records, export.Record{Cells: append(cells, answers[i].Cells()...)})
	}
	return records, bad
}

// question is what a row asks, or what is wrong with it.
func (p *prediction) question(a *jobs.Asked) (item aftership.EstimateRequest, problem string) {
	var wrong []string
	for _, one := range a.Problems {
		if one.Column != "tracking_number" { // a parcel may have none yet
			wrong = append(wrong, one.String()+": "+one.Remedy)
		}
	}
	row := &a.Row
	item = aftership.EstimateRequest{
		Slug: row.Slug, ServiceTypeName: p.cell(a, "service_type_name"),
		OriginAddress:      aftership.Address{Country: row.OriginCountry, State: row.OriginState, City: row.OriginCity, PostalCode: row.OriginPostalCode, RawLocation: row.OriginRawLocation},
		DestinationAddress: aftership.Address{Country: row.DestinationCountry, State: row.DestinationState, City: row.DestinationCity, PostalCode: row.DestinationPostalCode, RawLocation: row.DestinationRawLocation},
	}
	if item.Slug == "" {
		wrong = append(wrong, "slug is missing: name the courier, or use --slug")
	}
	wrong = append(wrong, incomplete("origin", item.OriginAddress)...)
	wrong = append(wrong, incomplete("destination", item.DestinationAddress)...)
	for _, read := range []func(*jobs.Asked, *aftership.EstimateRequest) error{p.parcel, p.times} {
		if err := read(a, &item); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return item, strings.Join(wrong, "; ")
}

// incomplete says what an address lacks.
func incomplete(side string, a aftership.Address) (wrong []string) {
	if a.Country == "" {
		wrong = append(wrong, side+"_country is missing: fill it in")
	}
	if a.State == "" && a.PostalCode == "" {
		wrong = append(wrong, side+"_state and "+side+"_postal_code are both missing: fill in one of them")
	}
	return wrong
}

// cell is a cell of a column that only predictions have.
func (p *prediction) cell(a *jobs.Asked, name string) string {
	return sheet.Unguard(p.sheet.Cell(sheet.Row{Cells: a.Cells}, name))
}

// parcel reads weight and number of packages.
func (p *prediction) parcel(a *jobs.Asked, item *aftership.EstimateRequest) error {
	var err error
	if item.Weight, err = p.quantity(a, "weight_value", p.cell(a, "weight_unit")); err != nil {
		return err
	}
	if item.Weight != nil && item.Weight.Unit == "" {
		return errors.New("weight_unit is missing beside weight_value: fill it in, as kg")
	}
	text := p.cell(a, "package_count")
	if text == "" {
		return nil
	}
	if item.PackageCount, err = strconv.Atoi(text); err != nil || item.PackageCount < 1 {
		return fmt.Errorf("package_count %q is no number: write 1 or more", text)
	}
	return nil
}

// quantity reads a number with its unit; nil where there is none.
func (p *prediction) quantity(a *jobs.Asked, column, unit string) (*aftership.Quantity, error) {
	text := p.cell(a, column)
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > 1e9 {
		return nil, fmt.Errorf("%s %q is no number: write it with a point, as 1.5", column, text)
	}
	return &aftership.Quantity{Unit: unit, Value: n}, nil
}

// times reads when the courier gets the parcel.
func (p *prediction) times(a *jobs.Asked, item *aftership.EstimateRequest) (err error) {
	pickup, order := p.cell(a, "pickup_time"), p.cell(a, "order_time")
	switch {
	case pickup != "":
		if item.PickupTime, err = localTime(pickup); err != nil {
			return fmt.Errorf("pickup_time %q %w", pickup, err)
		}
		return nil
	case order != "":
		item.EstimatedPickup, err = p.estimatedPickup(a, order)
		return err
	case p.pickup == "":
		return errors.New("pickup_time and order_time are both missing: fill in one of them, or use --pickup-time")
	}
	item.PickupTime = p.pickup
	return nil
}

func (p *prediction) estimatedPickup(a *jobs.Asked, order string) (*aftership.EstimatedPickup, error) {
	at, err := localTime(order)
	if err != nil {
		return nil, fmt.Errorf("order_time %q %w", order, err)
	}
	e := &aftership.EstimatedPickup{OrderTime: at, OrderCutoffTime: p.cell(a, "order_cutoff_time")}
	if _, err := time.Parse(time.TimeOnly, e.OrderCutoffTime); e.OrderCutoffTime != "" && err != nil {
		return nil, fmt.Errorf("order_cutoff_time %q is no time of day: write it as 16:00:00", e.OrderCutoffTime)
	}
	for _, day := range aftership.ParseList(p.cell(a, "business_days")) {
		n, err := strconv.Atoi(day)
		if err != nil || n < 1 || n > 7 {
			return nil, fmt.Errorf("business_days %q is no day of the week: write 1 (Monday) to 7", day)
		}
		e.BusinessDays = append(e.BusinessDays, n)
	}
	e.OrderProcessingTime, err = p.quantity(a, "order_processing_days", "day")
	return e, err
}

var errLocalTime = errors.New("is no date with a time of day: write it as 2026-11-23 15:00:00")

// localTime writes a date with its time of day as AfterShip takes it, without an offset: it is local time.
func localTime(text string) (string, error) {
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.DateTime), nil
		}
	}
	return "", errLocalTime
}
