package charset

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/wlynxg/chardet"
)

// corpus holds short texts by the encodings that people have them in: mostly ASCII with a name or two, as order files are,
// and headers in the language. Each line is one file of its own; the last of a language is all its lines together.
var corpus = map[string][]string{
	"windows-1252": {
		"Müller", "Größe", "Straße", "Jürgen Groß|Königsallee 5|Düsseldorf", "Sendungsnummer|Empfänger|Straße|Größe", "Österreich", "Übergröße", "STRAßE|MÜNCHEN", "Änderung", "Blaue Jacke – Größe M|5 € Gutschein",
		"Hélène", "André", "Numéro de suivi|Prénom|Référence", "Genève", "François", "12 rue de l’Église|Besançon", "Livraison à domicile", "Crème brûlée", "Benoît|Anaïs|Zoë", "Où|déjà", "Père Noël", "Adèle Lefèvre", "Île-de-France",
		"España", "Muñoz", "Dirección|Teléfono|Código", "Málaga|Cádiz|León", "Ibáñez|Peñíscola", "Año|Tamaño", "Calle Mayor nº 5", "Núñez", "José", "Martín Gómez",
		"São Paulo", "João", "Endereço|Número|Observações", "Coração", "Conceição", "Braganç",
		"Città|Quantità|Perché", "Niccolò", "Forlì",
		"Malmö|Göteborg", "Åsa", "Västerås", "København", "Søren|Jørgen|Bjørn", "Ærø", "Tromsø|Ålesund", "Kærvej 5", "Mäkelä", "Hämeenlinna",
		"Þór|Reykjavík", "5’ cable|“blue”", "Citroën", "Bücher & Café", "Ñoño", "Lefèbvre|Mélissa|Chloé", "Kääriäinen", "Crêpe", "Frêne", "Forêt", "Château",
	},
	"iso-8859-15": {"5 € Rabatt|Größe", "cœur|œuvre"},
	"windows-1250": {
		"Plzeň", "Dvořák", "Kučera", "číslo|město|ulice", "Černý|Novák|Svobodová", "Jiří Němec", "Příjmení|Jméno", "Žižkov", "Košice|Prešov", "Růžena", "Třebíč", "měsíčně", "Děčín", "Hradec Králové", "Čapek", "člen", "Štěpán",
		"Łódź", "Wrocław", "Kraków", "Gdańsk", "Wałęsa|Kowalczyńska", "Numer przesyłki|Imię|Miejscowość", "Święta", "Żółw", "Zieliński", "Koń", "Ćma", "męski", "rozmiar mały",
		"Győr", "Székesfehérvár|Kőszeg", "Erdős", "Vörösmarty út", "Szűcs", "Fő utca", "Hódmezővásárhely",
		"Čačak", "Đorđević", "Šibenik", "Ivić", "Kovač", "Žagar", "Iaşi|Târgu Mureş|Braşov", "Timişoara", "Bistriţa",
	},
	"windows-1254": {"İstanbul", "Şişli", "Beyoğlu", "Kadıköy", "Sipariş No|Müşteri Adı|Şehir", "Çağlar", "Gökçe", "Yıldız", "Işık", "Mustafa Kılıç"},
	"windows-1257": {"Lietuva|Gatvė|Miestas", "Jānis", "Rīga", "Kauņas", "Šiauliai", "Klaipėda", "Bērziņš", "Pasūtījuma numurs", "Žemaitė", "Õis", "Jõgeva", "Kęstutis"},
	"ibm850":       {"Müller", "Größe|Straße", "Königsallee", "François", "Señor Muñoz"},
	"macintosh":    {"Martínez García", "Jesús", "Französische Straße", "Gewürz", "Müller", "Größe|Straße", "Königsallee", "François", "Señor Muñoz", "Hélène"},
	"windows-1251": {
		"Иванов", "Москва", "Номер заказа|Имя|Город", "Иванов Сергей|Санкт-Петербург", "ул. Ленина 5", "Київ|Львів", "да", "СПб",
		"Отправитель|Получатель|Адрес доставки", "София|Пловдив", "Ёлкин",
	},
	"koi8-r":       {"Номер заказа|Имя|Город", "Иванов Сергей|Санкт-Петербург", "Москва"},
	"windows-1253": {"Αριθμός|Όνομα|Πόλη", "Γιώργος Παπαδόπουλος", "Αθήνα"},
	"windows-1255": {"ישראל ישראלי|תל אביב"},
	"windows-874":  {"สมชาย|กรุงเทพ"},
	"shift_jis": {
		"田中太郎", "お問い合わせ伝票番号|配送業者コード|出荷日", "東京都新宿区", "佐藤", "ヤマト運輸", "カタカナ", "青いシャツ Mサイズ", "様", "ポスト投函|表示", "大阪府大阪市北区1-2-3", "髙橋", "渡邊", "ﾔﾏﾄ",
		"お客様名|郵便番号|住所",
	},
	"euc-jp": {"田中太郎", "お問い合わせ伝票番号|配送業者コード|出荷日", "東京都新宿区", "ヤマト運輸", "佐藤"},
	"gbk":    {"张伟", "运单号|收件人|城市", "北京市朝阳区", "王小明", "李娜", "深圳市福田区华强北路", "蓝色T恤 M码", "广东省", "顺丰速运", "赵|钱|孙|李", "刘洋"},
	"big5":   {"陳大文", "訂單編號|收件人|城市", "台北市信義區", "香港九龍", "李小龍", "黃先生"},
	"euc-kr": {"김철수", "운송장번호|받는사람|주소", "서울특별시 강남구", "이영희", "대한통운"},
}

