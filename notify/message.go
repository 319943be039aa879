package notify

import (
	"slices"
	"time"
)

// Kind is what a message is about.
type Kind string

const (
	// Finished: every row of a batch has an outcome.
	Finished Kind = "batch.finished"
	// Stopped: the program holds a batch back, with rows that are not sent. A person decides how it goes on.
	Stopped Kind = "batch.stopped"
	// Test: somebody tries the settings.
	Test Kind = "test"
)

// AllKinds lists every kind of message.
func AllKinds() []Kind { return []Kind{Finished, Stopped, Test} }

// Message says how a batch ended. It is what a webhook's body holds.
type Message struct {
	// ID names the event: the same for every try, and for every channel.
	ID   string    `json:"id"`
	Kind Kind      `json:"event"`
	At   time.Time `json:"at"`

	Batch     string `json:"batch"`
	Source    string `json:"source"`
	Operation string `json:"operation"`
	Account   string `json:"account"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitzero"`

	Rows     int            `json:"rows"`
	Pending  int            `json:"pending"`
	Failed   int            `json:"failed"`
	Outcomes map[string]int `json:"outcomes"`
	// Worst are the reasons for which most rows failed.
	Worst []Reason `json:"worst_reasons"`

	// Host is the machine on which Report and FailedRows are.
	Host       string `json:"host,omitzero"`
	Report     string `json:"report,omitzero"`
	FailedRows string `json:"failed_rows,omitzero"`
	// Next are commands that make sense now.
	Next []string `json:"next,omitempty"`
}

// Bad says whether a person has to look.
func (m Message) Bad() bool { return m.Kind == Stopped || m.Failed > 0 }

// Channel is a way to tell.
type Channel string

const (
	// Webhook is a signed POST to an address of the user's.
	Webhook Channel = "webhook"
	// Slack is a text for one of Slack's incoming webhooks.
	Slack Channel = "slack"
	// Mail is an e-mail over SMTP.
	Mail Channel = "mail"
)

// AllChannels lists every channel.
func AllChannels() []Channel { return []Channel{Webhook, Slack, Mail} }

// Valid says whether c is one of AllChannels.
func (c Channel) Valid() bool { return slices.Contains(AllChannels(), c) }

// When says which messages go out on a channel.
type When string

const (
	// Always: every message.
	Always When = "always"
	// OnFailure: only those after which a person has to look.
	OnFailure When = "failure"
	// Off: none but tests.
	Off When = "off"
)

// AllWhens lists every choice.
func AllWhens() []When { return []When{Always, OnFailure, Off} }

// takes says whether a message goes out; a test always does.
func (w When) takes(m Message) bool {
	return m.Kind == Test || w == Always || w == OnFailure && m.Bad()
}
