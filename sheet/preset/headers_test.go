package preset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aftership-bulk/sheet"
	"aftership-bulk/sheet/preset"
)

// TestHeadersOfTheSources holds recognition against the headers that were found in exports and in the documents of their
// vendors: each is a preset, or a plain sheet with the fields that its names alone give.
func TestHeadersOfTheSources(t *testing.T) {
	for _, tt := range []struct{ about, header, preset, fields string }{
		{"AfterShip import, docs", "tracking_number,courier,email,sms,order_id,title,order_path,customer_name,origin_country,destination_country", "aftership-import",
			"tracking_number slug emails smses order_id title order_id_path customer_name origin_country destination_country"},
		{"AfterShip import, additional fields", "tracking_number,courier,order_path,tracking_postal_code,tracking_ship_date,tracking_account_number,tracking_key,tracking_origin_country,tracking_destination_country,tracking_state", "aftership-import",
			"tracking_number slug order_id_path tracking_postal_code tracking_ship_date tracking_account_number tracking_key tracking_origin_country tracking_destination_country tracking_state"},
		{"AfterShip import, phone", "tracking_number,courier,title,order_id,order_path,customer_name,email,phone", "aftership-import", "tracking_number slug title order_id order_id_path customer_name emails smses"},
		{"AfterShip update", "id,slug,user_marked_delivered", "aftership-update", "id slug reason"},
		{"AfterShip for WooCommerce", "Order ID,Order Number,Tracking Number,Carrier Name", "aftership-woocommerce", "order_id order_number tracking_number slug"},
		{"Matrixify, fulfilment block", "Name,Fulfillment: ID,Fulfillment: Status,Fulfillment: Created At,Fulfillment: Updated At,Fulfillment: Tracking Company,Fulfillment: Location,Fulfillment: Shipment Status,Fulfillment: Tracking Number,Fulfillment: Tracking URL,Fulfillment: Send Receipt", "matrixify-orders",
			"order_number . . tracking_ship_date . slug . . tracking_number . ."},
		{"Matrixify, processed at", "Name,Fulfillment: Status,Fulfillment: Created At,Fulfillment: Processed At,Fulfillment: Tracking Number", "matrixify-orders", "order_number . . tracking_ship_date tracking_number"},
		{"Matrixify, minimum", "Name,Command,Line: Type,Fulfillment: Status,Fulfillment: Tracking Company,Fulfillment: Tracking Number,Fulfillment: Send Receipt", "matrixify-orders", "order_number . . . slug tracking_number ."},
		{"AST, plugin", "order_id,tracking_provider,tracking_number,date_shipped,status_shipped", "woocommerce-ast", "order_id slug tracking_number tracking_ship_date ."},
		{"AST, note", "order_id,tracking_provider,tracking_number,date_shipped,status_shipped,shipping_note", "woocommerce-ast", "order_id slug tracking_number tracking_ship_date . ."},
		{"AST, per item", "order_id,tracking_provider,tracking_number,date_shipped,status_shipped,sku,qty", "woocommerce-ast", "order_id slug tracking_number tracking_ship_date . . ."},
		{"Amazon confirmation", "order-id,order-item-id,quantity,ship-date,carrier-code,carrier-name,tracking-number,ship-method", "amazon-shipping-confirmation", "order_id . . tracking_ship_date slug . tracking_number shipping_method"},
		{"Amazon Japan, keys", "order-id,order-item-id,quantity,ship-date,carrier-code,carrier-name,tracking-number,ship-method,cod-collection-method", "amazon-jp-shipping-confirmation", "order_id . . tracking_ship_date slug . tracking_number shipping_method ."},
		{"Amazon Japan, labels", "注文番号,注文商品番号,出荷数,出荷日,配送業者コード,配送業者名,お問い合わせ伝票番号,配送方法,代金引換", "amazon-jp-shipping-confirmation", "order_id . . tracking_ship_date slug . tracking_number shipping_method ."},
		{"Amazon Japan, both lines joined", "注文番号 order-id,注文商品番号 order-item-id,出荷数 quantity,出荷日 ship-date,配送業者コード carrier-code,配送業者名 carrier-name,お問い合わせ伝票番号 tracking-number,配送方法 ship-method,代金引換 cod-collection-method", "amazon-jp-shipping-confirmation", "order_id . . tracking_ship_date slug . tracking_number shipping_method ."},
		{"eBay tracking upload", "Shipping Status,Order Number,Item Number,Item Title,Custom Label,Transaction ID,Shipping Carrier Used,Tracking Number", "ebay-tracking-upload", ". order_number . . . . slug tracking_number"},
		{"eBay Germany, older", "Verkaufsprotokollnummer,Bestellnummer,Artikelnummer,Verkauft am,Bezahldatum,Versanddatum,Versandservice,Sendungsnummer,eBay Plus", "ebay-orders-de", ". order_number . . . tracking_ship_date shipping_method tracking_number ."},
		{"eBay United Kingdom, title case", "Sales Record Number,Order Number,Buyer Name,Post To Name,Post To City,Post To State,Post To Postal Code,Post To Country,Postage Service,Tracking Number", "ebay-orders-uk", ". order_number . customer_name destination_city destination_state destination_postal_code destination_country shipping_method tracking_number"},
		{"ShipStation, sample", "Order - Number,Date - Shipped Date,Shipment - Carrier,Shipment - Service,Shipment - Tracking Number,Ship To - Country,Ship To - Postal Code", "shipstation", "order_number tracking_ship_date slug shipping_method tracking_number destination_country destination_postal_code"},
		{"ShipStation, column library", "Shipment - Tracking Number,Carrier - Carrier Selected,Carrier - Service Requested,Carrier - Service Selected,Ship To - Name,Ship To - State,Market - Store Name,Custom - Field 1", "shipstation", "tracking_number slug . shipping_method customer_name destination_state . ."},
		{"TikTok Shop", "Order ID,Order Status,Order Substatus,Shipped Time,Delivered Time,Warehouse Name,Tracking ID,Delivery Option,Shipping Provider Name,Package ID,Seller Note", "tiktok-shop", "order_id . . tracking_ship_date . . tracking_number shipping_method slug . ."},
		{"BigCommerce", "Mode,ID,Order ID,Customer ID,Order Address ID,Date Created,Tracking Number,Tracking Link,Merchant Shipping Cost,Shipping Method,Shipping Provider,Tracking Carrier,Comments,Shipping Provider Display Name", "bigcommerce-shipments", ". . order_id . . tracking_ship_date tracking_number . . shipping_method . slug . ."},
		{"Shipup", "order.order_number,tracker.tracking_number,tracker.carrier_code", "shipup", "order_number tracking_number slug"},
		{"UPS WorldShip", "Voided (Y/N),Tracking Number,Address,Organization,Shipment Number", "ups-worldship", ". tracking_number . . ."},
		{"Magento 2 grid", "Shipment #,Ship Date,Order #,Order Date,Ship-to Name,Total Quantity,Order Status,Purchased From,Customer Name,Customer Email", "magento-shipments", ". tracking_ship_date order_number . customer_name . . . . emails"},
		{"pkge.net", "trackNumber,courierId,destinationCountry,departureAddress,destinationAddress,orderId,recipientName,recipientEmail,recipientPhone,comment", "", "tracking_number . destination_country . . order_id customer_name emails smses ."},
		{"Coupa", "Tracking Number*,Carrier*,Document Type*,Document Number*,Note,Delete", "", "tracking_number slug . . note ."},
		{"ChannelAdvisor", "Order ID,SKU,Tracking Number", "", "order_id . tracking_number"},
		{"our template", "tracking_number,slug,title,order_id,order_number,emails,smses,destination_country,custom_fields.color", "", "tracking_number slug title order_id order_number emails smses destination_country custom_fields.color"},
	} {
		header := strings.Split(tt.header, ",")
		p, ok := preset.Recognise(header)
		if !ok {
			p = &preset.Preset{}
		}
		if p.Name != tt.preset {
			t.Errorf("%s: taken for %q, want %q", tt.about, p.Name, tt.preset)
		}
		m, _, err := sheet.Map(header, columns(), p.Choices(header)...)
		if err != nil {
			t.Errorf("%s: %v", tt.about, err)
		}
		if got := dots(m.Fields); got != tt.fields {
			t.Errorf("%s: %s\nwant %s", tt.about, got, tt.fields)
		}
	}
}

// dots writes fields in a line, a dot for a column that is not sent.
func dots(fields []string) string {
	fields = slices.Clone(fields)
	for i, field := range fields {
		if field == "" {
			fields[i] = "."
		}
	}
	return strings.Join(fields, " ")
}

// The names of a header of two lines are joined where they mean something only so, and found by their last part where that says it.
func TestHeadersOfGroups(t *testing.T) {
	text := "Shipment,,Recipient,,,Order\nTracking no.,Carrier,Name,Country,Phone,Number\n1Z999AA10123456784,UPS,Carol Jones,USA,212-555-0111,#1403\n"
	file := filepath.Join(t.TempDir(), "groups.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sheet.Open(t.Context(), file, nil, sheet.Options{Known: preset.KnownHeader})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []string{"Tracking no.", "Carrier", "Recipient Name", "Country", "Phone", "Order Number"}
	if !slices.Equal(s.Header, want) || s.HeaderLine != 1 || s.HeaderLines != 2 {
		t.Errorf("line %d+%d %q", s.HeaderLine, s.HeaderLines, s.Header)
	}
}
