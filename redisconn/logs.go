package redisconn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/redis/go-redis/v9"
)

const (
	// indexName names the log of the keys that belong to no batch.
	indexName = "index"
	logSuffix = ".log"
	// compactAt is the size from which a log is compacted when it is loaded, if
	// that at least halves it.
	compactAt = 1 << 20
)

// DamagedError is a record of a ledger's log that was changed after it was
// written, with more records after it.
type DamagedError struct {
	Path   string
	Offset int64
}

// Error names the file, the place and the remedy.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the ledger's log %s is damaged at byte %d: put a copy of the file back, or move it away, which forgets what it records",
		e.Path, e.Offset)
}

// logs are the open logs of a ledger. The ledger's lock guards them.
type logs struct {
	dir   string
	lock  *flock.Flock // nil when read-only
	files map[string]*logFile
	bad   map[string]error // logs that could not be replayed
	buf   []byte
	// broken is the first failure to append. The store is ahead of its log
	// from then on, so that nothing more is written until the next start.
	broken error
}

// openLogs takes the directory and replays the index.
func (l *ledger) openLogs(stateDir string) error {
	s := &logs{dir: filepath.Join(stateDir, "ledger"), files: map[string]*logFile{}, bad: map[string]error{}}
	if !l.readOnly {
		if err := s.take(l.now()); err != nil {
			return err
		}
	}
	l.logs = s
	return l.load("")
}

// take makes the directory ours and removes what a compaction left unfinished.
func (s *logs) take(now time.Time) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w; set STATE_DIR to a directory that can be written", err)
	}
	lock, err := lockDir(s.dir, now)
	if err != nil {
		return err
	}
	s.lock = lock
	left, err := filepath.Glob(filepath.Join(s.dir, "*"+logSuffix+".tmp"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return errors.Join(err, lock.Unlock())
	}
	return nil
}

func (l *ledger) closeLogs() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs == nil {
		return nil
	}
	var errs []error
	for _, f := range l.logs.files {
		errs = append(errs, f.close())
	}
	if l.logs.lock != nil {
		errs = append(errs, l.logs.lock.Unlock())
	}
	l.logs = nil
	return errors.Join(errs...)
}

func (s *logs) path(batch string) string {
	if batch == "" {
		batch = indexName
	}
	return filepath.Join(s.dir, batch+logSuffix)
}

// file is the log of a batch, which need not exist yet.
func (s *logs) file(batch string) *logFile {
	f := s.files[batch]
	if f == nil {
		f = &logFile{path: s.path(batch)}
		s.files[batch] = f
	}
	return f
}

// append logs the effects of one command.
func (s *logs) append(batch string, effects [][]string) error {
	if s.broken != nil {
		return s.broken
	}
	f := s.file(batch)
	if err := f.trouble(); err != nil {
		return err
	}
	s.buf = appendRecord(s.buf[:0], effects)
	if err := f.append(s.buf); err != nil {
		s.broken = err
		return err
	}
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	return nil
}

// touch makes sure that the batches which a command may read or write are in
// the store.
func (l *ledger) touch(args []string) error {
	if l.logs != nil && l.readOnly {
		if err := l.load(""); err != nil {
			return err
		}
	}
	return batchesIn(args, func(batch string) error {
		l.declared[batch] = true
		if l.logs == nil {
			return nil
		}
		return l.load(batch)
	})
}

// load replays what the store has not seen of a batch's log: all of it at the
// first touch, afterwards, in the read-only mode, what another process added.
func (l *ledger) load(batch string) error {
	if err := l.logs.bad[batch]; err != nil {
		return err
	}
	f := l.logs.files[batch]
	if f != nil && !l.readOnly {
		return nil
	}
	file, err := os.Open(l.logs.path(batch))
	if errors.Is(err, fs.ErrNotExist) {
		l.drop(batch)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ledger's log: %w", err)
	}
	defer file.Close()
	if err := l.replay(batch, file); err != nil {
		l.drop(batch)
		l.logs.bad[batch] = err
		return err
	}
	l.compactIfHalved(batch)
	return nil
}

