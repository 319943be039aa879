package sheet

// Aliases holds, for a field's name, the other names that shops, warehouses and carriers give its column. Case, spaces and
// punctuation don't count, so "Tracking Number" needs no entry beside tracking_number. Names that mean something else as
// often (Shopify calls its order number "Name") are left to presets.
//
// The first line or lines of each entry stand in public exports and in documents of their vendors. Those below "ours" were
// not found in an export: they are what the column is called in the language, or in the lists of carriers and warehouses
// that people write themselves.
var Aliases = map[string][]string{
	"tracking_number": {
		"Tracking No.", "Tracking Num", "Tracking Nr", "Tracking ID", "Tracking #", "Tracking Code", "trackAndTraceCode",
		"Track Number", "Shipment - Tracking Number", "Fulfillment: Tracking Number", "tracker.tracking_number",
		"お問い合わせ伝票番号", "Sendungsnummer", "Paketnummer Lieferant",
		// ours
		"Trackingnumber", "Tracking Numbers", "Sendungsnummern", "Track & Trace", "Track and Trace Number", "Package Tracking Number", "Parcel Number", "Parcel No.",
		"Consignment Number", "Consignment No.", "Waybill", "Waybill Number", "AWB", "AWB Number", "Air Waybill",
		"Paketnummer", "Paketscheinnummer", "Sendungs-ID", "Sendungsnr.", "Sendungs-Nr.", "Sendungscode", "Sendungsverfolgungsnummer", "Trackingnummer", "Tracking-Nr.", "Identcode",
		"Numéro de suivi", "Numero de suivi", "N° de suivi", "No de suivi", "Numéro de colis", "N° de colis", "Suivi",
		"Número de seguimiento", "Numero de seguimiento", "N.º de seguimiento", "Código de seguimiento", "Número de rastreo", "Número de guía",
		"Numero di tracciamento", "Numero di tracking", "Codice di tracciamento", "Codice tracking", "Numero di spedizione", "Lettera di vettura",
		"Trackingcode", "Zendingsnummer", "Pakketnummer", "Barcode zending", "Volgnummer zending",
		"追跡番号", "伝票番号", "送り状番号", "お問合せ番号", "お問い合わせ番号", "問い合わせ番号", "お問合せ伝票番号", "荷物番号",
		"Numero spedizione", "N. spedizione", "Numeri di spedizione", "Numéros de suivi", "Números de seguimiento", "Paketnummern", "Trackingnummern",
		"运单号", "运单号码", "快递单号", "物流单号", "跟踪号", "追踪号", "跟踪单号", "运单编号", "物流运单号", "运单", "追蹤號碼", "物流單號", "運單號",
	},
	"slug": {
		"courier", "carrier", "Courier Slug", "Carrier Slug", "Carrier Name", "Courier Name", "carrier-code", "courier_code", "tracking_provider",
		"Shipping Provider", "Shipping Provider Name", "Shipping Carrier", "Shipping Carrier Used", "Tracking Company",
		"Fulfillment: Tracking Company", "Shipment - Carrier", "shipper", "tracker.carrier_code", "配送業者コード",
		// ours
		"Shipping Company", "Delivery Company", "Logistics Provider", "Parcel Service", "Shipped Via", "Tracking Carrier",
		"Versanddienstleister", "Versanddienst", "Versandunternehmen", "Paketdienst", "Paketdienstleister", "Zusteller", "Zustelldienst", "Frachtführer", "Spediteur",
		"Transporteur", "Nom du transporteur",
		"Transportista", "Empresa de transporte", "Mensajería", "Paquetería",
		"Corriere", "Vettore", "Spedizioniere",
		"Vervoerder", "Bezorger", "Bezorgdienst", "Pakketdienst",
		"配送業者", "配送会社", "運送会社", "運送業者",
		"Ship Via", "Ship by", "Provider", "快递公司", "物流公司", "承运商", "快递", "物流商", "物流渠道", "快遞公司", "物流業者",
	},
	"order_id": {
		"Order - ID", "order.order_id",
		// ours
		"Bestell-ID", "Auftrags-ID", "ID de commande", "ID commande", "ID de pedido", "ID del pedido", "ID ordine", "Order-ID", "Bestel-ID", "注文ID",
	},
	"order_number": {
		"Order - Number", "Order No.", "Order #", "Order", "order.order_number", "Bestellnummer", "注文番号",
		// ours
		"Order Nr", "Order Num", "Sales Order", "Sales Order Number", "Order Reference",
		"Bestell-Nr.", "Bestellnr.", "Bestellung", "Auftragsnummer", "Auftragsnr.", "Auftrags-Nr.",
		"Numéro de commande", "N° de commande", "N° commande", "Commande",
		"Número de pedido", "N.º de pedido", "Pedido", "Nº pedido",
		"Numero ordine", "Numero d'ordine", "N. ordine", "Ordine",
		"Ordernummer", "Bestelnummer", "Bestelling",
		"受注番号", "オーダー番号", "ご注文番号",
		"订单号", "订单编号", "订单号码", "訂單編號", "訂單號",
	},
	"order_id_path": {"order_path", "Order URL", "Order Link"},
	"emails": {
		"email", "Customer Email", "Email Address", "E-Mail",
		// ours
		"Recipient Email", "E-Mail-Adresse", "Mail", "E-Mail des Empfängers", "Empfänger E-Mail", "Kunden-E-Mail",
		"Adresse e-mail", "Adresse email", "Courriel", "Correo electrónico", "Correo", "Indirizzo e-mail", "Indirizzo email", "Posta elettronica",
		"E-mailadres", "メールアドレス", "メール",
		"Email 1", "E-Mail 1", "To Email", "Ship To Email", "Ship To - Email", "Shipping Email", "电子邮箱", "邮箱", "电子邮件", "電子郵件",
	},
	"smses": {
		"sms", "phone", "Phone Number", "Customer Phone", "Mobile",
		// ours
		"Mobile Number", "Mobile Phone", "Telephone", "Telephone Number", "Recipient Phone", "Cell Phone",
		"Telefon", "Telefonnummer", "Tel.", "Handy", "Handynummer", "Mobil", "Mobilnummer", "Mobiltelefon", "Telefon des Empfängers",
		"Téléphone", "Numéro de téléphone", "Portable", "Teléfono", "Número de teléfono", "Móvil", "Telefono", "Numero di telefono", "Cellulare",
		"Telefoonnummer", "Telefoon", "電話番号", "電話", "携帯電話",
		"Shipping Phone", "Ship To Phone", "Ship To - Phone", "To Phone", "Phone 1", "手机", "手机号", "手机号码", "联系电话", "收件人电话", "收件电话", "电话", "手機", "電話號碼", "お届け先電話番号",
	},
	"customer_name": {
		// ours
		"Recipient", "Recipient Name", "Consignee", "Ship To Name", "Ship To - Name",
		"Empfänger", "Empfaenger", "Empfängername", "Name des Empfängers", "Kundenname", "Destinataire", "Nom du destinataire", "Nom du client",
		"Destinatario", "Nombre del destinatario", "Nombre del cliente", "Nome destinatario", "Nome del destinatario", "Nome cliente",
		"Ontvanger", "Naam ontvanger", "Klantnaam", "お届け先名", "お届け先氏名", "受取人", "受取人名", "届け先名",
		"Customer", "Client", "Kunde", "Klant", "Cliente", "Nom destinataire", "Nom client", "Shipping Name", "Shipping Full Name", "To Name", "Ship To Full Name",
		"收件人", "收件人姓名", "收货人", "收货人姓名", "客户姓名", "收件者",
	},
	"tracking_ship_date": {
		"ship-date", "date_shipped", "Shipped On Date", "Date - Shipped Date", "shipping_date", "Shipped Date", "出荷日",
		// ours
		"Shipped At", "Shipped On", "Dispatch Date", "Dispatched On", "Shipment Date",
		"Versanddatum", "Versandt am", "Versendet am", "Verschickt am",
		"Date d'expédition", "Date d'envoi", "Expédié le", "Fecha de envío", "Fecha envío", "Fecha de expedición", "Data di spedizione", "Data spedizione",
		"Verzenddatum", "Verzonden op", "発送日", "出荷年月日",
		"Sendungsdatum", "Verzonden", "发货时间", "发货日期", "发件日期", "出货日期", "出貨日期",
	},
	"destination_country": {
		"Shipping Country", "Ship To - Country", "Ship To Country", "ship-country", "destination_country_iso3", "destination_country_region",
		// ours
		"Country", "Country Code", "Recipient Country", "Delivery Country",
		"Land", "Länderkennung", "Ländercode", "Empfängerland", "Zielland", "Land des Empfängers", "Lieferland",
		"Pays", "Pays de destination", "Pays du destinataire", "País", "País de destino", "Paese", "Paese di destinazione", "Nazione",
		"Landcode", "Land van bestemming", "国", "国名", "お届け先国", "配送先国",
		"Ship To Country Code", "Shipping Country Code", "Ship To - Country Code", "Recipient Country Code", "To Country", "Code pays", "Código de país", "Codice paese",
		"国家", "收件国家", "目的国", "目的国家", "收件人国家", "国家/地区", "國家",
	},
	"destination_state": {
		"Ship To - State", "Ship To State", "ship-state", "Shipping Province", "Ship State",
		// ours
		"Bundesland", "Région de destination", "Provincia", "Provincie", "都道府県", "お届け先都道府県",
		"To State", "省", "省份", "州",
	},
	"destination_city": {
		"Ship To - City", "Ship To City", "ship-city", "Shipping City", "Ship City",
		// ours
		"City", "Recipient City", "Ort", "Stadt", "Empfängerort", "Ort des Empfängers", "Ville", "Ciudad", "Città", "Plaats", "Stad", "市区町村",
		"To City", "Commune", "城市", "收件城市",
	},
	"destination_postal_code": {
		"Shipping Zip", "Ship To - Postal Code", "Ship To Postal Code", "ship-postal-code", "Ship To Zip", "Ship Zipcode",
		// ours
		"Postal Code", "Postcode", "Post Code", "Zip", "Zip Code", "Recipient Postal Code", "Delivery Postcode",
		"PLZ", "Postleitzahl", "Empfänger-PLZ", "PLZ des Empfängers", "Postleitzahl des Empfängers",
		"Code postal", "Código postal", "CAP", "Codice postale", "郵便番号", "お届け先郵便番号",
		"Shipping Postal Code", "Shipping Postcode", "Ship To Postcode", "To Zip", "C.P.", "邮编", "邮政编码", "收件人邮编", "郵遞區號",
	},
	"origin_country": {"origin_country_iso3", "origin_country_region"},
}

