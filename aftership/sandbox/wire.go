package sandbox

import (
	"bytes"
	"encoding/json"
	"time"
)

// span is a duration that reads and writes as "150ms".
type span time.Duration

func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

type (
	plainOptions Options
	plainFault   Fault
)

// optionsJSON is Options with durations as text.
type optionsJSON struct {
	*plainOptions
	Window      span `json:"window"`
	Latency     span `json:"latency"`
	Jitter      span `json:"jitter"`
	ClockOffset span `json:"clock_offset"`
	ExpireAfter span `json:"expire_after"`
}

// MarshalJSON writes the options without keys, whose values stay here.
func (o Options) MarshalJSON() ([]byte, error) {
	return json.Marshal(o.wire())
}

// UnmarshalJSON changes the settings that the text names and leaves the others; a name that is none is an error.
func (o *Options) UnmarshalJSON(text []byte) error {
	w := o.wire()
	if err := strict(text, &w); err != nil {
		return err
	}
	o.Window, o.Latency, o.Jitter = time.Duration(w.Window), time.Duration(w.Latency), time.Duration(w.Jitter)
	o.ClockOffset, o.ExpireAfter = time.Duration(w.ClockOffset), time.Duration(w.ExpireAfter)
	return nil
}

func (o *Options) wire() optionsJSON {
	return optionsJSON{plainOptions: (*plainOptions)(o), Window: span(o.Window), Latency: span(o.Latency),
		Jitter: span(o.Jitter), ClockOffset: span(o.ClockOffset), ExpireAfter: span(o.ExpireAfter)}
}

// faultJSON is Fault with its delay as text.
type faultJSON struct {
	*plainFault
	Delay span `json:"delay,omitzero"`
}

// MarshalJSON writes the fault with its delay as text.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{plainFault: (*plainFault)(&f), Delay: span(f.Delay)})
}

// UnmarshalJSON reads a fault; a name that is none is an error.
func (f *Fault) UnmarshalJSON(text []byte) error {
	w := faultJSON{plainFault: (*plainFault)(f), Delay: span(f.Delay)}
	if err := strict(text, &w); err != nil {
		return err
	}
	f.Delay = time.Duration(w.Delay)
	return nil
}

// strict decodes JSON and refuses names that it does not know.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
