package carrier

import (
	"slices"
	"strings"
	"testing"
)

// list is an account's list with the ambiguities of a real one.
func list(active ...string) List {
	all := []Courier{
		{Slug: "dhl", Name: "DHL Express", OtherName: "DHL International"},
		{Slug: "dhl-pieceid", Name: "DHL Express (Piece ID)", OtherName: "DHL International"},
		{Slug: "dhl-germany", Name: "Deutsche Post DHL", OtherName: "DHL Germany"},
		{Slug: "dhl-global-mail", Name: "DHL eCommerce US", OtherName: "DHL Global Mail"},
		{Slug: "dhlparcel-nl", Name: "DHL Parcel NL", OtherName: "Selektvracht, dhlparcel.nl"},
		{Slug: "dhlparcel-uk", Name: "DHL Parcel UK"},
		{Slug: "deutsch-post", Name: "Deutsche Post Mail", OtherName: "dpdhl"},
		{Slug: "dpd", Name: "DPD", OtherName: "Dynamic Parcel Distribution"},
		{Slug: "dpd-api", Name: "DPD"},
		{Slug: "dpd-uk", Name: "DPD UK"},
		{Slug: "dpd-fr-reference", Name: "DPD France", Required: []string{"tracking_account_number"}},
		{Slug: "exapaq", Name: "Exapaq", OtherName: "DPD France"},
		{Slug: "gls", Name: "GLS", OtherName: "General Logistics Systems"},
		{Slug: "gls-italy", Name: "GLS Italy", OtherName: "GLS Corriere Espresso"},
		{Slug: "fastway-au", Name: "Fastway Australia", OtherName: "Fastway Couriers"},
		{Slug: "fastway-ireland", Name: "Fastway Ireland", OtherName: "Fastway Couriers"},
		{Slug: "fastway-nz", Name: "Fastway New Zealand"},
		{Slug: "ups", Name: "UPS", OtherName: "United Parcel Service"},
		{Slug: "ups-api", Name: "UPS API"},
		{Slug: "ups-mi", Name: "UPS Mail Innovations"},
		{Slug: "jne", Name: "JNE", OtherName: "Express Across Nation"},
		{Slug: "jne-api", Name: "JNE (API)"},
		{Slug: "jtexpress", Name: "J&T Express"},
		{Slug: "sf-express", Name: "S.F. Express", OtherName: "順豊快遞"},
		{Slug: "kuehne-nagel", Name: "Kuehne + Nagel"},
		{Slug: "globegistics", Name: "Globegistics Inc."},
		{Slug: "pil-logistics", Name: "PIL Logistics (China) Co., Ltd"},
		{Slug: "heppner", Name: "Heppner"},
		{Slug: "colis-prive", Name: "Colis Privé", Required: []string{"tracking_postal_code"}},
		{Slug: "postnl-3s", Name: "PostNL International 3S", Required: []string{"tracking_postal_code", "tracking_destination_country"}},
		{Slug: "ninjavan", Name: "Ninja Van"},
		{Slug: "parcel-force", Name: "Parcel Force"},
		{Slug: "swiss-post", Name: "Swiss Post", OtherName: "La Poste Suisse, Die Schweizerische Post, Die Post"},
		{Slug: "elta-courier", Name: "ELTA Hellenic Post", OtherName: "Greece Post, Ελληνικά Ταχυδρομεία"},
		{Slug: "aramex", Name: "Aramex", OtherName: "ارامكس"},
		{Slug: "nippon-express", Name: "日本通運"},
		{Slug: "tipsa", Name: "ガガ便"}, // with marks that make other letters
		{Slug: "asm", Name: "カカ便"},
		{Slug: "newgistics", Name: "Newgistics"},
		{Slug: "newgisticsapi", Name: "Newgistics API"},
		{Slug: "corporatecouriers-webhook", Name: "Corporate Couriers"},
		{Slug: "old-dominion", Name: "Old Dominion Freight Line"},
		{Slug: "j-net", Name: "J-Net", Required: []string{"tracking_ship_date"}},
		{Slug: "myhermes-uk", Name: "Evri"},
	}
	for i := range all {
		all[i].Active = slices.Contains(active, all[i].Slug)
	}
	return List{Couriers: all, Complete: true}
}