// unseen holds texts that the rules were not made with.
var unseen = map[string][]string{
	"windows-1252": {
		"Käse", "Schröder", "Weiß", "Grüße aus Köln", "Füllfederhalter", "Mönchengladbach", "Hügelstraße 7", "Zürich", "Bäckerei Bär", "Rücksendung", "Währung", "Stückzahl|Menge|Preis in €", "Für Übergabe öffnen",
		"Frédéric", "Île Maurice", "Saint-Étienne", "Évreux", "Expédié", "Livré", "Quantité", "Clémence|Agnès|Jérôme", "Côte d’Azur", "reçu", "Québec", "Montréal", "Chaussée d’Antin", "hôtel", "Nîmes", "Marché aux puces", "L’Haÿ-les-Roses",
		"Ávila", "Córdoba", "Jesús", "Ángel", "Peña", "Logroño", "Pérez", "Avenida de la Constitución", "Envío", "Número de seguimiento", "México", "Bogotá", "Niña", "Señora", "Mañana", "Cañón",
		"Endereço de entrega", "Brasília", "Antônio", "Guimarães", "Descrição", "Preço", "Açúcar", "Magalhães", "Irmã",
		"Università", "Quantità", "Martedì", "Caffè", "Nicolò",
		"Växjö", "Skåne", "Örebro", "Kristiansand Øst", "Hansen & Sønner", "Frederikshavn Færgehavn", "Ærøskøbing", "Fjällräven", "Jyväskylä", "Sjælland", "Blåbær", "Næstved", "Stavanger Sør", "Möbel für Kinder",
		"Sigurður", "Björk Guðmundsdóttir", "Bør", "naïve", "café", "résumé", "Zoë", "jalapeño", "Pokémon", "Ångström", "½ Zoll", "10° links", "±5 %", "© 2024 Müller", "Größe ›M‹",
	},
	"windows-1250": {
		"Ústí nad Labem", "Ostrava Poruba", "Zdeněk", "Tomáš", "Františka", "Žďár nad Sázavou", "Objednávka č. 5", "Příbram", "Doručení", "Dodací adresa|Částka|Měna", "Hana Procházková", "Ondřej", "Česká republika", "Ľubica", "Trenčín", "Bratislava Petržalka", "Žilina", "Ľudovít Štúr",
		"Bydgoszcz", "Poznań", "Rzeszów", "Małgorzata", "Świętokrzyska 5", "Częstochowa", "Paweł", "Grażyna", "Ulica|Kod pocztowy|Województwo", "Józef Piłsudski", "Książka", "Zamówienie", "Łukasz", "Jędrzej", "Wieś", "Białystok",
		"Debrecen", "Nyíregyháza", "Kovács", "Szabó", "László", "Szülő", "Megrendelés", "Üllői út 5", "Törött", "Erzsébet körút", "Sümeg",
		"Žarko", "Đakovo", "Split Šolta", "Jovanović", "Krešimir", "Celje Žalec", "Škofja Loka", "Novo Mesto Češnjice", "Bucureşti", "Cluj Mănăştur", "Ştefan", "Ţara", "Brăila",
	},
	"windows-1254": {"İzmir", "Eskişehir", "Muğla", "Ağrı", "Diyarbakır", "Kargo Takip Numarası", "Alıcı", "Gönderici", "Şanlıurfa", "Üsküdar", "Hüseyin", "Ayşe", "Bağcılar"},
	"windows-1257": {"Vilnius Žirmūnai", "Šilutė", "Liepāja", "Daugavpils Ķeguma", "Ventspils Pļavnieki", "Tālrunis", "Užsakymas", "Pärnu", "Võru", "Kohtla-Järve", "Gintarė", "Rūta", "Andžej", "Vārds|Uzvārds|Adrese", "Siuntos numeris|Gavėjas"},
	"ibm850":       {"Schröder", "Käse", "Fußball", "Übergröße", "Pérez", "Quantité", "Bär", "für", "Süß", "español"},
	"macintosh":    {"Schröder", "Käse", "Fußball", "Übergröße", "Pérez", "Quantité", "Bär", "für", "Süß", "español", "Córdoba", "Livré", "Été", "Österreich", "Ávila", "José", "Zürich", "hôtel", "Reçu", "Noël", "Août", "São Paulo", "María", "Peña"},
	"windows-1251": {"Петров", "Екатеринбург", "Новосибирск|Казань", "Мария", "Заказ", "Олександр", "Харків", "Одеса", "ООО Ромашка", "Пушкина 10", "Минск", "Пловдив|Варна", "Београд", "Цена"},
	"koi8-r":       {"Петров", "Екатеринбург", "Мария", "Заказ", "Адрес получателя"},
	"iso-8859-5":   {"Екатеринбург", "Мария Петрова"},
	"ibm866":       {"Екатеринбург", "Мария Петрова", "Заказ"},
	"windows-1253": {"Θεσσαλονίκη", "Μαρία", "Διεύθυνση"},
	"windows-1255": {"שלום", "משה כהן"},
	"windows-1256": {"محمد", "الرياض", "رقم الشحنة|الاسم"},
	"windows-874":  {"กรุงเทพมหานคร", "ใจดี"},
	"shift_jis":    {"鈴木一郎", "横浜市", "北海道札幌市中央区", "商品名|数量|単価", "ありがとうございます", "ソフトケース", "表", "能登", "株式会社", "１２３", "佐川急便", "未発送", "さくら", "靴 26cm", "Lサイズ", "㈱山田", "①"},
	"euc-jp":       {"鈴木一郎", "横浜市", "北海道札幌市中央区", "商品名|数量|単価", "ありがとうございます", "さくら", "佐川急便"},
	"gbk":          {"陈静", "上海市浦东新区", "杭州", "订单号|数量|金额", "黄丽华", "四川省成都市武侯区", "欧阳修", "手机壳", "红色 L", "吴刚", "郑州", "已发货", "中通快递", "韵达", "联系电话", "广州市天河区体育西路103号", "周杰伦", "蘅芜"},
	"big5":         {"林志玲", "高雄市", "新北市板橋區", "商品名稱|數量", "郭台銘", "旺角", "已出貨", "手機殼", "蔡依林"},
	"euc-kr":       {"박지성", "부산광역시 해운대구", "주문번호|수량", "최민수", "배송완료", "정", "한진택배", "경기도 성남시 분당구"},
}

