package redisconn_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/internal/redistest"
	"aftership-bulk/redisconn"
)

func TestFacts(t *testing.T) {
	c := redistest.Client(t, redistest.MaxMemory(64<<20), redistest.AppendOnly("always"), redistest.Config("hash-max-ziplist-value 200"))
	all, err := redisconn.FactsOf(t.Context(), c)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	f := all[0]
	if enough, known := f.AtLeast(6, 2); !enough || !known || f.Addr != "" {
		t.Errorf("%+v", f)
	}
	if f.Policy != "noeviction" || f.AppendOnly != 1 || f.WriteStatus != "ok" || f.ListpackValue != 200 || f.Snapshots != "" || f.Max != 64<<20 || f.Used <= 0 {
		t.Errorf("%+v", f)
	}
	if f.Skew.Abs() > time.Minute || f.Trip <= 0 || f.Clock.IsZero() {
		t.Errorf("%+v", f)
	}
}

// A managed server that forbids INFO and CONFIG leaves the facts unknown.
func TestFactsThatAreForbidden(t *testing.T) {
	server := redistest.Server(t)
	admin := server.Client()
	defer admin.Close()
	if err := admin.Do(t.Context(), "acl", "setuser", "managed", "on", ">secret", "~*", "+@all", "-config", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "managed", Password: "secret", DisableIdentity: true})
	defer c.Close()
	all, err := redisconn.FactsOf(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	f := all[0]
	if _, known := f.AtLeast(6, 2); known || f.Policy != "" || f.AppendOnly != -1 || f.ListpackValue != -1 || f.Max != -1 || f.Used != -1 || f.Clock.IsZero() {
		t.Errorf("%+v", f)
	}
	server.Stop()
	if _, err := redisconn.FactsOf(t.Context(), c); err == nil {
		t.Error("no error, and no server")
	}
}

func TestFactsOfACluster(t *testing.T) {
	c := redistest.Cluster(t).Client()
	defer c.Close()
	all, err := redisconn.FactsOf(t.Context(), c)
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, f := range all {
		if f.Addr == "" || f.Policy != "noeviction" {
			t.Errorf("%+v", f)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for version, want := range map[string][2]bool{
		"6.2.0": {true, true}, "7.0.15": {true, true}, "10.1": {true, true}, "6.0.16": {false, true}, "5.9.9": {false, true}, "": {false, false}, "x.y": {false, false},
	} {
		if enough, known := (redisconn.Facts{Version: version}).AtLeast(6, 2); enough != want[0] || known != want[1] {
			t.Errorf("%q: %v %v", version, enough, known)
		}
	}
}
