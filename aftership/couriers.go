package aftership

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Courier is a carrier that AfterShip can track.
type Courier struct {
	Slug            string
	Name, OtherName string
	Phone, WebURL   string
	RequiredFields  []string // columns that a tracking of this courier needs beside the number, in the version's choice
	OptionalFields  []string // columns that it needs for some numbers
	DefaultLanguage string
	Languages       []string
	ServiceFrom     []string // ISO 3166-1 alpha-3
	Credentials     []Credential
}

// Credential is a field that a connection with the courier needs, from 2025-04 on.
type Credential struct {
	Name, Type string
	Required   bool
}

// Couriers lists the couriers that the account has activated.
func (c *Client) Couriers(ctx context.Context) ([]Courier, error) {
	q := url.Values{}
	if c.version.activeQuery() {
		q.Set("active", "true")
	}
	return c.couriers(ctx, request{endpoint: EndpointCouriers, method: http.MethodGet, path: []string{"couriers"}, query: q})
}

// AllCouriers lists every courier that AfterShip knows, more than a thousand. The list changes: keep it for a day at most.
func (c *Client) AllCouriers(ctx context.Context) ([]Courier, error) {
	if c.version.Has(EndpointCouriersAll) {
		return c.couriers(ctx, request{endpoint: EndpointCouriersAll, method: http.MethodGet, path: []string{"couriers", "all"}})
	}
	return c.couriers(ctx, request{endpoint: EndpointCouriers, method: http.MethodGet, path: []string{"couriers"}})
}

// Detect lists the couriers that the number may belong to, among those of s.Slug (several with commas) or s.SlugGroup
// where one is given. None is no error. At three calls a second it is too slow to ask for each row of a sheet.
func (c *Client) Detect(ctx context.Context, s Shipment) ([]Courier, error) {
	body := c.version.encodeDetect(s)
	return c.couriers(ctx, request{endpoint: EndpointDetect, method: http.MethodPost, path: []string{"couriers", "detect"}, body: body})
}

var errNoCouriers = errors.New("the reply holds no list of couriers")

func (c *Client) couriers(ctx context.Context, r request) ([]Courier, error) {
	a, err := c.call(ctx, r)
	if err != nil {
		return nil, err
	}
	o := parseObject(a.data)
	if o["couriers"] == nil {
		return nil, a.unreadable(NoAnswerMalformed, errNoCouriers)
	}
	var list []Courier
	for _, item := range o.objects("couriers") {
		list = append(list, decodeCourier(item))
	}
	return list, nil
}