// file makes a file of an entry: ASCII columns beside the words.
func file(t testing.TB, name, entry string) []byte {
	t.Helper()
	_, enc, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("tracking_number,slug,name\n")
	for i, word := range strings.Split(entry, "|") {
		fmt.Fprintf(&b, "1Z999AA1%08d,ups,%s\n", i, word)
	}
	text, err := enc.NewEncoder().Bytes([]byte(b.String()))
	if err != nil {
		t.Fatalf("%s has no letters for %q: %v", name, entry, err)
	}
	return text
}

// all joins the corpus and what was not seen.
func all() map[string][]string {
	both := map[string][]string{}
	for _, m := range []map[string][]string{corpus, unseen} {
		for name, entries := range m {
			both[name] = append(both[name], entries...)
		}
	}
	return both
}

func detect(text []byte) Result {
	d := NewDetector()
	d.Write(text)
	return d.Result(nil)
}

// same says that a text reads the same in two encodings, so that it does not matter which is taken.
func same(t testing.TB, text []byte, a, b string) bool {
	t.Helper()
	return a != "" && b != "" && bytes.Equal(decoded(t, text, a), decoded(t, text, b))
}

func decoded(t testing.TB, text []byte, name string) []byte {
	t.Helper()
	_, enc, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := enc.NewDecoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTheDetectorIsNeverWrong measures how often the detector is sure, and holds it to never being sure and wrong. Beside it
// stands what the library alone would have said at the usual confidence.
func TestTheDetectorIsNeverWrong(t *testing.T) {
	for name, entries := range all() {
		files := append(entries[:len(entries):len(entries)], strings.Join(entries, "|"))
		sure, library, libraryWrong := 0, 0, 0
		var unsure []string
		for _, entry := range files {
			text := file(t, name, entry)
			got := detect(text)
			switch {
			case got.Doubt != nil:
				unsure = append(unsure, entry)
			case same(t, text, got.Encoding, name):
				sure++
			default:
				t.Errorf("%q in %s is taken for %s", entry, name, got.Encoding)
			}
			if r := chardet.Detect(text); r.Confidence >= 0.7 {
				known, err := Lookup(r.Encoding)
				if err == nil && same(t, text, known, name) {
					library++
				} else {
					libraryWrong++
				}
			}
		}
		t.Logf("%-13s %2d files: sure and right %2d, unsure %2d; the library at 0.7: right %2d, wrong %2d; unsure: %.200q", name, len(files), sure, len(unsure), library, libraryWrong, unsure)
	}
}
