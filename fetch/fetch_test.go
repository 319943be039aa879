package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server starts an https server and returns the options that reach it.
func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, Options) {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	return s, Options{AllowPrivate: true, Transport: &http.Transport{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig}}
}

// get reads a whole file.
func get(t *testing.T, address string, o Options) (string, string, error) {
	t.Helper()
	body, name, err := Open(t.Context(), address, o)
	if err != nil {
		return "", "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), name, err
}

const orders = "tracking_number,slug\n1Z999,ups\n"

func TestAFileComesWithItsName(t *testing.T) {
	s, o := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "aftership-bulk" {
			t.Errorf("agent %q", r.Header.Get("User-Agent"))
		}
		if d := r.URL.Query().Get("disposition"); d != "" {
			w.Header().Set("Content-Disposition", d)
		}
		if u, p, ok := r.BasicAuth(); ok && (u != "me" || p != "secret") {
			t.Errorf("user %q, password %q", u, p)
		}
		io.WriteString(w, orders)
	})
	for address, want := range map[string]string{
		"/files/orders.csv":    "orders.csv",
		"/files/orders.csv?a=": "orders.csv",
		"/":                    "127.0.0.1",
		"/export?disposition=" + url.QueryEscape(`attachment; filename="../My orders.csv"`):         "My orders.csv",
		"/export?disposition=" + url.QueryEscape(`attachment; filename*=UTF-8''Auftr%C3%A4ge.xlsx`): "Aufträge.xlsx",
		"/export?disposition=" + url.QueryEscape(`nonsense;;`):                                      "export",
	} {
		text, name, err := get(t, s.URL+address, o)
		if err != nil || text != orders || name != want {
			t.Errorf("%s: %q named %q, %v", address, text, name, err)
		}
	}
	withUser := strings.Replace(s.URL, "https://", "https://me:secret@", 1)
	if text, _, err := get(t, withUser+"/x.csv", o); err != nil || text != orders {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	for address, want := range map[string]string{
		"":                               "the address can't be read",
		"orders.csv":                     "the address can't be read",
		"https://":                       "the address can't be read",
		"https://me:secret@[::1":         "the address can't be read",
		"http://me:secret@example.com/x": "http://example.com/x: only https addresses are fetched",
		"ftp://me:secret@example.com/x":  "ftp://example.com/x: only https addresses are fetched",
		"https://127.0.0.1:1/x?k=secret": "private address 127.0.0.1",
		"https://me:secret@[::1]:1/":     "private address ::1",
		"https://[::ffff:10.0.0.1]:1/":   "private address",
		"https://169.254.169.254/latest": "private address 169.254.169.254",
		"https://localhost:1/":           "private address",
		"https://0.0.0.0:1/":             "private address",
	} {
		_, _, err := get(t, address, Options{Timeout: 5 * time.Second})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAnswersThatAreNoFile(t *testing.T) {
	s, o := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "\n<!-- sign in --><p>Sign in</p>")
		case "/page":
			w.Header().Set("Content-Type", "text/csv")
			io.WriteString(w, "<!DOCTYPE HTML><html></html>")
		case "/csv-as-html":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, orders)
		case "/loop":
			http.Redirect(w, r, "/loop?token=secret", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			var code int
			fmt.Sscanf(r.URL.Path, "/%d", &code)
			w.WriteHeader(code)
		}
	})
	for path, want := range map[string]string{
		"/login": "a web page instead of a file; it may be a login page",
		"/page":  "a web page instead of a file",
		"/401":   "401 Unauthorized; the file needs a login",
		"/403":   "needs a login",
		"/404":   "404 Not Found; check the address",
		"/500":   "500 Internal Server Error; try again later",
		"/429":   "try again later",
		"/418":   "test the address",
		"/204":   "204 No Content",
		"/loop":  "redirects more than 5 times",
		"/file":  "only https addresses are fetched",
	} {
		_, _, err := get(t, s.URL+path+"?token=secret", o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if text, _, err := get(t, s.URL+"/csv-as-html", o); err != nil || text != orders {
		t.Errorf("%q, %v", text, err)
	}
	u, _ := url.Parse("https://docs.google.com/spreadsheets/d/1/edit")
	if got := pageRemedy(u); !strings.Contains(got, "/export?format=csv") {
		t.Error(got)
	}
}

func TestRedirects(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			t.Error("the password was handed to another server")
		}
		io.WriteString(w, orders)
	}))
	defer plain.Close()
	s, o := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(plain.URL, "127.0.0.1", "localhost", 1)+"/other.csv", http.StatusFound)
	})
	withUser := strings.Replace(s.URL, "https://", "https://me:secret@", 1)
	if text, name, err := get(t, withUser, o); err != nil || text != orders || name != "other.csv" {
		t.Errorf("%q named %q, %v", text, name, err)
	}
	// To http, when that is not allowed.
	req := httptest.NewRequest(http.MethodGet, "http://me:secret@example.com/x", nil)
	err := Options{}.client().CheckRedirect(req, make([]*http.Request, 1))
	if err == nil || !strings.Contains(err.Error(), "only https") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

