package sheet

// Aliases holds, for a field's name, the other names that shops, warehouses and carriers give its column. Case, spaces and
// punctuation don't count, so "Tracking Number" needs no entry beside tracking_number. Names that mean something else as
// often (Shopify calls its order number "Name") are left to presets.
var Aliases = map[string][]string{
	"tracking_number": {
		"Tracking No.", "Tracking Num", "Tracking Nr", "Tracking ID", "Tracking #", "Tracking Code", "trackAndTraceCode",
		"Track Number", "Shipment - Tracking Number", "Fulfillment: Tracking Number", "tracker.tracking_number",
		"お問い合わせ伝票番号", "Sendungsnummer", "Numéro de suivi", "Numero de suivi", "Numero di tracciamento",
	},
	"slug": {
		"courier", "carrier", "Courier Slug", "Carrier Slug", "Carrier Name", "Courier Name", "carrier-code", "courier_code", "tracking_provider",
		"Shipping Provider", "Shipping Provider Name", "Shipping Carrier", "Shipping Carrier Used", "Tracking Company",
		"Fulfillment: Tracking Company", "Shipment - Carrier", "shipper", "tracker.carrier_code", "配送業者コード",
	},
	"order_id":      {"Order - ID", "order.order_id"},
	"order_number":  {"Order - Number", "Order No.", "Order #", "Order", "order.order_number", "Bestellnummer", "注文番号"},
	"order_id_path": {"order_path"},
	"emails":        {"email", "Customer Email", "Email Address", "E-Mail"},
	"smses":         {"sms", "phone", "Phone Number", "Customer Phone", "Mobile"},
	"tracking_ship_date": {
		"ship-date", "date_shipped", "Shipped On Date", "Date - Shipped Date", "shipping_date", "Shipped Date", "出荷日",
	},
	"destination_country":     {"Shipping Country", "Ship To - Country", "Ship To Country", "ship-country", "destination_country_iso3", "destination_country_region"},
	"destination_postal_code": {"Shipping Zip", "Ship To - Postal Code", "Ship To Postal Code", "ship-postal-code", "Ship To Zip", "Ship Zipcode"},
	"origin_country":          {"origin_country_iso3", "origin_country_region"},
}
