package aftership

import (
	"errors"
	"net/http"
	"testing"
)

var oneEstimate = EstimateRequest{Slug: "fedex", OriginAddress: Address{Country: "USA", PostalCode: "10001"},
	DestinationAddress: Address{Country: "USA", State: "CA"}, Weight: &Quantity{"kg", 1.5}, PickupTime: "2024-06-01 15:00:00"}

const oneEstimateJSON = `{"slug":"fedex","origin_address":{"country":"USA","postal_code":"10001"},"destination_address":{"country":"USA","state":"CA"},"weight":{"unit":"kg","value":1.5},"pickup_time":"2024-06-01 15:00:00"}`

func TestPredictBatch(t *testing.T) {
	eachVersion(t, EndpointPredictBatch, func(t *testing.T, v Version) {
		c, mux := setup(t, v)
		mux.HandleFunc("POST /estimated-delivery-date/predict-batch", func(w http.ResponseWriter, r *http.Request) {
			testBody(t, r, `{"estimated_delivery_dates":[`+oneEstimateJSON+`]}`)
			reply(w, 200, `{"meta":{"code":200},"data":{"estimated_delivery_dates":[{"slug":"fedex","estimated_delivery_date":"2024-06-05","estimated_delivery_date_min":"2024-06-04","estimated_delivery_date_max":"2024-06-06","confidence_code":1003}]}}`)
		})
		got, err := c.PredictBatch(t.Context(), []EstimateRequest{oneEstimate})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if e := got[0]; e.EstimatedDeliveryDate != "2024-06-05" || e.Min != "2024-06-04" || e.Max != "2024-06-06" || e.ConfidenceCode != "1003" || len(e.Raw) == 0 {
			t.Errorf("%+v", e)
		}
	})
}

func TestPredict(t *testing.T) {
	for _, v := range Versions() {
		c, mux := setup(t, v)
		mux.HandleFunc("POST /estimated-delivery-date/predict", func(w http.ResponseWriter, r *http.Request) {
			testBody(t, r, oneEstimateJSON)
			reply(w, 200, `{"meta":{"code":200},"data":{"id":"e","slug":"fedex","estimated_delivery_date":"2024-06-05"}}`)
		})
		got, err := c.Predict(t.Context(), oneEstimate)
		if v.Before(V202501) {
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s: %v", v, err)
			}
			continue
		}
		if err != nil || got.ID != "e" || got.EstimatedDeliveryDate != "2024-06-05" {
			t.Errorf("%s: %+v, %v", v, got, err)
		}
	}
}

func TestPredictErrors(t *testing.T) {
	c, mux := setup(t, V202507)
	for _, n := range []int{0, MaxPredict + 1} {
		if _, err := c.PredictBatch(t.Context(), make([]EstimateRequest, n)); err == nil {
			t.Errorf("%d items were taken", n)
		}
	}
	mux.HandleFunc("/", replies(200, `{"meta":{"code":200},"data":[]}`))
	want(t, "batch", noAnswerOf(t, second(c.PredictBatch(t.Context(), []EstimateRequest{oneEstimate}))).Kind, NoAnswerMalformed)
	want(t, "single", noAnswerOf(t, second(c.Predict(t.Context(), oneEstimate))).Kind, NoAnswerMalformed)
}

// Recorded: plans without the feature get a 403 that repeats the body.
func TestPredictNeedsAPlan(t *testing.T) {
	c, mux := setup(t, V4)
	mux.HandleFunc("/", replies(403, errorBody(403, "Forbidden", "You don't have permission to access AfterShip Estimated Delivery Date Predict API.", `{"estimated_delivery_dates":[]}`)))
	e := refusalOf(t, second(c.PredictBatch(t.Context(), []EstimateRequest{oneEstimate})))
	if e.Code != 403 || !e.JSON || e.Quota() || e.Rate.Limit != 0 {
		t.Errorf("%+v", e)
	}
}
