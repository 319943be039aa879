package aftership

import (
	"slices"
	"strings"
)

// CustomFieldPrefix starts the name of every column that becomes one of the tracking's custom fields:
// "custom_fields.product" is the custom field "product".
const CustomFieldPrefix = "custom_fields."

// MaxCustomFieldName is the longest name of a custom field (AfterShip docs, create a tracking).
const MaxCustomFieldName = 30

// CustomField is the name of the custom field that a column stands for.
func CustomField(column string) (name string, ok bool) {
	name, ok = strings.CutPrefix(column, CustomFieldPrefix)
	return name, ok && name != ""
}

// Kind is what the value of a field looks like. A field that is a list has the kind of its items.
type Kind string

// The kinds of fields.
const (
	KindText     Kind = "text"
	KindNumber   Kind = "tracking_number" // letters, digits and - . _ /
	KindSlug     Kind = "slug"            // AfterShip's name of a courier, as dhl or j-net
	KindID       Kind = "id"              // letters, digits, - and _
	KindDate     Kind = "date"            // 2024-05-31 or 20240531 or a date-time
	KindDatetime Kind = "datetime"        // 2024-05-31T14:00:00+02:00
	KindCountry  Kind = "country"         // ISO 3166-1 alpha-3, as DEU
	KindLanguage Kind = "language"        // ISO 639-1, as de
	KindEmail    Kind = "email"
	KindPhone    Kind = "phone" // with + and the country's code
	KindURL      Kind = "url"
	KindEnum     Kind = "enum" // one of Field.Enum
	KindMap      Kind = "map"  // custom_fields, whose columns are custom_fields.NAME
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{KindText, KindNumber, KindSlug, KindID, KindDate, KindDatetime, KindCountry, KindLanguage, KindEmail,
		KindPhone, KindURL, KindEnum, KindMap}
}

// Field describes one column of a [Shipment]: it drives the check of rows, the templates, the codec and the docs.
// Limits come from AfterShip's OpenAPI document; where it gives none, the limit is zero.
type Field struct {
	Name     string  // the column
	From, To Version // the versions that know the field; empty is without end
	Kind     Kind    // of the value, or of each item
	List     bool    // several values in a cell
	Enum     []string
	Pattern  string // a regular expression that the value, or each item, must match as a whole; empty takes any
	MinLen   int    // characters of the value, or of each item; zero is none
	MaxLen   int
	MaxItems int

	Create     bool    // can be sent when a tracking is created
	Update     bool    // can be sent when it is updated
	UpdateFrom Version // the first version whose updates take it; empty is From
	Clearable  bool    // an update can empty it; documented for few fields only
	Key        bool    // names the tracking that an update, a completion or a retrack is about
	Complete   bool    // belongs to a [Completion]

	Doc     string // one sentence for the person who fills in the sheet
	Example string

	text  func(*Shipment) *string
	items func(*Shipment) *List
}

// Fields lists the columns of a [Shipment], in the order of a template.
func Fields() []Field { return slices.Clone(fields) }

// CompletionFields lists the columns that a [Completion] has beside those that name the tracking.
func CompletionFields() []Field { return slices.Clone(completionFields) }

// LookupField finds a field by its column; every custom_fields.NAME column finds the field custom_fields.
func LookupField(column string) (Field, bool) {
	if _, ok := CustomField(column); ok {
		column = "custom_fields"
	}
	if i, ok := fieldIndex[column]; ok {
		return fields[i], true
	}
	i := slices.IndexFunc(completionFields, func(f Field) bool { return f.Name == column })
	if i < 0 {
		return Field{}, false
	}
	return completionFields[i], true
}

// FieldsOf lists the columns that have an effect on calls of the endpoint in the version, in the order of a template.
func (v Version) FieldsOf(ep Endpoint) []Field {
	var out []Field
	for _, f := range slices.Concat(fields, completionFields) {
		if v.takes(f, ep) {
			out = append(out, f)
		}
	}
	return out
}

