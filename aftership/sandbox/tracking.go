package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// tracking is a shipment as the sandbox keeps it, in the names of the newest version where names changed.
type tracking struct {
	id, legacyID string
	seq          int64 // the order of creation, for equal times
	created      time.Time
	updated      time.Time
	source       string
	tag, subtag  string
	active       bool
	retracks     int
	completed    string // the reason it was marked with, "" when it was not
	checkpoints  []checkpoint
	gone         bool // deleted

	content
}

// content is the part of a tracking that requests fill.
type content struct {
	number, slug, slugGroup string
	texts                   texts
	customers               []customer
	custom                  map[string]string
	tags                    []string
	ios, android            []string
	lastMile                *lastMile
	promised                promised
}

type customer struct {
	Role  string `json:"role,omitempty"`
	Name  string `json:"name,omitempty"`
	Phone string `json:"phone_number,omitempty"`
	Email string `json:"email,omitempty"`
	Lang  string `json:"language,omitempty"`
	ID    string `json:"id,omitempty"`
}

type lastMile struct {
	Slug   string `json:"slug"`
	Number string `json:"tracking_number"`
}

type promised struct {
	Date string `json:"promised_delivery_date,omitempty"`
	Min  string `json:"promised_delivery_date_min,omitempty"`
	Max  string `json:"promised_delivery_date_max,omitempty"`
}

type checkpoint struct {
	at           time.Time
	created      time.Time
	message      string
	tag, subtag  string
	city, region string
	source       string
}

// texts are the plain text fields of a tracking: few of the many there are, so a list and not a map.
type texts []text

type text struct{ name, value string }

func (t texts) get(name string) string {
	for i := range t {
		if t[i].name == name {
			return t[i].value
		}
	}
	return ""
}

func (t *texts) set(name, value string) {
	for i := range *t {
		if (*t)[i].name == name {
			(*t)[i].value = value
			return
		}
	}
	if value != "" {
		*t = append(*t, text{name, value})
	}
}

// clone shares nothing that a request changes.
func (c content) clone() content {
	c.texts = slices.Clone(c.texts)
	c.customers = slices.Clone(c.customers)
	c.custom = maps.Clone(c.custom)
	c.tags = slices.Clone(c.tags)
	return c
}

// setEmails and its like spread a list of the versions up to 2024-10 over the customers, the i-th to the i-th.
func (c *content) setEmails(values []string) {
	c.spread(len(values), func(i int, cu *customer) { cu.Email = at(values, i) })
}

func (c *content) setPhones(values []string) {
	c.spread(len(values), func(i int, cu *customer) { cu.Phone = at(values, i) })
}

func (c *content) setCustomerName(name string) {
	c.spread(1, func(i int, cu *customer) {
		if i == 0 {
			cu.Name = name
		}
	})
}

func (c *content) spread(n int, set func(int, *customer)) {
	for len(c.customers) < n {
		c.customers = append(c.customers, customer{})
	}
	for i := range c.customers {
		set(i, &c.customers[i])
	}
	for last := len(c.customers) - 1; last >= 0 && c.customers[last] == (customer{}); last-- {
		c.customers = c.customers[:last]
	}
}

func at(values []string, i int) string {
	if i < len(values) {
		return values[i]
	}
	return ""
}

func (t *tracking) setTag(tag, subtag string) { t.tag, t.subtag = tag, subtag }

func (t *tracking) lastCheckpoint() *checkpoint {
	if len(t.checkpoints) == 0 {
		return nil
	}
	return &t.checkpoints[len(t.checkpoints)-1]
}

// returned reports whether the shipment goes or went back to its sender.
func (t *tracking) returned() bool {
	return slices.ContainsFunc(t.checkpoints, func(c checkpoint) bool {
		return c.subtag == "Exception_010" || c.subtag == "Exception_011"
	})
}

// expire makes a tracking Expired that has heard nothing for too long.
func (t *tracking) expire(now time.Time, after time.Duration) {
	if after > 0 && t.tag == "Pending" && now.Sub(t.updated) >= after {
		t.setTag("Expired", "Expired_001")
		t.active, t.updated = false, t.updated.Add(after)
	}
}

// subtagMessages holds the texts of the sub-statuses that occur here.
var subtagMessages = map[string]string{
	"Pending_001": "Pending", "InfoReceived_001": "Info received", "InTransit_001": "In Transit",
	"OutForDelivery_001": "Out for Delivery", "AttemptFail_001": "Failed attempt", "Delivered_001": "Delivered",
	"AvailableForPickup_001": "Available for pickup", "Exception_001": "Exception",
	"Exception_011": "Returned to sender", "Exception_013": "Shipment lost", "Expired_001": "Expired",
}

// tagNames are the statuses, in their exact case.
var tagNames = []string{"Pending", "InfoReceived", "InTransit", "OutForDelivery", "AttemptFail", "Delivered",
	"AvailableForPickup", "Exception", "Expired"}

// mentions reports whether a keyword occurs in one of the fields that are searched.
func (t *tracking) mentions(keyword string) bool {
	hit := func(s string) bool { return strings.Contains(strings.ToLower(s), keyword) }
	for _, v := range t.custom {
		if hit(v) {
			return true
		}
	}
	return hit(t.number) || hit(t.texts.get("title")) || hit(t.texts.get("order_id")) ||
		slices.ContainsFunc(t.customers, func(c customer) bool { return hit(c.Name) || hit(c.Email) || hit(c.Phone) })
}
