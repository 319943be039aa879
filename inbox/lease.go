package inbox

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// alive is the file by whose changes a worker shows that it lives.
const alive = "alive"

// left stands in it when the worker has ended by itself.
const left = "left"

// pulse is the last sign of life of another worker, and when it was first seen.
type pulse struct {
	sign  []byte
	since time.Time
}

// live changes the file until the context ends.
func (b *Box) live(ctx context.Context) {
	tick := time.NewTicker(b.o.Lease / 6)
	defer tick.Stop()
	for n := 2; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.beat(n)
		}
	}
}

// beat writes in place, because over a network whoever opens the file then sees what is in it.
func (b *Box) beat(n int) {
	err := b.home()
	if err == nil {
		err = os.WriteFile(filepath.Join(b.own, alive), []byte(strconv.Itoa(n)+"\n"), 0o666)
	}
	if err != nil {
		b.o.Log.Warn("the folder cannot be written; after a while other workers take this one's files", "dir", b.own, "because", err)
	}
}

// farewell tells the others that this worker's files are theirs.
func (b *Box) farewell() {
	path := filepath.Join(b.own, alive)
	_ = os.WriteFile(path, []byte(left), 0o666) // else the lease ends
	if entries, err := os.ReadDir(b.own); err == nil && len(entries) == 1 {
		_, _ = os.Remove(path), os.Remove(b.own)
	}
}

// adopt takes over the files of dead workers, as many as there is room for.
func (b *Box) adopt(ctx context.Context, now time.Time) {
	peers := map[string]pulse{}
	for _, e := range b.entries(b.path(processing)) {
		if !e.IsDir() || e.Name() == b.id {
			continue
		}
		dir := b.path(processing, e.Name())
		p := b.feel(e.Name(), dir, now)
		peers[e.Name()] = p
		if string(p.sign) == left || now.Sub(p.since) >= b.o.Lease {
			b.inherit(ctx, dir, e.Name())
		}
	}
	b.peers = peers
}

// feel looks for a sign of life. No file is one, too: it may be on its way.
func (b *Box) feel(name, dir string, now time.Time) pulse {
	sign, _ := os.ReadFile(filepath.Join(dir, alive))
	if last, known := b.peers[name]; known && bytes.Equal(last.sign, sign) {
		return last
	}
	return pulse{sign, now}
}

// inherit takes over the claims of a dead worker, and removes its directory in the end.
func (b *Box) inherit(ctx context.Context, dir, name string) {
	claims := 0
	for _, e := range b.entries(dir) {
		if _, ok := dayOf(e.Name()); !ok {
			continue
		}
		claims++
		if b.room(0) && len(b.mine) < mostClaims {
			b.inheritOne(ctx, filepath.Join(dir, e.Name()), filepath.Join(b.own, e.Name()), name)
		}
	}
	if claims == 0 {
		_, _ = os.Remove(filepath.Join(dir, alive)), os.Remove(dir) // the latter only if it is empty
	}
}

func (b *Box) inheritOne(ctx context.Context, from, to, worker string) {
	if b.home() != nil || move(from, to) != nil {
		return // another one was quicker, or it cannot be: the next look tries again
	}
	c := load(to)
	if c == nil {
		return
	}
	b.o.Log.Info("file taken over from a worker that is gone", "file", c.display(), "worker", worker)
	b.mine = append(b.mine, c)
	if b.room(c.size) {
		b.start(ctx, c)
	}
}