// brief is a resolution in a word: the slug and the ground, or the ground and the candidates.
func brief(r Resolution) string {
	text := string(r.How)
	if r.Settled() {
		text = r.Slug + " " + text
		if r.Unlisted {
			text += " unlisted"
		}
		return strings.TrimSpace(text)
	}
	for _, c := range r.Candidates {
		text += " " + c.Slug
	}
	return text
}

func TestResolve(t *testing.T) {
	table := New(list(), Own{})
	for name, want := range map[string]string{
		"":                   "detection",
		" \u00a0\u200b":      "detection",
		"dhl":                "dhl slug",
		" dhl-germany\u200b": "dhl-germany slug",
		"ups-api":            "ups-api slug",
		"J-NET":              "j-net name",
		"DHL_GERMANY":        "dhl-germany alias",
		"Parcelforce":        "parcel-force name",
		"COLIS-PRIVE":        "colis-prive name",
		"Colis Prive\u0301":  "colis-prive name",
		"ＵＰＳ":                "ups name",
		"NinjaVan":           "ninjavan name",
		"SF-Express":         "sf-express name",
		"順豊快遞":               "sf-express name",
		"JT Express":         "jtexpress name",
		"Kuehne & Nagel":     "kuehne-nagel name",
		"Kuehne and Nagel":   "kuehne-nagel name",
		"kuehne_nagel":       "kuehne-nagel name",
		"DHL Express":        "dhl name",
		"DHL®  express":      "dhl name",
		"Die Post":           "swiss-post name",
		"ΕΛΛΗΝΙΚΆ ΤΑΧΥΔΡΟΜΕΊΑ": "elta-courier name",
		"ارامكس":                  "aramex name",
		"日本通運":                    "nippon-express name",
		"ｶﾞｶﾞ便":                   "tipsa name",
		"カカ便":                     "asm name",
		"Globegistics":            "globegistics slug",
		"globegistics, Ltd.":      "globegistics name",
		"PIL Logistics (China)":   "pil-logistics name",
		"Heppner GmbH & Co. KG":   "heppner name",
		"Heppner SA":              "none heppner",
		"DPD":                     "dpd name",
		"DPD (API)":               "dpd-api slug",
		"UPS API":                 "ups-api name",
		"JNE":                     "jne name",
		"JNE API":                 "jne-api name",
		"Newgistics":              "newgistics name",
		"Corporate Couriers":      "corporatecouriers-webhook name",
		"DHL International":       "dhl name",
		"DPD France":              "ambiguous dpd-fr-reference exapaq",
		"Evri":                    "myhermes-uk name",
		"Hermes UK":               "myhermes-uk alias",
		"DHL Paket":               "dhl-germany alias",
		"Federal Express":         "none",
		"DHL":                     "ambiguous dhl-germany dhl-global-mail dhl dhlparcel-nl dhlparcel-uk dhl-pieceid",
		"DHL GmbH":                "ambiguous dhl-germany dhl-global-mail dhl dhlparcel-nl dhlparcel-uk dhl-pieceid",
		"Fastway Couriers":        "ambiguous fastway-au fastway-ireland",
		"Fastway":                 "ambiguous fastway-au fastway-nz",
		"DHL Parcel":              "ambiguous dhlparcel-nl dhlparcel-uk",
		"Old Dominion Freight":    "ambiguous old-dominion",
		"UPS Ground":              "ups service",
		"Swis Post":               "none swiss-post",
		"Evry":                    "none myhermes-uk",
		"Neptune Parcel Wagon":    "none",
		"---":                     "none given",
		"no-such-courier":         "none",
		"DHL\xff":                 "none dhl dhl-germany dhl-global-mail dhlparcel-nl dhlparcel-uk",
		strings.Repeat("dhl", 99): "none",
	} {
		if got := brief(table.Resolve(name)); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
}

// What the account has activated settles a name that several couriers have, and unsettles one whose relative is activated.
func TestActivatedCouriers(t *testing.T) {
	for _, c := range []struct{ active, name, want string }{
		{"dhlparcel-uk ups", "DHL Parcel", "dhlparcel-uk activated"},
		{"dhlparcel-uk dhlparcel-nl", "DHL Parcel", "ambiguous dhlparcel-nl dhlparcel-uk"},
		{"ups", "DHL Parcel", "ambiguous dhlparcel-nl dhlparcel-uk"},
		{"dpd", "DPD", "dpd name"},
		{"dpd dpd-uk dpd-api", "DPD", "dpd name"},
		{"dpd-uk", "DPD", "ambiguous dpd-uk dpd"},
		{"dpd-api", "DPD", "ambiguous dpd-api dpd"},
		{"ups", "DPD", "dpd name"},
		{"ups-api", "UPS", "ambiguous ups-api ups"},
		{"gls-italy", "GLS", "ambiguous gls-italy gls"},
		{"gls-italy", "GLS Italy", "gls-italy name"},
		{"gls-italy", "gls", "gls slug"},
		{"dhl-germany", "DHL", "ambiguous dhl-germany dhl-global-mail dhl dhlparcel-nl dhlparcel-uk dhl-pieceid"},
		{"fastway-ireland", "Fastway Couriers", "fastway-ireland activated"},
		{"fastway-nz", "Fastway Couriers", "ambiguous fastway-au fastway-ireland"},
		{"exapaq", "DPD France", "exapaq activated"},
		{"dhl-pieceid", "DHL International", "ambiguous dhl-pieceid dhl"},
	} {
		table := New(list(strings.Fields(c.active)...), Own{})
		if got := brief(table.Resolve(c.name)); got != c.want {
			t.Errorf("with %s, %q is %q, not %q", c.active, c.name, got, c.want)
		}
	}
}

// family is a list in which the bare names of families mean several couriers.
func family(active ...string) List {
	l := list(active...)
	for _, c := range []Courier{
		{Slug: "inpost-uk", Name: "Inpost"},
		{Slug: "inpost-paczkomaty", Name: "InPost Paczkomaty"},
		{Slug: "hermes", Name: "Hermesworld"},
		{Slug: "hermes-de", Name: "Hermes Germany"},
		{Slug: "dhl-global-mail-asia", Name: "DHL eCommerce Asia"},
		{Slug: "spain-correos-es", Name: "Correos Espana"},
		{Slug: "correos-chile", Name: "Correos Chile"},
		{Slug: "fedex", Name: "FedEx"},
		{Slug: "fedex-fims", Name: "FedEx International MailService"},
		{Slug: "usps", Name: "USPS"},
		{Slug: "royal-mail", Name: "Royal Mail"},
		{Slug: "yodel", Name: "Yodel Domestic"},
		{Slug: "yodel-international", Name: "Yodel International"},
		{Slug: "brt-it", Name: "BRT Bartolini"},
	} {
		c.Active = slices.Contains(active, c.Slug)
		l.Couriers = append(l.Couriers, c)
	}
	return l
}

// The bare name of a family is settled only for a courier that has just that name and slug.
func TestFamiliesAreAsked(t *testing.T) {
	for _, c := range []struct{ active, name, want string }{
		{"", "InPost", "ambiguous inpost-uk inpost-paczkomaty"},
		{"inpost-uk", "InPost", "inpost-uk activated"},
		{"inpost-paczkomaty", "InPost", "inpost-paczkomaty activated"},
		{"inpost-uk inpost-paczkomaty", "InPost", "ambiguous inpost-uk inpost-paczkomaty"},
		{"", "InPost UK", "inpost-uk alias"},
		{"", "Hermes", "ambiguous myhermes-uk hermes-de hermes"},
		{"hermes-de", "Hermes", "hermes-de activated"},
		{"", "Hermes Germany", "hermes-de name"},
		{"", "DHL eCommerce", "ambiguous dhl-global-mail-asia dhl-global-mail"},
		{"", "Correos", "ambiguous correos-chile spain-correos-es"},
		{"", "GLS", "gls name"},
		{"", "UPS", "ups name"},
		{"", "FedEx", "fedex name"},
		{"", "USPS", "usps name"},
		{"", "Royal Mail", "royal-mail name"},
		{"", "Yodel", "yodel alias"}, // the other is a service of the same company
		{"", "Bartolini", "brt-it alias"},
	} {
		if got := brief(New(family(strings.Fields(c.active)...), Own{}).Resolve(c.name)); got != c.want {
			t.Errorf("with %q, %s is %q, not %q", c.active, c.name, got, c.want)
		}
	}
}

// A service behind a carrier's name does no harm, unless another courier has that service.
func TestServices(t *testing.T) {
	for _, c := range []struct{ active, name, want string }{
		{"", "UPS Ground", "ups service"},
		{"", "UPS 2nd Day Air", "ups service"},
		{"", "USPS Priority Mail", "usps service"},
		{"", "FedEx Home Delivery", "fedex service"},
		{"", "RoyalMail 24", "royal-mail service"},
		{"", "Royal Mail Tracked 48", "royal-mail service"},
		{"", "DHL Express Worldwide", "dhl service"},
		{"", "GLS Germany", "gls alias"},
		{"", "UPS Mail Innovations", "ups-mi name"},
		{"", "UPS Mail", "ambiguous ups ups-mi"},
		{"ups", "UPS Mail", "ups service"},
		{"", "FedEx International Priority", "ambiguous fedex fedex-fims"},
		{"fedex", "FedEx International Priority", "fedex service"},
		{"fedex fedex-fims", "FedEx International Priority", "ambiguous fedex fedex-fims"},
		{"", "FedEx SmartPost", "none fedex fedex-fims"},
		{"", "Hermes Next Day", "ambiguous myhermes-uk hermes-de hermes"},
		{"", "DHL Parcel International", "ambiguous dhlparcel-nl dhlparcel-uk"},
		{"", "Express Mail", "none"},
		{"", "Priority", "none"},
	} {
		if got := brief(New(family(strings.Fields(c.active)...), Own{}).Resolve(c.name)); got != c.want {
			t.Errorf("with %q, %s is %q, not %q", c.active, c.name, got, c.want)
		}
	}
}

// A cell that says that there is no carrier leaves it to AfterShip, unless a courier has that name.
func TestNoCarrierGiven(t *testing.T) {
	for _, table := range []*Table{New(list(), Own{}), Builtin(Own{})} {
		for _, name := range []string{"-", " — ", "N/A", "n.a.", "None", "null", "OTHER", "Unknown", "Sonstige"} {
			if r := table.Resolve(name); r.How != NoneGiven || r.Slug != "" || !r.Settled() {
				t.Errorf("%q is %s", name, brief(r))
			}
		}
	}
	other := New(List{Couriers: []Courier{{Slug: "other-express", Name: "Other"}}, Complete: true}, Own{})
	if r := other.Resolve("Other"); r.Slug != "other-express" {
		t.Error(brief(r))
	}
}

func TestOwnTableWins(t *testing.T) {
	var own Own
	for name, slug := range map[string]string{"DHL": "dhl-germany", "gls": "gls-italy", "Other": Detect, "-": Detect, "Bike Bob": "bike-bob"} {
		if err := own.Add(name, slug); err != nil {
			t.Fatal(err)
		}
	}
	table := New(list(), own)
	for name, want := range map[string]string{
		"dhl": "dhl-germany user", "D.H.L": "dhl-germany user", "GLS": "gls-italy user", "other ": "user", "-": "user",
		"bike-bob": "bike-bob user unlisted", "DHL Express": "dhl name", "--": "none given",
	} {
		if got := brief(table.Resolve(name)); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
}

// Without a complete list a slug that nobody knows may be one, and is AfterShip's to judge.
func TestIncompleteTables(t *testing.T) {
	active := List{Couriers: []Courier{{Slug: "j-net", Name: "J-Net", Active: true}, {Slug: "gls-italy", Name: "GLS Italy", Active: true}}}
	for name, want := range map[string]string{
		"j-net": "j-net slug", "J-Net": "j-net name", "jd-worldwide": "jd-worldwide slug unlisted", "JD-Worldwide": "none",
		"Evri": "myhermes-uk alias", "evri": "myhermes-uk alias", "royalmail": "royal-mail alias", "GLS": "ambiguous gls-italy gls",
	} {
		if got := brief(New(active, Own{}).Resolve(name)); got != want {
			t.Errorf("%q is %q, not %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"J-Net": "none", "DHL Germany": "dhl-germany alias", "GLS": "gls alias", "Evri Ltd": "myhermes-uk name"} {
		if got := brief(Builtin(Own{}).Resolve(name)); got != want {
			t.Errorf("%q is %q offline, not %q", name, got, want)
		}
	}
}

// Every name of the Shopify data means what the file says.
func TestShopifyNames(t *testing.T) {
	var couriers []Courier
	for _, c := range builtin().couriers {
		couriers = append(couriers, Courier{Slug: c.Slug}) // an account's list that helps with nothing
	}
	tables := map[string]*Table{"offline": Builtin(Own{}), "account": New(List{Couriers: couriers, Complete: true}, Own{})}
	for where, table := range tables {
		for _, row := range shopify() {
			name, slugs, match := row[0], strings.Split(row[1], "|"), row[2]
			got := table.Resolve(name)
			switch {
			case match == "none" || match == "":
				if got.How != None {
					t.Errorf("%s: %s is %s, and the file knows none", where, name, brief(got))
				}
			case match == "ambiguous":
				if got.How != Ambiguous || !containsAll(got.Candidates, slugs) {
					t.Errorf("%s: %s is %s, and the file says one of %v", where, name, brief(got), slugs)
				}
			case strings.HasSuffix(row[1], "(slug_group)"):
				if got.How != Ambiguous || !containsAll(got.Candidates, []string{"dhl", "dhl-germany", "dhlparcel-nl"}) {
					t.Errorf("%s: %s is %s, and the file says %s", where, name, brief(got), row[1])
				}
			case got.Slug != slugs[0] || !got.Settled():
				t.Errorf("%s: %s is %s, not %s", where, name, brief(got), slugs[0])
			}
		}
	}
	if n := len(shopify()); n < 150 {
		t.Errorf("only %d names", n)
	}
}

func containsAll(all []Courier, slugs []string) bool {
	return !slices.ContainsFunc(slugs, func(slug string) bool {
		return !slices.ContainsFunc(all, func(c Courier) bool { return c.Slug == slug })
	})
}

func TestProblems(t *testing.T) {
	table := New(list("dhl-germany"), Own{})
	for name, want := range map[string]string{
		"DHL":  "may mean several couriers: dhl-germany (Deutsche Post DHL), dhl-global-mail (DHL eCommerce US), dhl (DHL Express), dhlparcel-nl (DHL Parcel NL), dhlparcel-uk (DHL Parcel UK) and 1 more",
		"Evry": "is no carrier that AfterShip knows by that name; near are myhermes-uk (Evri)",
		"???":  "is no carrier that AfterShip knows by that name",
		"Old":  "may mean old-dominion (Old Dominion Freight Line)",
		"dhl":  "",
	} {
		wrong, remedy := table.Resolve(name).Problem()
		if wrong != want || (wrong == "") != (remedy == "") {
			t.Errorf("%s: %q (%q), not %q", name, wrong, remedy, want)
		}
	}
}

// An answer is a copy: whoever changes it changes nothing else.
func TestAnswersAreCopies(t *testing.T) {
	table := New(list(), Own{})
	c, ok := table.Courier("postnl-3s")
	if !ok || len(c.Required) != 2 {
		t.Fatal(c, ok)
	}
	c.Required[0] = "changed"
	table.Required("postnl-3s")[1] = "changed"
	builtin := Builtin(Own{})
	builtin.Required("postnl")[0] = "changed"
	if slices.Contains(table.Required("postnl-3s"), "changed") || slices.Contains(builtin.Required("postnl"), "changed") {
		t.Error("the table was changed through an answer")
	}
}

func TestEveryGroundIsListed(t *testing.T) {
	if len(AllHow()) != 10 || (Resolution{How: None}).Settled() || (Resolution{How: Ambiguous}).Settled() || !(Resolution{How: Detection}).Settled() {
		t.Error(AllHow())
	}
}

func BenchmarkResolve(b *testing.B) {
	table := Builtin(Own{})
	for name, text := range map[string]string{"exact": "Royal Mail", "family": "DHL", "none": "Neptune Parcel Wagon"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				table.Resolve(text)
			}
		})
	}
}
