package batch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Budget is how many rows of a batch may fail before the program stops it: a number of rows ("100"), or a share of them ("5%"). The zero
// Budget is none: everything may fail.
//
// What failed is what counts by [Outcome.Spends]. A number counts all of that. A share is judged in two ways, whichever comes first: of all
// rows of the batch, invalid ones among them; and, once BudgetSample calls have ended, of the calls that ended. The first keeps a sheet from
// being sent half of which is wrong, the second finds out early, and by the sample not too early, that AfterShip refuses too much.
//
// A batch that was stopped so is [Stopped], with a SpentAt. Resume gives it its budget anew, and so does opening jobs again: a person has
// looked at it. One that ends before anything is left to stop has said why in Over.
type Budget string

// BudgetSample is how many calls must have ended before a share of them is judged.
const BudgetSample = 100

// ParseBudget reads "100" or "5%"; "" is no budget.
func ParseBudget(text string) (Budget, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	share, isShare := strings.CutSuffix(text, "%")
	if isShare {
		share = strings.TrimSpace(share)
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || !(p > 0 && p < 100) { // NaN is neither
			return "", fmt.Errorf("%q is no share of the rows", text)
		}
		return Budget(strconv.FormatFloat(p, 'f', -1, 64) + "%"), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return "", fmt.Errorf("%q is no number of rows", text)
	}
	return Budget(strconv.Itoa(n)), nil
}

// Overspent says, as the ledger does, why so many failed rows of all rows of a batch are more than the budget allows; "" if they are not.
// The share of the calls that ended is not judged.
func (b Budget) Overspent(failed, rows int) string {
	share, isShare := strings.CutSuffix(string(b), "%")
	most, err := strconv.ParseFloat(share, 64)
	switch {
	case err != nil: // none
		return ""
	case isShare && float64(failed)*100 > most*float64(rows):
		return fmt.Sprintf("too many errors: %d of %d rows failed, and --max-errors allows %s", failed, rows, b)
	case isShare || float64(failed) <= most:
		return ""
	case failed == 1:
		return fmt.Sprintf("too many errors: 1 row failed, and --max-errors allows %s", b)
	}
	return fmt.Sprintf("too many errors: %d rows failed, and --max-errors allows %s", failed, b)
}

// Spends says whether the outcome counts against a budget. What a person cancelled does not.
func (o Outcome) Spends() bool { return o.Failed() && o != CancelledJob }

// spenders declares the counters of the outcomes that count against a budget, for the scripts.
func spenders() string {
	var names []string
	for n, o := range numbered {
		if o.Spends() {
			names = append(names, fmt.Sprintf("'o%d'", n))
		}
	}
	return "local spenders, sample = {" + strings.Join(names, ", ") + "}, " + strconv.Itoa(BudgetSample) + "\n"
}

var scriptBudget = script("budget")

// SetBudget gives an unfinished batch another budget and judges it by that: it may stop it, or let it go on that was stopped for the old
// one. It says whether the batch is stopped for its budget now.
func (s *Store) SetBudget(ctx context.Context, id ID, budget Budget) (spent bool, err error) {
	if budget == "" {
		return false, wrap("set the error budget", id, errors.New("there is none to set"))
	}
	ns, err := s.run(durable(ctx), "set the error budget", id, scriptBudget, []string{keysOf(id).meta()}, string(budget), s.now())
	return err == nil && ns[0] == 1, err
}

// Spent says whether the program has stopped the batch because more failed than its budget allows.
func (b Batch) Spent() bool { return b.State == Stopped && !b.SpentAt.IsZero() }