// drop takes a batch out of the store; its log is not touched.
func (l *ledger) drop(batch string) {
	if l.logs.files[batch] == nil {
		return
	}
	delete(l.logs.files, batch)
	for _, key := range l.keys(batch) {
		l.m.Del(key)
		delete(l.volatile, key)
	}
}

func (l *ledger) keys(batch string) []string {
	var keys []string
	for _, key := range l.m.Keys() {
		if batchOf(key) == batch {
			keys = append(keys, key)
		}
	}
	return keys
}

// replay executes the records of a log from where the last replay ended.
func (l *ledger) replay(batch string, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	head, err := readHeader(file, info.Size())
	if err != nil {
		return err
	}
	if f := l.logs.files[batch]; f != nil && !bytes.Equal(f.head, head) {
		l.drop(batch) // compacted by another process
	}
	f := l.logs.file(batch)
	f.head = head
	if head == nil || f.size == info.Size() {
		return nil
	}
	return l.replayFrom(f, file, max(f.size, int64(logHeader)), info.Size())
}

func (l *ledger) replayFrom(f *logFile, file *os.File, start, size int64) error {
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return err
	}
	r := newRecordReader(file, f.path, start, size)
	mortal, err := l.replayRecords(r)
	if err != nil {
		return err
	}
	if err := l.endAt(f, r.pos, size); err != nil {
		return err
	}
	l.bury(mortal) // it appends, hence after the end of the log is known
	return nil
}

// endAt notes where the whole records of a log end, and cuts off a torn one.
func (l *ledger) endAt(f *logFile, end, size int64) error {
	f.size = end
	f.written.Store(end)
	if end == size || l.readOnly {
		return nil
	}
	if err := os.Truncate(f.path, end); err != nil {
		return fmt.Errorf("cut off the torn end of the ledger's log: %w", err)
	}
	return nil
}

// readHeader returns the header of a log, or nil if it was torn.
func readHeader(file *os.File, size int64) ([]byte, error) {
	if size < int64(logHeader) {
		return nil, nil
	}
	head := make([]byte, logHeader)
	if _, err := io.ReadFull(file, head); err != nil {
		return nil, err
	}
	last := len(logMagic) - 1
	switch {
	case string(head[:last]) != logMagic[:last]:
		return nil, &DamagedError{Path: file.Name(), Offset: 0}
	case head[last] != logMagic[last]:
		return nil, fmt.Errorf("the ledger's log %s was written by a newer version of this program (format %d): use that version",
			file.Name(), head[last])
	}
	return head, nil
}

// replayEpoch is the time that the store believes in during a replay. Against
// it every end of life lies ahead, so that keys go only where the log says so.
var replayEpoch = time.Unix(0, 0)

// replayRecords executes records until the end or the torn one, and returns
// the keys that were given an end of life.
func (l *ledger) replayRecords(r *recordReader) (map[string]bool, error) {
	l.replaying = true
	l.m.SetTime(replayEpoch)
	defer func() {
		l.m.SetTime(time.Time{})
		l.replaying = false
	}()
	mortal := map[string]bool{}
	err := l.executeAll(r, mortal)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errTorn):
		return mortal, nil
	case errors.Is(err, errDamaged):
		return nil, &DamagedError{Path: r.name, Offset: r.pos}
	}
	return nil, fmt.Errorf("read the ledger's log: %w", err)
}

func (l *ledger) executeAll(r *recordReader, mortal map[string]bool) error {
	bits := &bitmaps{ledger: l, open: map[string][]byte{}}
	defer bits.flushAll()
	for {
		payload, err := r.next()
		if err != nil {
			return err
		}
		err = eachCommand(payload, func(words []string) {
			if len(words) > 1 && mayExpire(words) {
				mortal[words[1]] = true
			}
			if !bits.take(words) {
				l.srv.Dispatch(l.replayPeer, words)
			}
		})
		if err != nil {
			return err
		}
	}
}

