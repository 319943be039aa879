package redistest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aftership-bulk/internal/redistest"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBothAnswerAndExpireKeys(t *testing.T) {
	redistest.Both(t, func(t *testing.T, rdb redis.UniversalClient) {
		ctx := t.Context()
		if err := rdb.Set(ctx, "k", "v", 20*time.Millisecond).Err(); err != nil {
			t.Fatal(err)
		}
		for rdb.Exists(ctx, "k").Val() == 1 {
			time.Sleep(time.Millisecond) // the key's own TTL is what is waited for
		}
	})
}

func TestKilledServerRestartsWithItsWrites(t *testing.T) {
	r := redistest.Server(t, redistest.AppendOnly("always"))
	c := r.Client()
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	r.Kill()
	if r.PID() != 0 {
		t.Error("a killed server has a process id")
	}
	if err := r.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := c.Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("after the restart k = %q, want v", got)
	}
}

func TestMaxMemoryRefusesWrites(t *testing.T) {
	c := redistest.Client(t, redistest.MaxMemory(1))
	err := c.Set(t.Context(), "k", "v", 0).Err()
	if err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Errorf("got %v, want OOM", err)
	}
}

func TestBadConfigurationIsAnErrorWithTheLog(t *testing.T) {
	_, err := redistest.Start(redistest.Dir(t.TempDir()), redistest.Config("no-such-directive 1"))
	if err == nil || !strings.Contains(err.Error(), "no-such-directive") {
		t.Errorf("got %v", err)
	}
}

func TestMissingServerSaysHowToInstallIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := redistest.Start(redistest.Dir(t.TempDir()))
	if err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("got %v", err)
	}
}

func TestStartOwnsItsDirectory(t *testing.T) {
	r, err := redistest.Start()
	if err != nil {
		t.Fatal(err)
	}
	dir := r.Dir()
	if _, err := os.Stat(filepath.Join(dir, "redis.log")); err != nil {
		t.Error(err)
	}
	r.Stop()
	r.Stop()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after Stop %s is still there: %v", dir, err)
	}
}

func TestClusterSpreadsKeys(t *testing.T) {
	nodes := redistest.Cluster(t)
	c := nodes.Client()
	defer c.Close()
	for i := range 30 {
		if err := c.Set(t.Context(), strings.Repeat("k", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range nodes {
		one := node.Client()
		defer one.Close()
		if n := one.DBSize(t.Context()).Val(); n == 0 || n == 30 {
			t.Errorf("a node has %d of 30 keys", n)
		}
	}
}
