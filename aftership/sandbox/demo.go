package sandbox

import (
	"time"

	"aftership-bulk/aftership"
)

// Demo returns a sandbox in which the sheets under samples/ show every outcome: shipments that are new, that are there
// already, that are refused, that meet a 503 or a 429 first; trackings to update and to complete; expired ones that can
// be retracked, that are still active, that have no retrack left.
func Demo(o Options) *Sandbox {
	s := New(o)
	if err := s.Seed(demoSeeds(s.opt.Load().now())...); err != nil {
		panic("sandbox: demo: " + err.Error()) // part of the program
	}
	if _, err := s.Fault(demoFaults()...); err != nil {
		panic("sandbox: demo: " + err.Error())
	}
	return s
}

// demoFaults let one shipment meet a 503 and one a 429, once.
func demoFaults() []Fault {
	create := []aftership.Endpoint{aftership.EndpointCreate}
	return []Fault{
		{ID: "demo-503-once", Kind: FaultStatus, Status: 503, Endpoints: create, Numbers: []string{"9400111206213642173009"}, First: 1},
		{ID: "demo-429-once", Kind: FaultBurst429, Endpoints: create, Numbers: []string{"JNET2611000417"}, First: 1},
	}
}

func demoSeeds(now time.Time) []Seed {
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	seeds := []Seed{
		// There already when samples/shipments.csv is created.
		{Slug: "ups", Number: "1Z999AA10123456784", Tag: "InTransit", Created: ago(6), Updated: ago(1)},
		{Slug: "royal-mail", Number: "RN418923764GB", Tag: "Delivered", Inactive: true, Created: ago(20), Updated: ago(9)},
	}
	seeds = append(seeds, demoOpen(ago)...)
	return append(seeds, demoExpired(ago)...)
}

// demoOpen are the trackings of samples/updates.csv and samples/completions.csv.
func demoOpen(ago func(int) time.Time) []Seed {
	note := map[string]any{"note": "Call before delivery", "customers": []customer{{Name: "Mia Novak", Email: "mia.novak@example.com"}}}
	return []Seed{
		{Slug: "j-net", Number: "JNET2610000311", Tag: "InTransit", Created: ago(12), Updated: ago(2), Fields: note},
		{Slug: "jd-worldwide", Number: "JDW026100000212", Tag: "InfoReceived", Created: ago(9), Updated: ago(4)},
		{Slug: "ups", Number: "1Z999AA10198765432", Tag: "OutForDelivery", Created: ago(5), Updated: ago(1), Fields: note},
		{Slug: "usps", Number: "9400110200881234567896", Tag: "InTransit", Created: ago(8), Updated: ago(3)},
		{Slug: "fedex", Number: "789012345678", Tag: "AttemptFail", Created: ago(15), Updated: ago(6)},
		{Slug: "dhl", Number: "4567890123", Tag: "InTransit", Created: ago(11), Updated: ago(2)},
		{Slug: "dpd", Number: "15501234567890", Tag: "AvailableForPickup", Created: ago(14), Updated: ago(7)},
		{Slug: "gls", Number: "50012345678", Tag: "InTransit", Created: ago(18), Updated: ago(16)},
		{Slug: "j-net", Number: "JNET2610000322", Tag: "OutForDelivery", Created: ago(10), Updated: ago(4)},
		{Slug: "jd-worldwide", Number: "JDW026100000223", Tag: "Exception", Created: ago(30), Updated: ago(19)},
		{Slug: "sf-express", Number: "SF1023456789012", Tag: "InTransit", Created: ago(25), Updated: ago(23), LegacyID: "demoupdatebyid0000000024"},
	}
}

// demoExpired are the trackings of samples/expired.csv, which retrack-expired finds by itself too.
func demoExpired(ago func(int) time.Time) []Seed {
	gone := func(slug, number string, days, retracks int) Seed {
		return Seed{Slug: slug, Number: number, Tag: "Expired", Inactive: true, Retracks: retracks, Created: ago(days + 30), Updated: ago(days)}
	}
	seeds := []Seed{
		gone("j-net", "JNET2608000155", 30, 0),
		gone("jd-worldwide", "JDW026080000107", 28, 1),
		gone("usps", "9400110200882000000018", 21, 0),
		gone("dhl", "3210987654", 17, 2),
		gone("china-post", "RB318264975CN", 12, 0),
		gone("yunexpress", "YT2608212345678901", 8, 3), // no retrack left: 4016
		gone("singapore-post", "RS512874630SG", 3, 0),
		gone("4px", "4PX3002345678901CN", 2, 0),
	}
	still := gone("cainiao", "LP00512345678901", 4, 0) // still active: 4013
	still.Inactive = false
	return append(seeds, still)
}
