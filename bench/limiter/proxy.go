package main

import (
	"io"
	"net"
	"time"
)

// proxy passes connections on to a server, each way half the round trip late.
type proxy struct {
	l      net.Listener
	server string
	delay  time.Duration
}

func slowly(server string, trip time.Duration) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{l, server, trip / 2}
	go p.serve()
	return p, nil
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) close() { p.l.Close() }

func (p *proxy) serve() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.server)
		if err != nil {
			in.Close()
			continue
		}
		go p.pass(out, in)
		go p.pass(in, out)
	}
}

type chunk struct {
	data []byte
	at   time.Time
}

// pass copies what comes, late, without letting one chunk wait for another.
func (p *proxy) pass(to io.WriteCloser, from io.ReadCloser) {
	chunks := make(chan chunk, 1024)
	go func() {
		defer close(chunks)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if n > 0 {
				chunks <- chunk{buf[:n], time.Now().Add(p.delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	defer to.Close()
	defer from.Close()
	for c := range chunks {
		time.Sleep(time.Until(c.at))
		if _, err := to.Write(c.data); err != nil {
			break
		}
	}
	for range chunks { // what the reader still sends
	}
}
