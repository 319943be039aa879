//go:build unix

package chaos

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
)

// The master of a Sentinel group dies, and its replica takes over without the
// last writes, for replication is not awaited. What may be lost with them is that
// a call was begun or answered. So a row may be sent again, and this time nothing
// flags it; that is all: each row ends, once, and no create and no retrack takes
// effect twice.
func TestSentinelFailover(t *testing.T) {
	w := open(t, setup{rate: pick(30, 10), embedded: true})
	s := w.sentinel()
	w.env = append(w.env, "REDIS_URL="+s.url)
	w.rdb = redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: []string{s.addr}})
	t.Cleanup(func() { _ = w.rdb.Close() })
	w.ledger = batch.New(w.rdb, batch.Options{})
	w.unflagged = true
	rows := pick(150, 600)
	create, retrack := w.order(batch.Create, "made", rows), w.order(batch.Retrack, "expired", rows)
	workers := w.fleet(2)
	w.reach(create, rows/3)
	replica := s.replica.Client()
	defer replica.Close()
	w.check(replica.ReplicaOf(t.Context(), "127.0.0.1", "1").Err()) // what follows is acknowledged, and does not reach it
	w.reach(create, w.batch(create).Done+10)
	s.master.Kill()
	w.finish(create)
	w.finish(retrack)
	workers.end()
	w.judge(create, "made", rows, batch.Already) // so it was, by the call that nobody remembers
	w.judge(retrack, "expired", rows, batch.Already)
}

// group is a master, a replica and a sentinel that looks after them.
type group struct {
	master, replica *redistest.Redis
	addr            string // of the sentinel
	url             string
}

func (w *world) sentinel() group {
	master := redistest.Server(w.t)
	_, port, _ := net.SplitHostPort(master.Addr())
	replica := redistest.Server(w.t, redistest.Config("replicaof 127.0.0.1 "+port))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.check(err)
	addr := l.Addr().String()
	w.check(l.Close())
	_, own, _ := net.SplitHostPort(addr)
	conf := filepath.Join(w.dir, "sentinel.conf")
	w.check(os.WriteFile(conf, fmt.Appendf(nil, "bind 127.0.0.1\nport %s\ndir %s\nlogfile sentinel.txt\nsentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n", own, w.dir, port), 0o600))
	cmd := exec.Command("redis-server", conf, "--sentinel")
	dieWithParent(cmd)
	w.check(cmd.Start())
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s := redis.NewSentinelClient(&redis.Options{Addr: addr})
	defer s.Close()
	w.until("the sentinel knows the replica", func() bool {
		replicas, err := s.Replicas(w.t.Context(), "main").Result()
		return err == nil && slices.ContainsFunc(replicas, func(r map[string]string) bool {
			return r["ip"]+":"+r["port"] == replica.Addr() && r["master-link-status"] == "ok"
		})
	})
	return group{master, replica, addr, "redis-sentinel://" + addr + "/main"}
}
