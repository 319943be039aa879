package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"aftership-bulk/internal/redistest"

	"github.com/redis/go-redis/v9"
)

func TestAddressForms(t *testing.T) {
	tests := []struct {
		url  string
		want redis.UniversalOptions
		tls  bool
	}{
		{"redis://localhost", redis.UniversalOptions{Addrs: []string{"localhost:6379"}}, false},
		{"redis://u:p%40w@h:1/3?pool_size=7", redis.UniversalOptions{Addrs: []string{"h:1"}, Username: "u", Password: "p@w", DB: 3, PoolSize: 7}, false},
		{"rediss://h", redis.UniversalOptions{Addrs: []string{"h:6379"}}, true},
		{"redis://[::1]:7", redis.UniversalOptions{Addrs: []string{"[::1]:7"}}, false},
		{"redis-sentinel://u:p%2Fw@a,b:2/main/4?sentinel_password=s%26q&dial_timeout=3s", redis.UniversalOptions{
			Addrs: []string{"a:26379", "b:2"}, MasterName: "main", DB: 4, Username: "u", Password: "p/w", SentinelPassword: "s&q", DialTimeout: 3 * time.Second}, false},
		{"rediss-sentinel://a/main", redis.UniversalOptions{Addrs: []string{"a:26379"}, MasterName: "main"}, true},
		{"redis-cluster://:pw@a:1,[::1],c:3", redis.UniversalOptions{Addrs: []string{"a:1", "[::1]:6379", "c:3"}, Password: "pw", IsClusterMode: true}, false},
		{"rediss-cluster://a", redis.UniversalOptions{Addrs: []string{"a:6379"}, IsClusterMode: true}, true},
		{"unix://u:p@/run/redis.sock?db=2", redis.UniversalOptions{Addrs: []string{"/run/redis.sock"}, Username: "u", Password: "p", DB: 2}, false},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			u, err := universal(Options{URL: tt.url})
			if err != nil {
				t.Fatal(err)
			}
			if (u.TLSConfig != nil) != tt.tls {
				t.Errorf("TLS %v", u.TLSConfig)
			}
			if tt.tls && u.TLSConfig.MinVersion < tls.VersionTLS12 {
				t.Error("old TLS versions are allowed")
			}
			got := redis.UniversalOptions{Addrs: u.Addrs, MasterName: u.MasterName, DB: u.DB, Username: u.Username, Password: u.Password,
				SentinelPassword: u.SentinelPassword, DialTimeout: u.DialTimeout, IsClusterMode: u.IsClusterMode, PoolSize: u.PoolSize}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestNoErrorShowsThePassword has every way to write an address wrong.
func TestNoErrorShowsThePassword(t *testing.T) {
	const secret = "s3cr3t"
	for _, address := range []string{
		"", secret, "h:6379/" + secret + "@x", "http://u:" + secret + "@h",
		"redis://u:" + secret + "/x@h", "redis://u:x/" + secret + "@h", "redis://u:?" + secret + "@h", "redis://u:%zz" + secret + "@h",
		"redis://u:" + secret + "@h/notanumber", "redis://u:" + secret + "@h?nosuch=1", "redis://u:" + secret + "@h:port",
		"redis://h?password=" + secret, "redis-sentinel://u:" + secret + "@h", "redis-sentinel://u:" + secret + "@h/m/x",
		"redis-sentinel://h/m?sentinel_password=" + secret + "&nosuch=1", "redis-sentinel://u:%zz" + secret + "@h/m",
		"redis-cluster://u:" + secret + "@h/5", "redis-cluster://u:" + secret + "@", "redis-cluster://u:" + secret + "@h:1,h:b:2",
		"redis://u:" + secret + "#x@h", "redis://u:" + secret + "@h\x00",
	} {
		_, err := universal(Options{URL: address})
		if address == secret {
			continue // nothing tells a lone word from a host's name
		}
		if err == nil {
			t.Errorf("%q was understood", strings.ReplaceAll(address, secret, "SECRET"))
			continue
		}
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%#v", err), secret) {
			t.Errorf("the password stands in %q", err)
		}
		if !errors.Is(err, ErrURL) {
			t.Errorf("%v is not ErrURL", err)
		}
	}
}

func TestWrongPasswordIsNotShown(t *testing.T) {
	server := redistest.Server(t, redistest.Config("requirepass right"))
	_, err := Dial(t.Context(), Options{URL: "redis://default:wrong1@" + server.Addr()})
	if err == nil || strings.Contains(err.Error(), "wrong1") || !strings.Contains(err.Error(), server.Addr()) {
		t.Errorf("got %v", err)
	}
	c, err := Dial(t.Context(), Options{URL: "redis://default:right@" + server.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestDialSaysWhereNobodyAnswers(t *testing.T) {
	server := redistest.Server(t)
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, Options{URL: server.URL()})
	if err == nil || !strings.Contains(err.Error(), server.Addr()) || !strings.Contains(err.Error(), "REDIS_URL") || errors.Is(err, ErrURL) {
		t.Errorf("got %v", err)
	}
}

func TestDialThroughASocket(t *testing.T) {
	server := redistest.Server(t, redistest.Config("unixsocket redis.sock"))
	c, err := Dial(t.Context(), Options{URL: "unix://" + server.Dir() + "/redis.sock"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestRedacted(t *testing.T) {
	for address, want := range map[string]string{
		"redis://h:1/0":        "redis://h:1/0",
		"redis://u:p@h:1/0":    "redis://***@h:1/0",
		"redis://u:p/@h@h:1/0": "redis://***@h:1/0",
		"redis-sentinel://u:p@a,b/m?sentinel_password=x&db=1": "redis-sentinel://***@a,b/m?sentinel_password=***&db=1",
		"u:p@h": "***@h",
		"":      "",
	} {
		if got := Redacted(address); got != want {
			t.Errorf("Redacted(%q) = %q, want %q", address, got, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("redis-sentinel://u:p@a,b:2/main/4?sentinel_password=s&addr=x")
	f.Add("redis-cluster://[::1],")
	f.Fuzz(func(t *testing.T, address string) {
		const secret = "s3cr3t"
		_, err := universal(Options{URL: "redis-sentinel://u:" + secret + "@" + address})
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the password stands in %q", err)
		}
		_, _ = universal(Options{URL: address})
	})
}