// Accepts reports whether the column has an effect on calls of the endpoint in the version: either it is sent, or it
// names the tracking. A column that is not accepted is left out by the client.
func (v Version) Accepts(column string, ep Endpoint) bool {
	f, ok := LookupField(column)
	return ok && v.takes(f, ep)
}

func (v Version) takes(f Field, ep Endpoint) bool {
	switch ep {
	case EndpointCreate:
		return f.Create && v.within(f.From, f.To)
	case EndpointUpdate:
		return f.Key || v.sends(f, ep)
	case EndpointComplete:
		return f.Key || f.Complete && v.within(f.From, f.To)
	case EndpointRetrack, EndpointDelete, EndpointGet:
		return f.Key
	}
	return false
}

// sends reports whether the field stands in the body of a create or an update.
func (v Version) sends(f Field, ep Endpoint) bool {
	if ep == EndpointCreate {
		return v.takes(f, ep)
	}
	return f.Update && v.within(f.From, f.To) && v.within(f.UpdateFrom, "")
}

func (v Version) within(from, to Version) bool {
	return (from == "" || v.AtLeast(from)) && (to == "" || to.AtLeast(v))
}

var fieldIndex = indexFields()

func indexFields() map[string]int {
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[f.Name] = i
	}
	return index
}

const (
	patternNumber  = `[A-Za-z0-9._/-]+`
	patternID      = `[0-9A-Za-z_-]+`
	patternAlnum   = `[0-9A-Za-z]+`
	patternKey     = `[0-9A-Za-z._-]+`
	patternPostal  = `[0-9A-Za-z+ -]+`
	patternCountry = `[A-Z]{3}`
)

