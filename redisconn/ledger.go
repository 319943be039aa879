package redisconn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// ledger is the store behind LedgerClient. It executes one command at a time
// and has the effects of each, which are the commands that changed data, also
// those inside scripts, in the log before it answers. Logging effects rather
// than scripts makes the replay fast and independent of clocks.
type ledger struct {
	m        *miniredis.Miniredis
	srv      *server.Server
	readOnly bool
	now      func() time.Time
	wg       sync.WaitGroup

	mu         sync.Mutex // held while a command is executed and appended
	conns      map[net.Conn]bool
	closed     bool
	replaying  bool
	effects    [][]string      // what the command under way has changed so far
	declared   map[string]bool // the batches that the command under way named, all loaded
	volatile   map[string]bool // keys that have, or had, an end of life
	logs       *logs           // nil: throw-away
	replayPeer *server.Peer
}

var errClosed = errors.New("the ledger is closed")

func openLedger(o EmbeddedOptions) (*ledger, error) {
	l := &ledger{
		m: miniredis.NewMiniRedis(), readOnly: o.ReadOnly, now: o.Now,
		conns: map[net.Conn]bool{}, declared: map[string]bool{}, volatile: map[string]bool{},
	}
	if err := listenInMemory(l.m); err != nil {
		return nil, err
	}
	l.srv = l.m.Server()
	l.srv.SetPreHook(l.observe)
	l.replayPeer = server.NewPeer(bufio.NewWriter(io.Discard))
	if o.StateDir == "" {
		return l, nil
	}
	if err := l.openLogs(o.StateDir); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *ledger) close() error {
	l.mu.Lock()
	l.closed = true
	for conn := range l.conns {
		_ = conn.Close() // a pipe's Close cannot fail
	}
	l.mu.Unlock()
	l.wg.Wait()
	l.m.Close()
	return l.closeLogs()
}

// dial opens a connection to the ledger, served by a goroutine of its own.
func (l *ledger) dial(context.Context, string, string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	client, conn := memoryPipe()
	l.conns[conn] = true
	l.wg.Go(func() {
		s := newSession(l, conn)
		s.serve()
		_ = conn.Close() // a pipe's Close cannot fail
		l.mu.Lock()
		delete(l.conns, conn)
		l.mu.Unlock()
	})
	return client, nil
}

// observe is miniredis' hook before every command, also before those that a
// script calls. It collects the effects and refuses what could not be
// replayed. It runs inside execute, hence under l.mu.
func (l *ledger) observe(p *server.Peer, cmd string, args ...string) bool {
	if l.replaying || harmless[cmd] || l.srv.IsReadOnlyCommand(cmd) && !blocking[cmd] {
		return false
	}
	keys := keysOf(cmd, args)
	if err := l.refuse(cmd, keys); err != "" {
		p.WriteError(err)
		return true
	}
	if len(keys) == 0 {
		return false // too few arguments: the command says so itself
	}
	effect := absolute(cmd, args, l.now())
	if mayExpire(effect) {
		l.volatile[keys[0]] = true
	}
	l.effects = append(l.effects, effect)
	return false
}

// refuse says why a command that writes is not carried out, "" if it is.
func (l *ledger) refuse(cmd string, keys []string) string {
	if _, ok := writes[cmd]; !ok {
		return fmt.Sprintf("ERR '%s' is not among the commands that the embedded ledger can replay", cmd)
	}
	if l.readOnly {
		return "READONLY the ledger was opened to be looked at"
	}
	for _, key := range keys {
		batch := batchOf(key)
		if batch != batchOf(keys[0]) || len(l.effects) > 0 && batch != l.target() {
			return "CROSSSLOT a command or script of the ledger must stay within the keys of one batch"
		}
		if batch != "" && !l.declared[batch] {
			return "CROSSSLOT a script of the ledger must declare the keys that it writes"
		}
	}
	return ""
}

// target is the batch that the command under way writes to.
func (l *ledger) target() string {
	first := l.effects[0]
	return batchOf(keysOf(first[0], first[1:])[0])
}

// tick lets keys expire, and fsyncs what nobody waits for.
func (l *ledger) tick(passed time.Duration) {
	l.mu.Lock()
	l.expire(passed)
	l.mu.Unlock()
	_ = l.syncAll() // a failure stays with its log, which answers the next write with it
}

