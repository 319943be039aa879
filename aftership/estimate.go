package aftership

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// MaxPredict is how many estimates one call of [Client.PredictBatch] takes (AfterShip docs, batch predict).
const MaxPredict = 5

// EstimateRequest asks when a parcel will arrive. Slug and both addresses are required, an address needs a state or a
// postal code, and either PickupTime or EstimatedPickup says when the courier gets the parcel.
type EstimateRequest struct {
	Slug               string           `json:"slug"`
	ServiceTypeName    string           `json:"service_type_name,omitempty"`
	OriginAddress      Address          `json:"origin_address"`
	DestinationAddress Address          `json:"destination_address"`
	Weight             *Quantity        `json:"weight,omitempty"`
	PackageCount       int              `json:"package_count,omitempty"`
	PickupTime         string           `json:"pickup_time,omitempty"` // 2024-05-31 15:00:00
	EstimatedPickup    *EstimatedPickup `json:"estimated_pickup,omitempty"`
}

// Address is one end of a parcel's way.
type Address struct {
	Country     string `json:"country,omitempty"` // ISO 3166-1 alpha-3
	State       string `json:"state,omitempty"`
	City        string `json:"city,omitempty"`
	PostalCode  string `json:"postal_code,omitempty"`
	RawLocation string `json:"raw_location,omitempty"`
}

// Quantity is a number with its unit.
type Quantity struct {
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// EstimatedPickup lets AfterShip reckon when the courier gets the parcel.
type EstimatedPickup struct {
	OrderTime           string    `json:"order_time"`                  // 2024-05-31 15:00:00
	OrderCutoffTime     string    `json:"order_cutoff_time,omitempty"` // 16:00:00
	BusinessDays        []int     `json:"business_days,omitempty"`     // 1 is Monday
	OrderProcessingTime *Quantity `json:"order_processing_time,omitempty"`
}

// Estimate is when AfterShip thinks a parcel will arrive.
type Estimate struct {
	ID                    string
	Slug                  string
	EstimatedDeliveryDate string // 2024-06-05
	Min, Max              string
	ConfidenceCode        string
	Raw                   json.RawMessage // the estimate as it came
}

// PredictBatch estimates up to [MaxPredict] deliveries. One bad item fails the whole call. Plans without the feature get
// a 403.
func (c *Client) PredictBatch(ctx context.Context, items []EstimateRequest) ([]Estimate, error) {
	if len(items) == 0 || len(items) > MaxPredict {
		return nil, fmt.Errorf("aftership: %s: %d items, but AfterShip takes 1 to %d", EndpointPredictBatch, len(items), MaxPredict)
	}
	body := map[string]any{"estimated_delivery_dates": items} // bare in every version
	a, err := c.call(ctx, request{endpoint: EndpointPredictBatch, method: http.MethodPost,
		path: []string{"estimated-delivery-date", "predict-batch"}, body: body})
	if err != nil {
		return nil, err
	}
	return a.estimates()
}

// Predict estimates one delivery, from 2025-01 on.
func (c *Client) Predict(ctx context.Context, item EstimateRequest) (Estimate, error) {
	a, err := c.call(ctx, request{endpoint: EndpointPredict, method: http.MethodPost,
		path: []string{"estimated-delivery-date", "predict"}, body: item})
	if err != nil {
		return Estimate{}, err
	}
	if parseObject(a.data) == nil {
		return Estimate{}, a.unreadable(NoAnswerMalformed, errNoEstimate)
	}
	return decodeEstimate(a.data), nil
}

var errNoEstimate = errors.New("the reply holds no estimate")

func (a *answer) estimates() ([]Estimate, error) {
	raws, ok := parseArray(parseObject(a.data)["estimated_delivery_dates"])
	if !ok {
		return nil, a.unreadable(NoAnswerMalformed, errNoEstimate)
	}
	list := make([]Estimate, len(raws))
	for i, raw := range raws {
		list[i] = decodeEstimate(raw)
	}
	return list, nil
}

func decodeEstimate(raw json.RawMessage) Estimate {
	o := parseObject(raw)
	return Estimate{ID: o.text("id"), Slug: o.text("slug"), EstimatedDeliveryDate: o.text("estimated_delivery_date"),
		Min: o.text("estimated_delivery_date_min"), Max: o.text("estimated_delivery_date_max"),
		ConfidenceCode: o.text("confidence_code"), Raw: raw}
}