// fields is the registry. Its facts come from AfterShip's OpenAPI document of 2026-07 and from the request types of its
// SDKs of 2023-10, 2024-04, 2024-07 to 2025-01, 2025-07 and 2026-07.
var fields = []Field{
	{Name: "id", From: V202504, Kind: KindID, Pattern: patternID, MaxLen: 128, Create: true, Key: true,
		Doc:     "The tracking's id. On create, from 2025-04 on, the id that it shall get; else the id of the tracking that is meant, in every version.",
		Example: "order-1001-parcel-1", text: func(s *Shipment) *string { return &s.ID }},
	{Name: "tracking_number", Kind: KindNumber, Pattern: patternNumber, MinLen: 4, MaxLen: 100, Create: true, Key: true,
		Doc:     "The courier's number of the parcel. Cannot be changed later.",
		Example: "1Z999AA10123456784", text: func(s *Shipment) *string { return &s.TrackingNumber }},
	{Name: "slug", Kind: KindSlug, Create: true, Update: true, Key: true,
		Doc:     "AfterShip's name of the courier. Empty on create: AfterShip finds the courier itself.",
		Example: "ups", text: func(s *Shipment) *string { return &s.Slug }},
	{Name: "slug_group", Kind: KindSlug, Create: true,
		Doc:     "A group of couriers to find the courier in. Not together with slug.",
		Example: "fedex-group", text: func(s *Shipment) *string { return &s.SlugGroup }},
	{Name: "title", Kind: KindText, MinLen: 1, Create: true, Update: true,
		Doc:     "The tracking's title. AfterShip takes the tracking number when it is empty.",
		Example: "Blue shoes", text: func(s *Shipment) *string { return &s.Title }},
	{Name: "order_id", Kind: KindText, MinLen: 1, Create: true, Update: true,
		Doc:     "The order's id in your shop.",
		Example: "4821", text: func(s *Shipment) *string { return &s.OrderID }},
	{Name: "order_number", Kind: KindText, Create: true, Update: true,
		Doc:     "The order's number as the customer knows it.",
		Example: "#1001", text: func(s *Shipment) *string { return &s.OrderNumber }},
	{Name: "order_id_path", Kind: KindURL, Create: true, Update: true,
		Doc:     "The address of the order's page.",
		Example: "https://shop.example/orders/4821", text: func(s *Shipment) *string { return &s.OrderIDPath }},
	{Name: "order_date", Kind: KindDatetime, Create: true, Update: true,
		Doc:     "When the order was placed.",
		Example: "2024-05-31T14:00:00+02:00", text: func(s *Shipment) *string { return &s.OrderDate }},
	{Name: "order_promised_delivery_date", Kind: KindDate, Create: true, Update: true,
		Doc:     "The day of delivery that the customer was promised.",
		Example: "2024-06-05", text: func(s *Shipment) *string { return &s.PromisedDate }},
	{Name: "order_promised_delivery_date_min", From: V202601, Kind: KindDate, Create: true, Update: true,
		Doc:     "The earliest promised day of delivery.",
		Example: "2024-06-04", text: func(s *Shipment) *string { return &s.PromisedDateMin }},
	{Name: "order_promised_delivery_date_max", From: V202601, Kind: KindDate, Create: true, Update: true,
		Doc:     "The latest promised day of delivery.",
		Example: "2024-06-07", text: func(s *Shipment) *string { return &s.PromisedDateMax }},
	{Name: "custom_fields", Kind: KindMap, MaxLen: 512, MaxItems: 25, Create: true, Update: true,
		Doc:     "Fields of your own: one column custom_fields.NAME for each, NAME of 30 characters at most.",
		Example: "red"},
	{Name: "language", Kind: KindLanguage, Create: true, Update: true,
		Doc:     "The recipient's language.",
		Example: "en", text: func(s *Shipment) *string { return &s.Language }},
	{Name: "emails", Kind: KindEmail, List: true, MaxItems: 3, Create: true, Update: true, Clearable: true,
		Doc:     "E-mail addresses that get notifications; separate several with a semicolon.",
		Example: "ann@shop.example; bob@shop.example", items: func(s *Shipment) *List { return &s.Emails }},
	{Name: "smses", Kind: KindPhone, List: true, MaxItems: 3, Create: true, Update: true, Clearable: true,
		Doc:     "Phone numbers that get text messages, with + and the country's code; separate several with a semicolon.",
		Example: "+4915112345678", items: func(s *Shipment) *List { return &s.SMSes }},
	{Name: "customer_name", Kind: KindText, Create: true, Update: true,
		Doc:     "The customer's name.",
		Example: "Ann Smith", text: func(s *Shipment) *string { return &s.CustomerName }},
	{Name: "customer_role", From: V202501, Kind: KindText, Create: true, Update: true,
		Doc:     "The first customer's role, as buyer or receiver.",
		Example: "buyer", text: func(s *Shipment) *string { return &s.CustomerRole }},
	{Name: "customer_language", From: V202501, Kind: KindLanguage, Create: true, Update: true,
		Doc:     "The first customer's language.",
		Example: "en", text: func(s *Shipment) *string { return &s.CustomerLanguage }},
	{Name: "customer_id", From: V202607, Kind: KindText, Create: true, Update: true,
		Doc:     "The first customer's id in your shop.",
		Example: "C-77", text: func(s *Shipment) *string { return &s.CustomerID }},
	{Name: "note", Kind: KindText, Create: true, Update: true, Clearable: true,
		Doc:     "A note for yourself.",
		Example: "Gift wrapped", text: func(s *Shipment) *string { return &s.Note }},
	{Name: "delivery_type", Kind: KindEnum, Enum: []string{"pickup_at_store", "pickup_at_courier", "door_to_door"}, Create: true, Update: true,
		Doc:     "How the parcel reaches the customer.",
		Example: "door_to_door", text: func(s *Shipment) *string { return &s.DeliveryType }},
	{Name: "pickup_location", Kind: KindText, MinLen: 1, Create: true, Update: true,
		Doc:     "Where the customer picks the parcel up.",
		Example: "Store 12, Main Street 1", text: func(s *Shipment) *string { return &s.PickupLocation }},
	{Name: "pickup_note", Kind: KindText, MinLen: 1, Create: true, Update: true,
		Doc:     "What the customer should know for the pick-up.",
		Example: "Bring an ID", text: func(s *Shipment) *string { return &s.PickupNote }},
	{Name: "origin_country", Kind: KindCountry, Pattern: patternCountry, Create: true, Update: true,
		Doc:     "The sender's country.",
		Example: "DEU", text: func(s *Shipment) *string { return &s.OriginCountry }},
	{Name: "origin_state", Kind: KindText, Create: true, Update: true,
		Doc:     "The sender's state or province.",
		Example: "Bavaria", text: func(s *Shipment) *string { return &s.OriginState }},
	{Name: "origin_city", Kind: KindText, Create: true, Update: true,
		Doc:     "The sender's city.",
		Example: "Munich", text: func(s *Shipment) *string { return &s.OriginCity }},
	{Name: "origin_postal_code", Kind: KindText, Create: true, Update: true,
		Doc:     "The sender's postal code.",
		Example: "80331", text: func(s *Shipment) *string { return &s.OriginPostalCode }},
	{Name: "origin_raw_location", Kind: KindText, Create: true, Update: true,
		Doc:     "The sender's address in one piece.",
		Example: "Marienplatz 1, 80331 Munich, Germany", text: func(s *Shipment) *string { return &s.OriginRawLocation }},
	{Name: "destination_country", Kind: KindCountry, Pattern: patternCountry, Create: true, Update: true,
		Doc:     "The recipient's country.",
		Example: "USA", text: func(s *Shipment) *string { return &s.DestinationCountry }},
	{Name: "destination_state", Kind: KindText, Create: true, Update: true,
		Doc:     "The recipient's state or province.",
		Example: "New York", text: func(s *Shipment) *string { return &s.DestinationState }},
	{Name: "destination_city", Kind: KindText, Create: true, Update: true,
		Doc:     "The recipient's city.",
		Example: "New York City", text: func(s *Shipment) *string { return &s.DestinationCity }},
	{Name: "destination_postal_code", Kind: KindText, Create: true, Update: true,
		Doc:     "The recipient's postal code.",
		Example: "10001", text: func(s *Shipment) *string { return &s.DestinationPostalCode }},
	{Name: "destination_raw_location", Kind: KindText, Create: true, Update: true,
		Doc:     "The recipient's address in one piece.",
		Example: "13th Street, New York, NY, USA", text: func(s *Shipment) *string { return &s.DestinationRawLocation }},
	{Name: "tracking_account_number", Kind: KindText, Pattern: patternAlnum, MaxLen: 512, Create: true, Update: true,
		Doc:     "Your account number with the courier, where the courier asks for it.",
		Example: "123456789", text: func(s *Shipment) *string { return &s.TrackingAccountNumber }},
	{Name: "tracking_key", Kind: KindText, Pattern: patternKey, MinLen: 1, Create: true, Update: true,
		Doc:     "A key that the courier asks for.",
		Example: "K-42", text: func(s *Shipment) *string { return &s.TrackingKey }},
	{Name: "tracking_ship_date", Kind: KindDate, Create: true, Update: true,
		Doc:     "The day on which the parcel was shipped, where the courier asks for it.",
		Example: "2024-06-01", text: func(s *Shipment) *string { return &s.TrackingShipDate }},
	{Name: "tracking_origin_country", Kind: KindCountry, Pattern: patternCountry, Create: true, Update: true,
		Doc:     "The sender's country, where the courier asks for it. Empty takes origin_country.",
		Example: "DEU", text: func(s *Shipment) *string { return &s.TrackingOriginCountry }},
	{Name: "tracking_destination_country", Kind: KindCountry, Pattern: patternCountry, Create: true, Update: true,
		Doc:     "The recipient's country, where the courier asks for it. Empty takes destination_country.",
		Example: "USA", text: func(s *Shipment) *string { return &s.TrackingDestinationCountry }},
	{Name: "tracking_postal_code", Kind: KindText, Pattern: patternPostal, MaxLen: 10, Create: true, Update: true,
		Doc:     "The recipient's postal code, where the courier asks for it. Empty takes destination_postal_code.",
		Example: "10001", text: func(s *Shipment) *string { return &s.TrackingPostalCode }},
	{Name: "tracking_state", Kind: KindText, Create: true, Update: true,
		Doc:     "The recipient's state, where the courier asks for it. Empty takes destination_state.",
		Example: "New York", text: func(s *Shipment) *string { return &s.TrackingState }},
	{Name: "shipment_type", Kind: KindText, Create: true, Update: true,
		Doc:     "The courier's service.",
		Example: "Express", text: func(s *Shipment) *string { return &s.ShipmentType }},
	{Name: "shipment_tags", Kind: KindText, List: true, MaxItems: 50, MaxLen: 32, Create: true,
		Doc:     "Labels of your own; separate several with a semicolon. Cannot be changed later.",
		Example: "spring; priority", items: func(s *Shipment) *List { return &s.ShipmentTags }},
	{Name: "courier_connection_id", Kind: KindText, Create: true,
		Doc:     "The id of your connection with the courier. Cannot be changed later.",
		Example: "c0f1e2d3", text: func(s *Shipment) *string { return &s.CourierConnectionID }},
	{Name: "location_id", From: V202404, Kind: KindText, Create: true, Update: true,
		Doc:     "The id of a location of yours. Not together with an origin column.",
		Example: "L-9", text: func(s *Shipment) *string { return &s.LocationID }},
	{Name: "shipping_method", From: V202404, Kind: KindText, Create: true, Update: true,
		Doc:     "The shipping method as your shop calls it.",
		Example: "Standard", text: func(s *Shipment) *string { return &s.ShippingMethod }},
	{Name: "last_mile_slug", Kind: KindSlug, Create: true, Update: true, UpdateFrom: V202501, Clearable: true,
		Doc:     "The courier of the last mile. Only together with last_mile_tracking_number.",
		Example: "usps", text: func(s *Shipment) *string { return &s.LastMileSlug }},
	{Name: "last_mile_tracking_number", Kind: KindNumber, Pattern: patternNumber, Create: true, Update: true, UpdateFrom: V202501, Clearable: true,
		Doc:     "The number of the parcel with the courier of the last mile. Only together with last_mile_slug.",
		Example: "9400111899223197428490", text: func(s *Shipment) *string { return &s.LastMileTrackingNumber }},
	{Name: "shipment_direction", From: V202607, Kind: KindEnum, Enum: []string{"forward", "return"}, Create: true, Update: true,
		Doc:     "Whether the parcel goes to the customer or comes back.",
		Example: "forward", text: func(s *Shipment) *string { return &s.ShipmentDirection }},
	{Name: "ios", To: V4, Kind: KindText, List: true, Create: true,
		Doc:     "Apple device ids that get push messages; separate several with a semicolon.",
		Example: "f5b6a1c2", items: func(s *Shipment) *List { return &s.IOS }},
	{Name: "android", To: V4, Kind: KindText, List: true, Create: true,
		Doc:     "Google device ids that get push messages; separate several with a semicolon.",
		Example: "a9c8e7d6", items: func(s *Shipment) *List { return &s.Android }},
}

var completionFields = []Field{
	{Name: "reason", Kind: KindEnum, Enum: []string{"DELIVERED", "LOST", "RETURNED_TO_SENDER"}, Complete: true,
		Doc: "How the shipment ended.", Example: "DELIVERED"},
	{Name: "event_datetime", From: V202507, Kind: KindDatetime, Complete: true,
		Doc: "When that happened. Known to be taken from 2025-07 on.", Example: "2024-06-05T11:30:00+02:00"},
}
