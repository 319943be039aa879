package jobs

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"aftership-bulk/sheet"
)

// UpdateColumns are the columns of the daily files of updates. The first ones
// bear the names that sheets have, so that such a file can be given to a command.
// The last one tells equal lines apart from a line that stands there twice.
func UpdateColumns() []string {
	return []string{"time", "tracking_number", "slug", "id", "tag", "subtag", "subtag_message", "message", "expected_delivery",
		"event", "account", "event_id"}
}

func (u Update) cells() []string {
	at := ""
	if !u.At.IsZero() {
		at = u.At.UTC().Format(time.RFC3339)
	}
	cells := []string{at, u.TrackingNumber, u.Slug, u.ID, string(u.Tag), u.Subtag, u.SubtagMessage, u.Message, u.ExpectedDelivery,
		string(u.Kind), u.Account}
	for i := range cells {
		cells[i] = sheet.Guard(cells[i])
	}
	return append(cells, u.Event)
}

// csvLine is some cells as a line of a CSV.
func csvLine(cells []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(cells) // a buffer takes everything
	w.Flush()
	return b.Bytes()
}

// updateLog appends updates to the daily files of this process: no two processes
// append to one file. A line is on the disk when add returns; those that come
// while the disk is busy share the next write.
type updateLog struct {
	dir  string
	host string
	now  func() time.Time

	mu      sync.Mutex
	pending []*logLine

	writing sync.Mutex // whoever holds it writes what is pending
	name    string
	file    *os.File
}

// logLine is a line that waits for the disk.
type logLine struct {
	file  string
	text  []byte
	until time.Time // not to be written after it: another process may take the event over
	done  chan error
}

var errTooLate = errors.New("the disk was busy for too long")

func newUpdateLog(dir string, now func() time.Time) *updateLog {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &updateLog{dir: dir, host: fmt.Sprintf("%s-%d", plainName(host), os.Getpid()), now: now}
}

// plainName keeps of a host's name what can stand in a file's.
func plainName(host string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, host)
}

// today is the file that lines written now go to. Days are those of UTC, as no
// day of UTC is ever longer or shorter.
func (l *updateLog) today() string {
	return "updates-" + l.now().UTC().Format(time.DateOnly) + "." + l.host + ".csv"
}

// add appends a line to a file and waits until it is on the disk.
func (l *updateLog) add(file string, text []byte, until time.Time) error {
	line := &logLine{file, text, until, make(chan error, 1)}
	l.mu.Lock()
	l.pending = append(l.pending, line)
	l.mu.Unlock()
	l.writing.Lock()
	l.flush()
	l.writing.Unlock()
	return <-line.done
}

// flush writes all that is pending, file by file. It may find nothing, when the
// one before has written this caller's line, too.
func (l *updateLog) flush() {
	l.mu.Lock()
	lines := l.pending
	l.pending = nil
	l.mu.Unlock()
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].file == lines[0].file {
			n++
		}
		l.write(lines[0].file, lines[:n])
		lines = lines[n:]
	}
}

// write appends lines of one file in one write and one fsync.
func (l *updateLog) write(file string, lines []*logLine) {
	var text []byte
	var taken []*logLine
	for _, line := range lines {
		if time.Now().After(line.until) {
			line.done <- errTooLate
			continue
		}
		text, taken = append(text, line.text...), append(taken, line)
	}
	err := l.append(file, text)
	for _, line := range taken {
		line.done <- err
	}
}

// append writes a text at the end of a file. What a failed write left behind is
// cut off again, or else the next text begins on a line of its own.
func (l *updateLog) append(file string, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	size, err := l.open(file)
	if err == nil {
		_, err = l.file.Write(text)
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil && l.file != nil {
		_ = l.file.Truncate(size)
		_ = l.close()
	}
	if err != nil {
		return fmt.Errorf("write to UPDATES_DIR: %w", err)
	}
	return nil
}

// open makes the file the open one, with its header, and says how long it is.
func (l *updateLog) open(name string) (size int64, err error) {
	if l.file == nil || l.name != name {
		if err := errors.Join(l.close(), os.MkdirAll(l.dir, 0o700)); err != nil {
			return 0, err
		}
		l.file, err = os.OpenFile(filepath.Join(l.dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			l.file = nil
			return 0, err
		}
		l.name = name
		if err := l.begin(); err != nil {
			return 0, err
		}
	}
	info, err := l.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// begin writes the header of a new file, and ends the line that a crash or a full
// disk broke off in an old one.
func (l *updateLog) begin() error {
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	text := csvLine(UpdateColumns())
	if info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := l.file.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
			return err
		}
		text = []byte("\n")
	}
	_, err = l.file.Write(text)
	return err
}

func (l *updateLog) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file, l.name = nil, ""
	return err
}

// shut closes the open file. A later add opens it again.
func (l *updateLog) shut() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.close()
}

// has says whether a file has the whole line of an event. A file that is not
// there, because it is another machine's, has none.
func (l *updateLog) has(file, event string) (bool, error) {
	f, err := os.Open(filepath.Join(l.dir, filepath.Base(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for an event in UPDATES_DIR: %w", err)
	}
	defer f.Close()
	end := []byte("," + event + "\n")
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadSlice('\n')
		switch {
		case bytes.HasSuffix(line, end) && err == nil:
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return false, fmt.Errorf("look for an event in UPDATES_DIR: %w", err)
		}
	}
}
