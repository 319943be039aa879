package aftership

import (
	"crypto"
	"crypto/hmac"
	"crypto/md5" // AfterShip's sign string asks for it; nothing is protected by it
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Signer signs requests with the API secret. There are two: [AES] and [RSA], named as AfterShip names the types of keys.
type Signer interface {
	// Sign returns the header that carries the signature of the sign string, and its value.
	Sign(signString string) (header, value string, err error)
}

// Signing says how requests prove that they come from the owner of the key.
type Signing string

// The three ways (AfterShip docs, authentication). The type is chosen when the key is made in AfterShip's admin.
const (
	SigningNone Signing = "none" // the key alone
	SigningAES  Signing = "aes"  // HMAC-SHA256 with the API secret
	SigningRSA  Signing = "rsa"  // RSA-PSS with a private key
)

// Signings lists the ways to sign.
func Signings() []Signing { return []Signing{SigningNone, SigningAES, SigningRSA} }

// NewSigner makes the signer for a way of signing and the secret that belongs to it: the API secret for aes, a PEM file's
// text for rsa. For none it is nil.
func NewSigner(how Signing, secret string) (Signer, error) {
	switch how {
	case SigningNone, "":
		return nil, nil
	case SigningAES:
		return AES(secret)
	case SigningRSA:
		return RSA([]byte(secret))
	}
	return nil, fmt.Errorf("signing %q is not known: use none, aes or rsa", how)
}

// AES makes a signer for keys of the type AES, which in truth is HMAC-SHA256 over the sign string.
func AES(secret string) (Signer, error) {
	if secret = strings.TrimSpace(secret); secret == "" {
		return nil, errors.New("signing with AES needs the API secret, and it is empty")
	}
	return aesSigner{[]byte(secret)}, nil
}

// aesSigner hides its secret from every fmt verb by keeping it behind a slice that String does not show.
type aesSigner struct{ secret []byte }

func (s aesSigner) Sign(signString string) (header, value string, err error) {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(signString))
	return "as-signature-hmac-sha256", base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func (aesSigner) String() string   { return "AES signer" }
func (aesSigner) GoString() string { return "AES signer" }

// RSA makes a signer for keys of the type RSA from a private key in PEM (PKCS #1 or PKCS #8).
func RSA(pemText []byte) (Signer, error) {
	block, _ := pem.Decode(pemText)
	if block == nil {
		return nil, errors.New("signing with RSA needs a private key in PEM form (-----BEGIN ... PRIVATE KEY-----)")
	}
	key, err := parseRSA(block.Bytes)
	if err != nil {
		return nil, err
	}
	return rsaSigner{key}, nil
}

func parseRSA(der []byte) (*rsa.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil { // the parser's error could quote the key
		return nil, errors.New("the PEM text holds no private key in PKCS #1 or PKCS #8")
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("the private key is a %T, not RSA", key)
}

type rsaSigner struct{ key *rsa.PrivateKey }

func (s rsaSigner) Sign(signString string) (header, value string, err error) {
	sum := sha256.Sum256([]byte(signString))
	opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
	sig, err := rsa.SignPSS(rand.Reader, s.key, crypto.SHA256, sum[:], opts)
	if err != nil {
		return "", "", fmt.Errorf("cannot sign with the RSA key: %w", err)
	}
	return "as-signature-rsa-sha256", base64.StdEncoding.EncodeToString(sig), nil
}

func (rsaSigner) String() string   { return "RSA signer" }
func (rsaSigner) GoString() string { return "RSA signer" }

// sign adds the date and the signature to a request whose headers and URL are complete. AfterShip takes a date three
// minutes from its own at most, so a request is signed when it is sent, and again whenever it is sent again.
func sign(req *http.Request, body []byte, signer Signer, now time.Time) error {
	req.Header.Set("Date", now.UTC().Format(http.TimeFormat))
	header, value, err := signer.Sign(signString(req, body))
	if err != nil {
		return err
	}
	req.Header.Set(header, value)
	return nil
}

// signString is the text that is signed (AfterShip docs, sign string): method, MD5 of the body in upper-case hex, content
// type, date, the as- headers and the resource, one to a line. Body and type are empty where there is no body.
func signString(req *http.Request, body []byte) string {
	sum, contentType := "", ""
	if len(body) > 0 {
		sum, contentType = fmt.Sprintf("%X", md5.Sum(body)), req.Header.Get("Content-Type")
	}
	return strings.Join([]string{req.Method, sum, contentType, req.Header.Get("Date"),
		canonicalHeaders(req.Header), canonicalResource(req)}, "\n")
}

func canonicalHeaders(header http.Header) string {
	var lines []string
	for name, values := range header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "as-") {
			lines = append(lines, name+":"+strings.TrimSpace(strings.Join(values, ",")))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// canonicalResource is the path and the query exactly as they are sent: the client sorts and escapes the query itself.
func canonicalResource(req *http.Request) string {
	if req.URL.RawQuery == "" {
		return req.URL.EscapedPath()
	}
	return req.URL.EscapedPath() + "?" + req.URL.RawQuery
}