// vague holds names of columns that mean a field only where no other column does: an address has a country, and so may
// everything else in a sheet. Beside "Shipping Country" a column "Country" is left out, with a warning.
var vague = nameSet(
	"Country", "Land", "Pays", "País", "Paese", "Nazione", "国", "国名",
	"City", "Ort", "Stadt", "Ville", "Ciudad", "Città", "Plaats", "Stad", "市区町村",
	"Bundesland", "Provincia", "Provincie", "都道府県",
	"Postal Code", "Postcode", "Post Code", "Zip", "Zip Code", "PLZ", "Postleitzahl", "Code postal", "Código postal", "CAP", "Codice postale", "郵便番号",
	"Recipient", "Consignee", "Empfänger", "Destinataire", "Destinatario", "Ontvanger", "受取人",
	"Mail", "Courriel", "Correo", "メール",
	"Telephone", "Telephone Number", "Telefon", "Telefonnummer", "Tel.", "Téléphone", "Teléfono", "Telefono", "Telefoon", "Telefoonnummer", "電話", "電話番号",
	"Order", "Commande", "Pedido", "Ordine", "Bestelling", "Sales Order", "Sales Order Number", "Order Reference",
	"Customer", "Client", "Kunde", "Klant", "Cliente", "收件人", "收货人", "收件者", "Shipping Name",
	"Provider", "Ship Via", "Ship by", "快递", "物流渠道", "Code pays", "C.P.", "Commune", "国家", "國家", "国家/地区", "省", "省份", "州", "城市", "邮编", "邮政编码", "郵遞區號",
	"电话", "联系电话", "手机", "手機", "邮箱", "电子邮箱", "电子邮件", "電子郵件", "运单", "跟踪号", "追踪号", "Bestellung",
	"Parcel Number", "Parcel No.", "Paketnummer", "Waybill", "Suivi", "荷物番号", "伝票番号",
)

func nameSet(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[normal(name)] = true
	}
	return set
}
