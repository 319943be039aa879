package export

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"aftership-bulk/aftership"
	"aftership-bulk/jobs"
)

// Columns of a prediction, behind those of the sheet.
const (
	ColumnEstimate     = "predicted_delivery_date"
	ColumnEstimateMin  = "predicted_delivery_date_min"
	ColumnEstimateMax  = "predicted_delivery_date_max"
	ColumnConfidence   = "predicted_confidence_code"
	ColumnPredicted    = "predict_result"
	ColumnPredictedWhy = "predict_message"
)

// PredictColumns lists the columns that a prediction adds to those of the sheet.
func PredictColumns() []string {
	return []string{ColumnEstimate, ColumnEstimateMin, ColumnEstimateMax, ColumnConfidence, ColumnPredicted, ColumnPredictedWhy}
}

// Prediction is what came of a question about a delivery. Its result is Found where there is a date.
type Prediction struct {
	Result   Result
	Message  string
	Estimate aftership.Estimate
}

// Cells are the cells of the [PredictColumns].
func (p *Prediction) Cells() []string {
	e := p.Estimate
	return []string{e.EstimatedDeliveryDate, e.Min, e.Max, e.ConfidenceCode, string(p.Result), printable(p.Message)}
}

// Predictor asks when parcels will arrive, five in a call.
type Predictor struct {
	Client *aftership.Client
	Caller *Caller

	dry atomic.Int32 // calls that failed since the last that did not
}

// Predict answers up to five questions, in their order. A call that fails because of one of them is made again for each,
// so that only that one has no date.
func (p *Predictor) Predict(ctx context.Context, items []aftership.EstimateRequest) ([]Prediction, error) {
	if len(items) == 0 {
		return nil, nil
	}
	estimates, err := p.ask(ctx, items)
	switch failed, ok := errors.AsType[*Failure](err); {
	case err == nil:
		p.dry.Store(0)
		return predictions(estimates), nil
	case !ok || failed.Kind == jobs.Stop || failed.Kind == jobs.Wait:
		return nil, err
	case len(items) > 1:
		return p.each(ctx, items)
	case failed.Kind == jobs.GiveUp:
		if p.dry.Add(1) >= dryEnough {
			return nil, err
		}
		return []Prediction{{Result: Failed, Message: failed.Error()}}, nil
	default:
		p.dry.Store(0)
		return []Prediction{{Result: Rejected, Message: refusal(failed)}}, nil
	}
}

// refusal is what AfterShip said of an item, with the way out unless that is about trackings.
func refusal(f *Failure) string {
	if f.Code == 4008 || f.Code == 4009 || f.Code == 4010 {
		return f.Error() + ": " + f.Hint
	}
	return f.Error()
}

func (p *Predictor) each(ctx context.Context, items []aftership.EstimateRequest) ([]Prediction, error) {
	var all []Prediction
	for i := range items {
		one, err := p.Predict(ctx, items[i:i+1])
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// ask makes the call. Estimates come back in the order of the items, of which each repeats its own.
func (p *Predictor) ask(ctx context.Context, items []aftership.EstimateRequest) (estimates []aftership.Estimate, err error) {
	err = p.Caller.Call(ctx, func(ctx context.Context) (err error) {
		if estimates, err = p.Client.PredictBatch(ctx, items); err != nil {
			return err
		}
		return matches(items, estimates)
	})
	return estimates, err
}

// errMismatch marks a reply that is not one to what was asked.
var errMismatch = errors.New("AfterShip's answer does not fit the question")

func matches(items []aftership.EstimateRequest, estimates []aftership.Estimate) error {
	if len(items) != len(estimates) {
		return fmt.Errorf("%w: %d estimates to %d questions", errMismatch, len(estimates), len(items))
	}
	for i, e := range estimates {
		if e.Slug != "" && !strings.EqualFold(e.Slug, items[i].Slug) {
			return fmt.Errorf("%w: an estimate of courier %s to a question about %s", errMismatch, e.Slug, items[i].Slug)
		}
	}
	return nil
}

func predictions(estimates []aftership.Estimate) []Prediction {
	all := make([]Prediction, len(estimates))
	for i, e := range estimates {
		all[i] = Prediction{Result: Found, Estimate: e}
		if e.EstimatedDeliveryDate == "" && e.Min == "" && e.Max == "" {
			all[i] = Prediction{Result: NotFound, Message: "AfterShip has no estimate for this way"}
		}
	}
	return all
}
