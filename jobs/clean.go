package jobs

import (
	"cmp"
	"errors"
	"strings"
	"sync"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/value"
)

// cleaner makes what AfterShip takes out of the text of a cell, where that is
// certain. Nil stands for text that is sent as it is.
type cleaner func(r *reader, c *column, text string) (value.Cleaned, error)

// cleanerOf is the cleaner of a field's column.
func cleanerOf(f aftership.Field) cleaner {
	switch f.Name {
	case "tracking_number":
		return (*reader).numbers
	case "order_number", "order_id":
		return order
	case "slug", "last_mile_slug":
		return (*reader).courier
	case "origin_postal_code", "destination_postal_code", "tracking_postal_code":
		return (*reader).postalCode
	}
	if clean, ok := kindCleaners[f.Kind]; ok {
		return clean
	}
	return pure(plainText)
}

// kindCleaners clean the cells of a kind. Other kinds are text.
var kindCleaners = map[aftership.Kind]cleaner{
	aftership.KindText:     phrase,
	aftership.KindID:       order,
	aftership.KindNumber:   pure(value.Number),
	aftership.KindCountry:  (*reader).nation,
	aftership.KindDate:     (*reader).date,
	aftership.KindDatetime: (*reader).datetime,
	aftership.KindLanguage: pure(func(text string) (value.Cleaned, error) { return bare(value.Language(text)) }),
	aftership.KindEmail:    (*reader).emails,
	aftership.KindPhone:    (*reader).phones,
	aftership.KindEnum:     (*reader).enum,
}

// bare is a value without notes.
func bare(clean string, err error) (value.Cleaned, error) { return value.Cleaned{Value: clean}, err }

// pure makes a cleaner of a function that needs nothing but the text.
func pure(clean func(string) (value.Cleaned, error)) cleaner {
	return func(_ *reader, _ *column, text string) (value.Cleaned, error) { return clean(text) }
}

// phrase cleans a text about the shipment. The items of a list are looked at one by one.
func phrase(_ *reader, c *column, text string) (value.Cleaned, error) {
	clean := value.Phrase(text)
	if c.List {
		for _, item := range aftership.ParseList(clean.Value) {
			if err := value.Failed(item); err != nil {
				return value.Cleaned{}, err
			}
		}
	}
	return clean, nil
}

func plainText(text string) (value.Cleaned, error) {
	clean, notes := value.Text(text)
	return value.Cleaned{Value: clean, Notes: notes}, nil
}

// piece is one of several tracking numbers of a cell.
type piece struct {
	number  string
	problem *Problem
	repairs []Repair
	doubts  []Problem
}

// numbers cleans the cell of the tracking number, and takes it apart where it
// surely holds several.
func (r *reader) numbers(c *column, text string) (value.Cleaned, error) {
	parts := value.Numbers(text, r.opts.NumberSeparators)
	if len(parts) < 2 {
		return value.Number(text)
	}
	var pieces []piece
	for _, part := range parts {
		if p := r.piece(c, part); p.number != "" {
			pieces = append(pieces, p)
		}
	}
	if len(pieces) < 2 {
		return value.Number(text) // one number and a word: what it means is not ours to say
	}
	r.found.pieces = pieces
	return value.Cleaned{Value: pieces[0].number}, nil
}

func (r *reader) piece(c *column, text string) piece {
	clean, err := value.Number(text)
	if err != nil {
		return piece{number: text, problem: new(refusal(c, text, err))}
	}
	p := piece{number: clean.Value}
	for _, n := range clean.Notes {
		p.repairs = append(p.repairs, Repair{c.field, n})
	}
	for _, w := range clean.Warnings {
		p.doubts = append(p.doubts, doubt(c, clean.Value, w))
	}
	return p
}

// order cleans the number of an order, or an id.
func order(_ *reader, _ *column, text string) (value.Cleaned, error) {
	if plainOrder(text) {
		return value.Cleaned{Value: text}, nil
	}
	return value.OrderNumber(text)
}

// plainOrder takes two letters or more, a hyphen perhaps, and five digits or more:
// no program takes that for a number or a date.
func plainOrder(s string) bool {
	letters := 0
	for letters < len(s) && isAlnum(s[letters]) && !isDigit(s[letters]) {
		letters++
	}
	rest := strings.TrimPrefix(s[letters:], "-")
	return letters >= 2 && len(rest) >= 5 && every(rest, isDigit)
}

// nation cleans a country. The parcel's destination tells how phones are read, and each how its postal code is.
func (r *reader) nation(c *column, text string) (value.Cleaned, error) {
	clean, err := bare(value.Country(text))
	r.countries[c.field] = clean.Value
	if err != nil {
		return clean, err
	}
	return orNone(text, clean), nil
}

