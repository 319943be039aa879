package sandbox

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"aftership-bulk/aftership"
)

// authenticate finds the key of a call, or the answer to one that has none.
func (s *Sandbox) authenticate(c *call) *answer {
	value := c.http.Header.Get("As-Api-Key")
	if value == "" && c.version == aftership.V4 {
		value = c.http.Header.Get("Aftership-Api-Key")
	}
	for _, k := range *s.keys.Load() {
		if value != "" && k.Value == value && !k.Revoked && (!k.LegacyOnly || c.version == aftership.V4) {
			c.key = k
			if c.signed() {
				return nil
			}
			break
		}
	}
	return new(fail(401))
}

// signed reports whether the call is signed as its key demands.
func (c *call) signed() bool {
	h := c.http.Header
	switch c.key.Signing {
	case SigningAES:
		mac := hmac.New(sha256.New, []byte(c.key.Secret))
		mac.Write([]byte(c.signString()))
		sent, err := base64.StdEncoding.DecodeString(h.Get("as-signature-hmac-sha256"))
		return err == nil && hmac.Equal(sent, mac.Sum(nil)) && c.freshDate()
	case SigningRSA:
		digest := sha256.Sum256([]byte(c.signString()))
		sent, err := base64.StdEncoding.DecodeString(h.Get("as-signature-rsa-sha256"))
		return err == nil && c.key.Public != nil && c.freshDate() &&
			rsa.VerifyPSS(c.key.Public, crypto.SHA256, digest[:], sent, nil) == nil
	}
	return true
}

// freshDate reports whether the date header is near the sandbox' clock.
func (c *call) freshDate() bool {
	date, err := http.ParseTime(c.http.Header.Get("Date"))
	return err == nil && c.at.Sub(date).Abs() <= signatureValid
}

// signString is the text that the client signed.
func (c *call) signString() string {
	var sum, mime string
	if len(c.body) > 0 {
		digest := md5.Sum(c.body)
		sum = strings.ToUpper(hex.EncodeToString(digest[:]))
		mime = c.http.Header.Get("Content-Type")
	}
	return strings.Join([]string{c.http.Method, sum, mime, c.http.Header.Get("Date"), c.signedHeaders(), c.resource()}, "\n")
}

func (c *call) signedHeaders() string {
	var lines []string
	for name, values := range c.http.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "as-") && !strings.HasPrefix(name, "as-signature-") {
			lines = append(lines, name+":"+strings.TrimSpace(values[0]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// resource is the path, and the query with its parameters in order and escaped as they came.
func (c *call) resource() string {
	path := c.http.URL.EscapedPath()
	if c.http.URL.RawQuery == "" {
		return path
	}
	params := strings.Split(c.http.URL.RawQuery, "&")
	slices.SortStableFunc(params, func(a, b string) int {
		an, _, _ := strings.Cut(a, "=")
		bn, _, _ := strings.Cut(b, "=")
		return strings.Compare(an, bn)
	})
	return path + "?" + strings.Join(params, "&")
}
