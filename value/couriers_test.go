package value

import "testing"

// The numbers are examples that the couriers and their standards publish, as gathered by jkeen/tracking_number_data, and
// Deutsche Post's own example of an Identcode.
func TestCheckDigits(t *testing.T) {
	for _, c := range []struct {
		number, courier string
		valid           bool
	}{
		{"1Z5R89390357567127", "UPS", true}, {"1Z879E930346834440", "UPS", true}, {"1Z410E7W0392751591", "UPS", true}, {"1Z8V92A70367203024", "UPS", true},
		{"1z879e930346834440", "UPS", true}, {"1Z1111111111111111", "UPS", false},
		{"RB123456785GB", "S10", true}, {"RB123456785US", "S10", true}, {"RB123456786US", "S10", false},
		{"03071790000523483741", "USPS", true}, {"71123456789123456787", "USPS", true}, {"03071790000523483742", "USPS", false},
		{"9505511069605048600624", "USPS", true}, {"9101123456789000000013", "USPS", true}, {"9400111201080805483016", "USPS", true},
		{"9361289878700317633795", "USPS", true}, {"9405803699300124287899", "USPS", true}, {"9200000000000000000000", "USPS", false},
		{"92748931507708513018050063", "USPS", true}, {"420221539101026837331000039521", "USPS", true},
		{"4201002334249200190132607600833457", "USPS", true}, {"4201028200009261290113185417468510", "USPS", true}, {"4201028200009261290113185417468511", "USPS", false},
		{"986578788855", "FedEx", true}, {"477179081230", "FedEx", true}, {"974367662710", "FedEx", true}, {"996578788855", "FedEx", false},
		{"041441760228964", "FedEx", true}, {"568283610012000", "FedEx", true}, {"568283610012732", "FedEx", false},
		{"000123450000000027", "FedEx", true}, {"9611020987654312345672", "FedEx", true}, {"9600000000000000000001", "FedEx", false},
		{"9261292700768711948021", "FedEx", true}, {"9261292700768711948020", "FedEx", false},
		{"9622001900000000000000776632517510", "FedEx", true}, {"9622001560001234567100794808390595", "FedEx", false}, {"1001921334250001000300779017972697", "FedEx", true},
		{"3318810025", "DHL Express", true}, {"73891051146", "DHL Express", true}, {"3318810034", "DHL Express", false},
		{"563102430313", "DHL Germany", true}, {"563102430314", "DHL Germany", false},
		{"008182709980000020033350276C", "DPD", true}, {"008182709980000020045327276N", "DPD", true}, {"008182709980000020033350276A", "DPD", false},
		{"0073938000549297", "Canada Post", true}, {"0073938000549292", "Canada Post", false},
		{"320595463938", "Purolator", true}, {"331434972567", "Purolator", true}, {"287809468875", "Purolator", false},
		{"C11031500001879", "OnTrac", true}, {"C11121553156000", "OnTrac", true}, {"C11031500001889", "OnTrac", false},
		{"D10011354453707", "OnTrac", true}, {"D10011345983012", "OnTrac", false},
	} {
		if got := valid(c.number, c.courier); got != c.valid {
			t.Errorf("%s: the check digit of %s holds: %t, want %t", c.number, c.courier, got, c.valid)
		}
	}
}

func valid(number, courier string) bool {
	for _, m := range Couriers(number) {
		if m.Courier == courier && m.Checked && m.Valid {
			return true
		}
	}
	return false
}

func TestShapesWithoutCheckDigits(t *testing.T) {
	for number, courier := range map[string]string{
		"TBA502887274000": "Amazon", "LX17635036": "LaserShip", "1LS717793482164": "LaserShip", "1LS7119013618127-1": "LaserShip",
		"JJD0002257639032011": "Yodel", "JD0002242617644732": "Yodel", "KYV009956937": "Purolator", "GM2951173225174494": "DHL eCommerce", "GM295117494011169042": "DHL eCommerce",
	} {
		found := false
		for _, m := range Couriers(number) {
			found = found || m.Courier == courier && !m.Checked && !m.Valid
		}
		if !found {
			t.Errorf("Couriers(%s) = %v, want %s without a check digit", number, Couriers(number), courier)
		}
	}
}
