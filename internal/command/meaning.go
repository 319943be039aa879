package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"aftership-bulk/carrier"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// rowFlags say what the cells of rows mean where they don't say it themselves.
type rowFlags struct {
	dates, zone, country, separators string
	carriers                         []string
	carriersFile                     string
}

func (r *rowFlags) add(f *pflag.FlagSet) {
	f.StringVar(&r.dates, "date-format", "", "how dates are written, as DD/MM/YYYY or MMM-DD-YY; without it only those are taken that can mean one day only")
	f.StringVar(&r.zone, "time-zone", "", "the zone of times that do not say their offset, as Europe/Berlin; without it such times are left out")
	f.StringVar(&r.country, "country", "", "country of phone numbers without a country's code, in rows that name no destination: DE")
	f.StringVar(&r.separators, "number-separators", "", "further characters that stand between several tracking numbers in a cell")
	f.StringArrayVar(&r.carriers, "carrier", nil, "`NAME=SLUG`: the courier that a carrier's name in the sheet means (repeat it for more)")
	f.StringVar(&r.carriersFile, "carriers", "", "a `FILE` of such names: CSV of name and slug, or YAML")
}

// own is the user's own table of carrier names.
func (r *rowFlags) own() (own carrier.Own, err error) {
	if r.carriersFile != "" {
		if own, err = readOwn(r.carriersFile); err != nil {
			return own, usage(err, "mend the file of --carriers")
		}
	}
	for _, text := range r.carriers {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			return own, usage(fmt.Errorf("--carrier %q is not NAME=SLUG", text), "write it as --carrier 'Royal Mail=royal-mail'")
		}
		if err := own.Add(text[:i], text[i+1:]); err != nil {
			return own, usage(fmt.Errorf("--carrier %q: %w", text, err), "`enqueue check FILE` names the candidates")
		}
	}
	return own, nil
}

func readOwn(path string) (carrier.Own, error) {
	f, err := os.Open(path)
	if err != nil {
		return carrier.Own{}, err
	}
	defer f.Close()
	return carrier.ReadOwn(f, path)
}

// openToCheck opens what a check of sheets needs: for a run all of it; for a dry
// run, which must disturb nobody and needs neither key nor Redis, what is there.
func (c *cli) openToCheck(ctx context.Context) (*session, error) {
	if !c.imp.dryRun {
		return c.openToWork(ctx)
	}
	s := &session{cfg: c.cfg, log: c.log, ui: c.ui}
	switch {
	case c.flags.sandbox:
		return c.open(ctx, readWrite)
	case c.cfg.RedisURL.Value() != "":
		if err := s.openRedis(ctx); err != nil {
			c.log.Info("the check goes on without Redis", "error", err)
		}
	}
	return s, ctx.Err()
}

// account is the account of the settings with its pacers, one for all that this
// process sends.
func (s *session) account() (*jobs.Account, error) {
	if s.acc != nil {
		return s.acc, nil
	}
	account, err := wire.Account(s.cfg, s.cfg.Account, s.limiterRedis())
	if err != nil {
		return nil, usage(err, "")
	}
	s.acc = account
	s.closers = append(s.closers, account.Close)
	return account, nil
}

// couriers are the account's couriers, as far as they can be had here.
func (s *session) couriers(own carrier.Own) (*jobs.Couriers, error) {
	c := &jobs.Couriers{Own: own, Name: s.cfg.Account, Version: wire.Version(s.cfg)}
	switch {
	case s.embedded != nil:
		c.Redis = s.embedded.LedgerClient()
	case s.rdb != nil:
		c.Redis = s.rdb
	}
	if _, ok := s.cfg.Key(s.cfg.Account); !ok {
		return c, nil
	}
	var err error
	c.Account, err = s.account()
	return c, err
}

// carriers finds out which couriers the carrier names of a sheet mean, and what
// those couriers need. It returns what a person should know about that.
func (c *cli) carriers(ctx context.Context, s *session, u *understood, plan *jobs.Plan) (string, error) {
	if !jobs.Creates(plan.Operation) && !u.mapping.Has("slug") || plan.Defaults.Slug == "" && !u.mapping.Has("slug") {
		return "", nil
	}
	own, err := c.rows.own()
	if err != nil {
		return "", err
	}
	couriers, err := s.couriers(own)
	if err != nil {
		return "", err
	}
	table, source, err := couriers.Table(ctx)
	if err != nil {
		return "", err
	}
	survey, err := carrier.SurveyOf(table, carrierNames(u))
	if err != nil {
		return "", err
	}
	plan.Name(table, survey.Answers())
	if !slices.ContainsFunc(survey.Answers(), func(a carrier.Answer) bool { return !carrier.IsSlug(a.Name) }) && len(plan.CarrierHints) == 0 {
		return "", nil // every row names its courier by slug: nothing was looked up
	}
	return source.Warning, nil
}

// guessed says what was understood without certainty, if anything.
func (u *understood) guessed() string {
	if doubt := u.sheet.EncodingDoubt; doubt != nil {
		return "it is not sure which encoding the text is in"
	}
	return ""
}

// legible refuses a sheet of which it is not sure what its cells say, unless only
// cells that are not sent are in doubt.
func legible(in *input) error {
	doubt := in.sheet.EncodingDoubt
	inDoubt := func(g jobs.Group) bool { return g.Wrong == sheet.NotUTF8 }
	if doubt == nil || !slices.ContainsFunc(in.survey.Problems(), inDoubt) {
		return nil
	}
	return usage(fmt.Errorf("%s: %w", in.name, error(doubt)), "enqueue inspect FILE --encoding NAME")
}

// carrierNames yields the lines and carrier names of a sheet.
func carrierNames(u *understood) iter.Seq2[int, string] {
	column := slices.Index(u.mapping.Fields, "slug")
	return func(yield func(int, string) bool) {
		if column < 0 {
			return
		}
		rules := u.rules().Reader(u.sheet.Header)
		for row, err := range u.sheet.Rows() {
			if err != nil && !isLineError(err) {
				return // pass one says it
			}
			name := nameIn(rules, row, column)
			if name != "" && !yield(row.Line, name) {
				return
			}
		}
	}
}

// nameIn is the carrier's name of a row, its own or what it inherits.
func nameIn(rules *preset.Reader, row sheet.Row, column int) string {
	filled, skip := rules.Row(row.Cells)
	if skip != "" || row.Skip != "" || column >= len(row.Cells) {
		return ""
	}
	name := row.Cells[column]
	for _, f := range filled {
		if f.Column == column {
			name = f.Value
		}
	}
	return name
}

var errNothingSent = errors.New("nothing was sent")
