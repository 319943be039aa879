package redisconn

import (
	"net"
	"sync"
)

// memoryPipe is a connection inside the process. The server's end never waits
// for the client to read: with net.Pipe alone, a client that writes a large
// pipeline before it reads and a server that answers before it reads on would
// wait for each other.
func memoryPipe() (client, server net.Conn) {
	client, inner := net.Pipe()
	b := &bufferedConn{Conn: inner, more: make(chan struct{}, 1), closed: make(chan struct{})}
	go b.pump()
	return client, b
}

// bufferedConn is a net.Conn whose Write never blocks.
type bufferedConn struct {
	net.Conn
	more   chan struct{}
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	buf []byte
}

// Write keeps a copy of p for the pump.
func (c *bufferedConn) Write(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.mu.Lock()
	c.buf = append(c.buf, p...)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default: // the pump knows already
	}
	return len(p), nil
}

// Close ends the connection; what the client has not read is lost.
func (c *bufferedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// pump moves what was written to the client until one side closes.
func (c *bufferedConn) pump() {
	for {
		select {
		case <-c.closed:
			return
		case <-c.more:
		}
		c.mu.Lock()
		out := c.buf
		c.buf = nil
		c.mu.Unlock()
		if _, err := c.Conn.Write(out); err != nil {
			return // the reader of this end sees the same and closes it
		}
	}
}