// A public name that leads to a private address is found out when it is dialled, whatever was resolved before.
func TestPrivateAddressesAreFoundOutWhenDialling(t *testing.T) {
	asked := false
	s, o := server(t, func(http.ResponseWriter, *http.Request) { asked = true })
	o.AllowPrivate = false
	for _, host := range []string{"127.0.0.1", "localhost"} {
		_, _, err := get(t, strings.Replace(s.URL, "127.0.0.1", host, 1), o)
		if err == nil || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if asked {
		t.Error("a private server was asked")
	}
}

func TestPublicAddresses(t *testing.T) {
	for _, a := range []string{"1.1.1.1", "142.250.185.78", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2a00:1450:4001:80b::200e"} {
		if !isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
		"255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::7f00:1", "fec0::1",
	} {
		if isPublic(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
	if isPublic(netip.Addr{}) || checkDial("nonsense") == nil {
		t.Error("no address is public")
	}
}

func TestLimits(t *testing.T) {
	release := make(chan struct{})
	s, o := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/declared":
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, strings.Repeat("x", 1000))
		case "/cut":
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, orders)
		case "/slow":
			w.Write([]byte(orders))
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/silent":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		default:
			for range 100 {
				io.WriteString(w, strings.Repeat("x", 10))
				w.(http.Flusher).Flush()
			}
		}
	})
	defer close(release)
	o.MaxBytes = 999
	for path, want := range map[string]string{"/declared": "larger than 999 bytes", "/streamed": "larger than 999 bytes", "/cut": ""} {
		_, _, err := get(t, s.URL+path, o)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", path, err)
		}
	}
	o.MaxBytes = 1000
	if text, _, err := get(t, s.URL+"/streamed", o); err != nil || len(text) != 1000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if _, _, err := get(t, s.URL+"/cut", o); err == nil || !strings.Contains(err.Error(), "ended before the file did") {
		t.Errorf("cut: %v", err)
	}
	o.Timeout = 200 * time.Millisecond
	for _, path := range []string{"/slow", "/silent"} {
		_, _, err := get(t, s.URL+path+"?token=secret", o)
		if err == nil || !strings.Contains(err.Error(), "it took longer than 200ms") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestACancelledDownloadEnds(t *testing.T) {
	s, o := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, orders) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Open(ctx, s.URL, o); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s, o := server(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, orders) })
	o.Transport = nil
	_, _, err := get(t, s.URL, o)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Error(err)
	}
}

func TestIsAddress(t *testing.T) {
	for name, want := range map[string]bool{"https://x/y": true, "HTTP://x": true, "orders.csv": false, "C:/x": false, "-": false, "ftp://x": false, "./https://x": false} {
		if IsAddress(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("https://me:secret@127.0.0.1:1/?token=secret")
	f.Add("http://[::1]:1/")
	f.Fuzz(func(t *testing.T, address string) {
		if strings.Contains(address, "\x00") || len(address) > 200 {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is asked
		if _, _, err := Open(ctx, address, Options{}); err == nil || err.Error() == "" {
			t.Fatalf("%q: %v", address, err)
		}
	})
}
