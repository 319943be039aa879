package aftership

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Shipment is what a row of a sheet can say about a shipment, in one vocabulary whatever the version of the API. An empty
// field is not sent: it never clears anything. The csv tags are the names of the columns; [Fields] describes each.
type Shipment struct {
	ID                string            `csv:"id"`
	TrackingNumber    string            `csv:"tracking_number"`
	Slug              string            `csv:"slug"`
	SlugGroup         string            `csv:"slug_group"`
	Title             string            `csv:"title"`
	OrderID           string            `csv:"order_id"`
	OrderNumber       string            `csv:"order_number"`
	OrderIDPath       string            `csv:"order_id_path"`
	OrderDate         string            `csv:"order_date"`
	PromisedDate      string            `csv:"order_promised_delivery_date"`
	PromisedDateMin   string            `csv:"order_promised_delivery_date_min"`
	PromisedDateMax   string            `csv:"order_promised_delivery_date_max"`
	CustomFields      map[string]string `csv:"-"` // columns custom_fields.NAME
	Language          string            `csv:"language"`
	Emails            List              `csv:"emails"`
	SMSes             List              `csv:"smses"`
	CustomerName      string            `csv:"customer_name"`
	CustomerRole      string            `csv:"customer_role"`
	CustomerLanguage  string            `csv:"customer_language"`
	CustomerID        string            `csv:"customer_id"`
	Note              string            `csv:"note"`
	DeliveryType      string            `csv:"delivery_type"`
	PickupLocation    string            `csv:"pickup_location"`
	PickupNote        string            `csv:"pickup_note"`
	OriginCountry     string            `csv:"origin_country"`
	OriginState       string            `csv:"origin_state"`
	OriginCity        string            `csv:"origin_city"`
	OriginPostalCode  string            `csv:"origin_postal_code"`
	OriginRawLocation string            `csv:"origin_raw_location"`

	DestinationCountry     string `csv:"destination_country"`
	DestinationState       string `csv:"destination_state"`
	DestinationCity        string `csv:"destination_city"`
	DestinationPostalCode  string `csv:"destination_postal_code"`
	DestinationRawLocation string `csv:"destination_raw_location"`

	TrackingAccountNumber      string `csv:"tracking_account_number"`
	TrackingKey                string `csv:"tracking_key"`
	TrackingShipDate           string `csv:"tracking_ship_date"`
	TrackingOriginCountry      string `csv:"tracking_origin_country"`
	TrackingDestinationCountry string `csv:"tracking_destination_country"`
	TrackingPostalCode         string `csv:"tracking_postal_code"`
	TrackingState              string `csv:"tracking_state"`

	ShipmentType           string `csv:"shipment_type"`
	ShipmentTags           List   `csv:"shipment_tags"`
	CourierConnectionID    string `csv:"courier_connection_id"`
	LocationID             string `csv:"location_id"`
	ShippingMethod         string `csv:"shipping_method"`
	LastMileSlug           string `csv:"last_mile_slug"`
	LastMileTrackingNumber string `csv:"last_mile_tracking_number"`
	ShipmentDirection      string `csv:"shipment_direction"`
	IOS                    List   `csv:"ios"`
	Android                List   `csv:"android"`

	// Clear names the columns that an update empties. Only a column whose [Field] is Clearable can stand here.
	Clear []string `csv:"-"`
}

// Value is what the named column holds: the text itself, a list as it stands in a cell, or the value of a
// custom_fields.NAME column. An unknown name is empty.
func (s *Shipment) Value(column string) string {
	if name, ok := CustomField(column); ok {
		return s.CustomFields[name]
	}
	f, ok := LookupField(column)
	switch {
	case !ok:
		return ""
	case f.items != nil:
		return f.items(s).String()
	case f.text != nil:
		return *f.text(s)
	}
	return ""
}

// Set puts a cell into the named column and reports whether there is such a column.
func (s *Shipment) Set(column, cell string) bool {
	if name, ok := CustomField(column); ok {
		if s.CustomFields == nil {
			s.CustomFields = map[string]string{}
		}
		s.CustomFields[name] = cell
		return true
	}
	f, ok := LookupField(column)
	switch {
	case ok && f.items != nil:
		*f.items(s) = ParseList(cell)
	case ok && f.text != nil:
		*f.text(s) = cell
	default:
		return false
	}
	return true
}

// Columns lists the columns that hold something, in the order of [Fields], custom fields last and sorted.
func (s *Shipment) Columns() []string {
	var names []string
	for _, f := range fields {
		if s.Value(f.Name) != "" {
			names = append(names, f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.CustomFields)) {
		names = append(names, CustomFieldPrefix+name)
	}
	return names
}

// Clone is a copy that shares nothing with s.
func (s Shipment) Clone() Shipment {
	s.CustomFields = maps.Clone(s.CustomFields)
	for _, l := range []*List{&s.Emails, &s.SMSes, &s.ShipmentTags, &s.IOS, &s.Android} {
		*l = slices.Clone(*l)
	}
	s.Clear = slices.Clone(s.Clear)
	return s
}

// List is several values in one cell.
type List []string

// ParseList splits a cell at semicolons and commas, and drops empty parts.
func ParseList(cell string) List {
	var l List
	for part := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ';' || r == ',' }) {
		if part = strings.TrimFunc(part, unicode.IsSpace); part != "" {
			l = append(l, part)
		}
	}
	return l
}

// UnmarshalCSV reads the list from a cell.
func (l *List) UnmarshalCSV(cell string) error {
	*l = ParseList(cell)
	return nil
}

// MarshalCSV writes the list as one cell that UnmarshalCSV reads back.
func (l List) MarshalCSV() (string, error) { return l.String(), nil }

// String joins the values with "; ".
func (l List) String() string { return strings.Join(l, "; ") }

// Completion says how a shipment ended, for [Client.Complete].
type Completion struct {
	Reason        Reason `csv:"reason"`
	EventDatetime string `csv:"event_datetime"`
}

// Reason is why a tracking is marked as completed.
type Reason string

// The reasons that AfterShip knows (AfterShip docs, mark as completed), and the status that each one sets.
const (
	ReasonDelivered        Reason = "DELIVERED"          // tag Delivered, subtag Delivered_001
	ReasonLost             Reason = "LOST"               // tag Exception, subtag Exception_013
	ReasonReturnedToSender Reason = "RETURNED_TO_SENDER" // tag Exception, subtag Exception_011
)

// Reasons lists every reason.
func Reasons() []Reason { return []Reason{ReasonDelivered, ReasonLost, ReasonReturnedToSender} }

// Status is the tag and subtag that AfterShip sets for the reason; both are empty for an unknown one.
func (r Reason) Status() (tag, subtag string) {
	switch r {
	case ReasonDelivered:
		return "Delivered", "Delivered_001"
	case ReasonLost:
		return "Exception", "Exception_013"
	case ReasonReturnedToSender:
		return "Exception", "Exception_011"
	}
	return "", ""
}
