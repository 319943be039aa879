package config

import (
	"fmt"
	"io"
	"log/slog"
)

// mask stands wherever a secret would be printed. Its length says nothing.
const mask = "********"

// Secret is a value that no printing shows: keys, secrets, the address of Redis.
// The zero Secret is one that was not set.
type Secret struct {
	// A pointer, because fmt prints unexported fields of a struct inside another
	// by reflection, past every method: it then shows an address.
	value *string
}

// NewSecret hides a value. An empty value is a secret that was not set.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Value reveals the secret. Only what sends it to its owner should ask.
func (s Secret) Value() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String is the mask, or nothing when the secret was not set.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return mask
}

// GoString is the mask, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format writes the mask, whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	} else if verb == 'q' {
		text = `"` + text + `"`
	}
	_, _ = io.WriteString(f, text)
}

// MarshalJSON is the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalText is the mask, for encoders of other formats.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is the mask, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