// orNone tells that a word was read as no value.
func orNone(text string, clean value.Cleaned) value.Cleaned {
	if clean.Value == "" && len(clean.Notes) == 0 {
		clean.Notes = []value.Note{{Was: text, Why: "it says that there is no value"}}
	}
	return clean
}

const destination = "destination_country"

// postalCode cleans a postal code as those of its country are.
func (r *reader) postalCode(c *column, text string) (value.Cleaned, error) {
	country := r.countries[strings.TrimSuffix(c.field, "postal_code")+"country"]
	if c.field == "tracking_postal_code" {
		country = cmp.Or(r.countries["tracking_destination_country"], r.countries[destination])
	}
	return value.PostalCode(text, country)
}

// date cleans a date. What AfterShip takes already stays as it is.
func (r *reader) date(_ *column, text string) (value.Cleaned, error) {
	if parses(text, dateForms) && likely(text) {
		return value.Cleaned{Value: text}, nil
	}
	clean, notes, err := value.Date(text, r.dates)
	if err != nil {
		return value.Cleaned{}, err
	}
	return orNone(text, value.Cleaned{Value: clean, Notes: notes}), nil
}

// datetime cleans a date with a time. One without its offset is read in the zone of
// the defaults. Without a zone it is left out, since a guess may be a day off, and
// the row is worth more than the time.
func (r *reader) datetime(_ *column, text string) (value.Cleaned, error) {
	if parses(text, datetimeForms) && likely(text) {
		return value.Cleaned{Value: text}, nil
	}
	clean, notes, err := value.Datetime(text, r.dates, r.zone)
	if errors.Is(err, value.ErrNoOffset) {
		return value.Cleaned{Warnings: []string{noOffset}}, nil
	}
	if err != nil {
		return value.Cleaned{}, err
	}
	return orNone(text, value.Cleaned{Value: clean, Notes: notes}), nil
}

const noOffset = "was left out: it does not say its offset from UTC"

// zones holds the time zones that were asked for, by their names: to load one takes
// its time.
var zones sync.Map

// zoneOf is the time zone of a name; nil for none, and for one that is unknown.
func zoneOf(name string) *time.Location {
	if name == "" || name == "Local" {
		return nil
	}
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	zones.Store(name, loc)
	return loc
}

// likely says that a date begins with the year of a shipment.
func likely(date string) bool { return date[:2] == "20" || date[:3] == "199" }

func (r *reader) emails(_ *column, text string) (value.Cleaned, error) {
	if plainEmail(text) {
		return value.Cleaned{Value: text}, nil
	}
	addresses, notes := value.Emails(text)
	return value.Cleaned{Value: aftership.List(addresses).String(), Notes: notes}, nil
}

// phones cleans a list of phone numbers.
func (r *reader) phones(_ *column, text string) (value.Cleaned, error) {
	if e164(text) {
		return value.Cleaned{Value: text}, nil
	}
	var numbers aftership.List
	var clean value.Cleaned
	for _, item := range value.List(text) {
		item, had := value.WithoutExtension(item)
		number, err := value.Phone(item, cmp.Or(r.countries[destination], r.opts.Country))
		if err != nil {
			return value.Cleaned{}, err
		}
		if number != "" {
			numbers = append(numbers, number)
		}
		if had {
			clean.Notes = []value.Note{{Was: text, Why: "the extension is left out, since text messages do not get there"}}
		}
	}
	clean.Value = numbers.String()
	for i := range clean.Notes {
		clean.Notes[i].Now = clean.Value
	}
	return orNone(text, clean), nil
}

// enum writes a word of a closed set as AfterShip does.
func (r *reader) enum(c *column, text string) (value.Cleaned, error) {
	clean, err := plainText(text)
	for _, word := range c.Enum {
		if strings.EqualFold(word, clean.Value) {
			clean.Value = word
		}
	}
	return clean, err
}

// noCourier is the error of a carrier's name that stands for no courier.
type noCourier struct{ CarrierHint }

func (e *noCourier) Error() string { return e.Wrong }

// CarrierKey is a carrier's name as [Plan.Carriers] and [Plan.CarrierHints] hold
// it: the number of spaces does not count. Case does, because "dhl" is a slug and
// "DHL" the name of a family.
func CarrierKey(name string) string { return strings.Join(strings.Fields(name), " ") }

// courier turns a carrier's name into its slug.
func (r *reader) courier(c *column, text string) (value.Cleaned, error) {
	clean, notes := value.Text(text)
	key := CarrierKey(clean)
	if slug, ok := r.opts.Carriers[key]; ok {
		return value.Cleaned{Value: slug, Notes: notes}, nil
	}
	if hint, ok := r.hints[key]; ok {
		return value.Cleaned{}, &noCourier{hint}
	}
	if !isSlug(clean) {
		return value.Cleaned{}, &noCourier{CarrierHint{"is not a courier's slug", kindRemedies[aftership.KindSlug]}}
	}
	return value.Cleaned{Value: clean, Notes: notes}, nil
}