// expire deletes the keys whose end comes within the time that passed. In the
// log that is a deletion like any other, so that a replay needs no clock.
func (l *ledger) expire(passed time.Duration) {
	for key := range l.volatile {
		switch ttl := l.m.TTL(key); {
		case ttl == 0:
			delete(l.volatile, key) // deleted or made permanent meanwhile
		case ttl <= passed:
			l.delete(key)
		}
	}
	l.m.FastForward(passed)
}

// delete removes a key by the ledger's own will.
func (l *ledger) delete(key string) {
	l.m.Del(key)
	delete(l.volatile, key)
	if l.logs == nil || l.readOnly {
		return
	}
	// A failure stays with the log, which answers the next write with it.
	_ = l.logs.append(batchOf(key), [][]string{{"DEL", key}})
}

// run executes commands as one unit and returns the replies as they go over
// the wire. They are only returned once the effects are in the log.
func (l *ledger) run(p *server.Peer, reply *bytes.Buffer, commands [][]string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.declared)
	for _, args := range commands {
		if err := l.touch(args); err != nil {
			return same(len(commands), err)
		}
	}
	l.effects = nil
	var replies []string
	for _, args := range commands {
		reply.Reset()
		l.srv.Dispatch(p, args)
		p.Flush()
		replies = append(replies, reply.String())
	}
	if err := l.keepEffects(); err != nil {
		return same(len(commands), err)
	}
	return replies
}

// keepEffects appends what the commands changed to the log of their batch.
func (l *ledger) keepEffects() error {
	if l.logs == nil || len(l.effects) == 0 {
		return nil
	}
	return l.logs.append(l.target(), l.effects)
}

// same answers n commands with one error.
func same(n int, err error) []string {
	text := strings.NewReplacer("\r", " ", "\n", " ").Replace(err.Error())
	return slices.Repeat([]string{"-LEDGER " + text + "\r\n"}, n)
}

// session is one connection to the ledger.
type session struct {
	ledger *ledger
	conn   net.Conn
	in     *bufio.Reader
	reply  bytes.Buffer
	peer   *server.Peer
	multi  bool
	queued [][]string
}

func newSession(l *ledger, conn net.Conn) *session {
	s := &session{ledger: l, conn: conn, in: bufio.NewReader(conn)}
	s.peer = server.NewPeer(bufio.NewWriter(&s.reply))
	return s
}

// serve answers commands until the client goes away.
func (s *session) serve() {
	for !s.peer.Closed() {
		args, err := readCommand(s.in)
		if err != nil {
			return
		}
		if _, err := io.WriteString(s.conn, s.answer(args)); err != nil {
			return
		}
	}
}

// answer handles transactions itself: commands are executed one at a time
// anyway, so that what stands between MULTI and EXEC only has to be kept
// together.
func (s *session) answer(args []string) string {
	switch cmd := strings.ToUpper(args[0]); {
	case cmd == "WATCH" || cmd == "UNWATCH":
		return "-ERR the embedded ledger has no WATCH; use a script\r\n"
	case cmd == "MULTI":
		s.multi = true
		return "+OK\r\n"
	case cmd == "EXEC" && s.multi, cmd == "DISCARD" && s.multi:
		queued := s.queued
		s.multi, s.queued = false, nil
		if cmd == "DISCARD" {
			return "+OK\r\n"
		}
		return "*" + strconv.Itoa(len(queued)) + "\r\n" + strings.Join(s.ledger.run(s.peer, &s.reply, queued), "")
	case s.multi:
		s.queued = append(s.queued, args)
		return "+QUEUED\r\n"
	}
	return s.ledger.run(s.peer, &s.reply, [][]string{args})[0]
}

// maxArgument is Redis' own limit for the size of one argument.
const maxArgument = 512 << 20

var errProtocol = errors.New("not a command")

// readCommand reads one command as clients send them: an array of bulk strings.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readLength(r, '*', 1<<20)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errProtocol
	}
	args := make([]string, n)
	for i := range args {
		size, err := readLength(r, '$', maxArgument)
		if err != nil {
			return nil, err
		}
		buf := make([]byte, size+2)
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, err
		}
		args[i] = string(buf[:size])
	}
	return args, nil
}

func readLength(r *bufio.Reader, kind byte, most int) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" || line[0] != kind {
		return 0, errProtocol
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 || n > most {
		return 0, errProtocol
	}
	return n, nil
}