// bury brings the lives of replayed keys from the replay's clock to the real
// one, and deletes those that ended while nobody looked.
func (l *ledger) bury(mortal map[string]bool) {
	passed := l.now().Sub(replayEpoch)
	for key := range mortal {
		switch ttl := l.m.TTL(key); {
		case ttl == 0: // deleted or made permanent later on
		case ttl <= passed:
			l.delete(key)
		default:
			l.m.SetTTL(key, ttl-passed)
			l.volatile[key] = true
		}
	}
}

// sync waits until everything that the commands changed survives a power cut.
func (l *ledger) sync(cmds []redis.Cmder) error {
	var errs []error
	for _, f := range l.filesOf(cmds) {
		errs = append(errs, f.sync())
	}
	return errors.Join(errs...)
}

// filesOf lists the logs that commands may have written to: the index, and
// that of every batch they mention.
func (l *ledger) filesOf(cmds []redis.Cmder) []*logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs == nil {
		return nil
	}
	var files []*logFile
	add := func(batch string) error {
		if f := l.logs.files[batch]; f != nil {
			files = append(files, f)
		}
		return nil
	}
	_ = add("")
	for _, cmd := range cmds {
		for _, arg := range cmd.Args() {
			if s, ok := arg.(string); ok {
				_ = batchesIn([]string{s}, add)
			}
		}
	}
	return files
}

func (l *ledger) syncAll() error {
	l.mu.Lock()
	var files []*logFile
	if l.logs != nil {
		for _, f := range l.logs.files {
			files = append(files, f)
		}
	}
	l.mu.Unlock()
	var errs []error
	for _, f := range files {
		errs = append(errs, f.sync())
	}
	return errors.Join(errs...)
}

// Compact rewrites the log of a batch as a snapshot of its keys, which is
// smaller and replays faster. It is meant for a batch that has finished, and
// does no harm to another. Without a state directory it does nothing.
func (e *Embedded) Compact(ctx context.Context, batch string) error {
	return e.ledger.withLog(ctx, batch, func() error { return e.ledger.compact(batch) })
}

// Forget deletes a batch: its keys and its log.
func (e *Embedded) Forget(ctx context.Context, batch string) error {
	return e.ledger.withLog(ctx, batch, func() error { return e.ledger.forget(batch) })
}

// withLog calls fn with the batch loaded and nothing else going on.
func (l *ledger) withLog(ctx context.Context, batch string, fn func() error) error {
	if !fileName(batch) {
		return fmt.Errorf("%q is not the id of a batch", batch)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.closed {
		return errClosed
	}
	if l.logs == nil {
		return fn()
	}
	if l.readOnly {
		return errors.New("the ledger was opened to be looked at")
	}
	if err := l.load(batch); err != nil {
		return err
	}
	return fn()
}

func (l *ledger) compact(batch string) error {
	if l.logs == nil || l.logs.files[batch] == nil {
		return nil
	}
	return l.logs.files[batch].replace(l.snapshot(batch))
}

// compactIfHalved compacts a loaded log only where it pays, so that a batch
// that is taken up again and again does not take longer each time. Where it
// fails, as on a full disk, the log is as good as before.
func (l *ledger) compactIfHalved(batch string) {
	f := l.logs.files[batch]
	if l.readOnly || f.size < compactAt {
		return
	}
	if snapshot := l.snapshot(batch); int64(len(snapshot))*2 < f.size {
		_ = f.replace(snapshot)
	}
}

func (l *ledger) forget(batch string) error {
	for _, key := range l.keys(batch) {
		l.m.Del(key)
		delete(l.volatile, key)
	}
	if l.logs == nil {
		return nil
	}
	var errs []error
	if f := l.logs.files[batch]; f != nil {
		errs = append(errs, f.close())
		delete(l.logs.files, batch)
	}
	errs = append(errs, removeIfThere(l.logs.path(batch)), syncDir(l.logs.dir))
	return errors.Join(errs...)
}
