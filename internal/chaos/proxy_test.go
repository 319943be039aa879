//go:build unix

package chaos

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands between the programs and Redis. It can slow Redis down, cut it
// off, and lose replies: the command is carried out, and nobody hears of it.
type proxy struct {
	listener net.Listener
	to       string
	delay    atomic.Int64 // of each reply
	cut      atomic.Bool  // no connection gets through

	mu    sync.Mutex
	conns map[net.Conn]bool
	lose  bool            // the first reply of each kind of command
	lost  map[string]bool // the kinds of which a reply was lost
}

// proxy starts a proxy in front of the world's Redis.
func (w *world) proxy() *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.check(err)
	p := &proxy{listener: l, to: w.redis.Addr(), conns: map[net.Conn]bool{}, lost: map[string]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(c) })
		}
	})
	w.t.Cleanup(func() {
		_ = l.Close()
		p.closeAll()
		serving.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.listener.Addr().String() + "/0" }

// cutOff closes every connection and lets no new one through.
func (p *proxy) cutOff(yes bool) {
	p.cut.Store(yes)
	if yes {
		p.closeAll()
	}
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) loseEachKindOnce(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = yes
}

func (p *proxy) kindsLost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lost)
}

// track keeps a connection, so that it can be cut.
func (p *proxy) track(c net.Conn, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if yes {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	if p.cut.Load() {
		return
	}
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	for _, c := range []net.Conn{client, server} {
		p.track(c, true)
		defer p.track(c, false)
	}
	var losing atomic.Bool
	var both sync.WaitGroup
	both.Go(func() {
		defer server.Close()
		pump(client, server, func(chunk []byte) bool {
			if p.takes(chunk) {
				losing.Store(true)
			}
			return true
		})
	})
	both.Go(func() {
		defer client.Close()
		pump(server, client, func([]byte) bool {
			time.Sleep(time.Duration(p.delay.Load()))
			return !losing.Load()
		})
	})
	both.Wait()
}

// pump passes on what it reads, until either side ends or it may not go on.
func pump(from io.Reader, to io.Writer, pass func([]byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !pass(buf[:n]) {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// takes says whether the reply to what begins with these bytes is to be lost.
func (p *proxy) takes(chunk []byte) bool {
	kind := kindOf(chunk)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lose || kind == "" || p.lost[kind] {
		return false
	}
	p.lost[kind] = true
	return true
}

// kindOf names a command; a script by its digest. Greetings and the waiting for
// messages are none.
func kindOf(chunk []byte) string {
	parts := bytes.SplitN(chunk, []byte("\r\n"), 6)
	if len(parts) < 4 || len(parts[0]) == 0 || parts[0][0] != '*' {
		return "" // the middle of a long command
	}
	name := strings.ToUpper(string(parts[2]))
	switch name {
	case "HELLO", "CLIENT", "PING", "SUBSCRIBE", "SELECT":
		return ""
	case "EVALSHA":
		return name + " " + string(parts[4])
	}
	return name
}
