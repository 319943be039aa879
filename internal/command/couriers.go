package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
	"aftership-bulk/carrier"
	"aftership-bulk/export"
	"aftership-bulk/jobs"
)

// couriersFlags are the flags of couriers.
type couriersFlags struct {
	all, refresh bool
	detect       []string
}

func (c *cli) couriersCommand() *cobra.Command {
	var f couriersFlags
	cmd := &cobra.Command{
		Use: "couriers", Short: "List the account's couriers and what they require, or find the courier of a number",
		Long: `Lists the couriers that the account has activated, with the columns that a row of
theirs needs beside the number. --all lists every courier that AfterShip knows,
those activated first. The list is kept for a day; --refresh fetches it anew.

--detect NUMBER asks AfterShip which couriers the number may belong to, among
those activated, the likeliest first as AfterShip says it. It is made for single
numbers: AfterShip takes three such calls a second.

Exit codes: 0 done; 1 a number was not recognised; 2 usage; 5 AfterShip or Redis
cannot be reached, or the key was refused; 6 another run is under way.`,
		Example: `  enqueue couriers
  enqueue couriers --all --json
  enqueue couriers --detect 1Z999AA10123456784
  enqueue couriers --sandbox`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && len(f.detect) == 0 {
				return usage(errors.New("couriers takes no argument"), "enqueue couriers --detect NUMBER")
			}
			f.detect = append(f.detect, args...) // --detect A B
			if cmd.Flags().Changed("detect") && strings.TrimSpace(strings.Join(f.detect, "")) == "" {
				return usage(errors.New("--detect has no number"), "enqueue couriers --detect NUMBER")
			}
			return c.couriers(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "every courier that AfterShip knows")
	flags.BoolVar(&f.refresh, "refresh", false, "fetch the list now, whatever is kept")
	flags.StringSliceVar(&f.detect, "detect", nil, "the couriers that this `NUMBER` may belong to (repeat it for more)")
	flags.BoolVar(&c.flags.sandbox, "sandbox", false, "ask the built-in stand-in for AfterShip")
	return cmd
}

// courierView is a courier as programs see it.
type courierView struct {
	Slug      string   `json:"slug"`
	Name      string   `json:"name"`
	OtherName string   `json:"other_name,omitzero"`
	Active    bool     `json:"active"`
	Required  []string `json:"required_fields"`
}

func (c *cli) couriers(ctx context.Context, f couriersFlags) error {
	s, err := c.openToAsk(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if len(f.detect) > 0 {
		return c.detect(ctx, s, f.detect)
	}
	couriers, err := s.couriers(carrier.Own{})
	if err != nil {
		return err
	}
	list, source, err := couriers.List(ctx, f.refresh)
	switch {
	case err != nil:
		return ctxOr(ctx, err)
	case source.Origin == jobs.FromBuiltin:
		return unreachable(errors.New(source.Warning), "check the key, and run the same command again later")
	case source.Warning != "":
		c.ui.warn("%s", source.Warning)
	}
	if !f.all {
		list = slices.DeleteFunc(list, func(one carrier.Courier) bool { return !one.Active })
	}
	return c.showCouriers(list, source)
}

func (c *cli) showCouriers(list []carrier.Courier, source jobs.Source) error {
	views, rows := []courierView{}, [][]string{{"SLUG", "NAME", "ACTIVATED", "NEEDS BESIDE THE NUMBER"}}
	for _, one := range list {
		views = append(views, courierView{one.Slug, one.Name, one.OtherName, one.Active, append([]string{}, one.Required...)})
		rows = append(rows, []string{one.Slug, one.Name, yes(one.Active), strings.Join(one.Required, ", ")})
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"couriers": views, "at": source.At.UTC().Format(time.RFC3339)})
	}
	c.ui.table(rows)
	c.ui.say("%d listed, of %s.", len(list), source)
	return nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// detection is what AfterShip makes of a number, as programs see it.
type detection struct {
	Number   string      `json:"tracking_number"`
	Couriers []candidate `json:"couriers"`
	Error    string      `json:"error,omitzero"`
}

// candidate is a courier that a number may belong to.
type candidate struct {
	Slug     string   `json:"slug"`
	Name     string   `json:"name"`
	Required []string `json:"required_fields"`
}

// detect asks which couriers numbers may belong to.
func (c *cli) detect(ctx context.Context, s *session, numbers []string) error {
	account, err := s.account()
	if err != nil {
		return err
	}
	r := &readback{cli: c, s: s, client: account.Client.With(account.Limiter(batch.Upload, "detect")),
		caller: c.caller()}
	unknown := false
	found := make([]detection, 0, len(numbers))
	for _, number := range numbers {
		d, err := r.detectOne(ctx, number)
		if err != nil {
			return r.readError(ctx, err)
		}
		unknown = unknown || len(d.Couriers) == 0
		found = append(found, d)
	}
	if err := c.showDetected(found); err != nil {
		return err
	}
	if unknown {
		return &exitWith{exitRowsFailed}
	}
	return nil
}

func (r *readback) detectOne(ctx context.Context, number string) (detection, error) {
	d := detection{Number: number, Couriers: []candidate{}}
	var couriers []aftership.Courier
	err := r.caller.Call(ctx, func(ctx context.Context) (err error) {
		couriers, err = r.client.Detect(ctx, aftership.Shipment{TrackingNumber: strings.TrimSpace(number)})
		return err
	})
	failed, ok := errors.AsType[*export.Failure](err)
	switch {
	case ok && failed.Kind == jobs.Refused:
		d.Error = failed.Error()
	case err != nil:
		return d, err
	}
	for _, one := range couriers {
		d.Couriers = append(d.Couriers, candidate{one.Slug, one.Name, append([]string{}, one.RequiredFields...)})
	}
	return d, nil
}

func (c *cli) showDetected(found []detection) error {
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"detected": found})
	}
	rows := [][]string{{"NUMBER", "SLUG", "NAME", "NEEDS BESIDE THE NUMBER"}}
	for _, d := range found {
		for _, one := range d.Couriers {
			rows = append(rows, []string{d.Number, one.Slug, one.Name, strings.Join(one.Required, ", ")})
		}
		if len(d.Couriers) == 0 {
			rows = append(rows, []string{d.Number, "-", cmp.Or(d.Error, "no courier recognises it"), ""})
		}
	}
	c.ui.table(rows)
	return nil
}
