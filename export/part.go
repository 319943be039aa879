package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/gofrs/flock"

	"aftership-bulk/aftership"
)

// PartSuffix is what the name of a part has beyond that of the file that will be made of it.
const PartSuffix = ".part"

// partFresh is how long a part can be gone on with after its last mark: a sheet should not mix today's state with that of
// another day.
const partFresh = 12 * time.Hour

// partVersion is the form of parts. One in another form is begun anew.
const partVersion = 1

var (
	// ErrOther marks a part that belongs to another export.
	ErrOther = errors.New("it is the part of another export")
	// ErrBusy marks a part that another process writes.
	ErrBusy = errors.New("another process writes it")
)

// Mark is how far an export is. What stands before a mark is on the disk.
type Mark struct {
	Place   aftership.Place `json:"place,omitzero"` // where a list goes on
	Rows    int             `json:"rows,omitzero"`  // rows of a sheet that are answered
	Records int             `json:"records"`
	Total   int             `json:"total,omitzero"` // as AfterShip counted at the beginning
	Bad     int             `json:"bad,omitzero"`   // rows that got no tracking
	Done    bool            `json:"done,omitzero"`
}

// Begun is what a part says about its beginning.
type Begun struct {
	Version  int       `json:"v"`
	Identity string    `json:"identity"` // of everything that decides what is read
	At       time.Time `json:"at"`
	Until    time.Time `json:"until,omitzero"` // the end of a list's window, the same for all of its pages
}

// Identity is a short name for everything that decides what an export reads.
func Identity(parts ...any) string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(parts) // of plain values
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// line is a line of a part: one of the three.
type line struct {
	Begun  *Begun  `json:"begun,omitempty"`
	Record *Record `json:"r,omitempty"`
	Mark   *Mark   `json:"mark,omitempty"`
}

// Part is an export in the making: the records that were read so far. Only the owner can read it.
type Part struct {
	Begun
	Mark  Mark // how far it is
	Again bool // it was there before, and is gone on with
	Stale bool // one was there, and was too old or in no form that is known
	file  *os.File
	out   *bufio.Writer
	lock  *flock.Flock
	path  string
	named bool // it has a name under which it can be found again
}

// OpenPart goes on with the part at a path, or begins one. With an empty path it is a temporary file. An error wraps
// ErrOther or ErrBusy where those are the reason.
func OpenPart(path string, begun Begun) (*Part, error) {
	begun.Version = partVersion
	if path == "" {
		f, err := os.CreateTemp("", "aftership-export-*"+PartSuffix)
		if err != nil {
			return nil, err
		}
		p := &Part{file: f, path: f.Name()}
		return p, p.begin(begun)
	}
	p := &Part{path: path, named: true, lock: flock.New(path + ".lock")}
	if err := p.open(begun); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func (p *Part) open(begun Begun) error {
	ok, err := p.lock.TryLock()
	switch {
	case err != nil:
		p.lock = nil
		return err
	case !ok:
		p.lock = nil
		return ErrBusy
	}
	if p.file, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil || info.Size() == 0 {
		return errors.Join(err, p.begin(begun))
	}
	end, err := p.recall()
	switch {
	case err != nil:
		return err
	case p.Version != partVersion || begun.At.Sub(info.ModTime()) > partFresh:
		p.Stale = true
		return p.begin(begun)
	case p.Identity != begun.Identity:
		return ErrOther
	}
	p.Again = true
	return p.goOn(end)
}

// begin makes it an empty part.
func (p *Part) begin(begun Begun) error {
	p.Begun, p.Mark = begun, Mark{}
	if err := p.goOn(0); err != nil {
		return err
	}
	return p.put(line{Begun: &begun})
}

// goOn cuts off what stands behind the last mark, and writes there.
func (p *Part) goOn(end int64) error {
	if err := p.file.Truncate(end); err != nil {
		return err
	}
	_, err := p.file.Seek(end, io.SeekStart)
	p.out = bufio.NewWriterSize(p.file, 256<<10)
	return err
}

// recall reads how far the part is, and where its last mark ends. A torn end is none of it.
func (p *Part) recall() (end int64, err error) {
	p.Begun, p.Mark = Begun{}, Mark{}
	var at int64
	for l, err := range p.lines() {
		if err != nil {
			return 0, err
		}
		at += l.size
		switch {
		case l.Begun != nil:
			p.Begun, end = *l.Begun, at
		case l.Mark != nil:
			p.Mark, end = *l.Mark, at
		}
	}
	return end, nil
}

// sized is a line with its length in the file.
type sized struct {
	line
	size int64
}

// lines yields the lines from the beginning, as far as they are whole.
func (p *Part) lines() iter.Seq2[sized, error] {
	return func(yield func(sized, error) bool) {
		if _, err := p.file.Seek(0, io.SeekStart); err != nil {
			yield(sized{}, err)
			return
		}
		for in := bufio.NewReaderSize(p.file, 256<<10); ; {
			text, err := in.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(sized{}, err)
				return
			}
			l := sized{size: int64(len(text))}
			if err != nil || json.Unmarshal(text, &l.line) != nil || !yield(l, nil) {
				return
			}
		}
	}
}

// Add writes a record.
func (p *Part) Add(r Record) error {
	p.Mark.Records++
	return p.put(line{Record: &r})
}

func (p *Part) put(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(text, '\n'))
	return err
}

// Save makes sure that everything up to here is on the disk, to be gone on with from the part's mark.
func (p *Part) Save() error {
	m := p.Mark
	if err := p.put(line{Mark: &m}); err != nil {
		return err
	}
	if err := p.out.Flush(); err != nil {
		return err
	}
	if !p.named {
		return nil // nobody goes on with it
	}
	return p.file.Sync()
}

// Records yields the records, which must be saved.
func (p *Part) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		n := 0
		for l, err := range p.lines() {
			if err != nil {
				yield(Record{}, err)
				return
			}
			if l.Record == nil {
				continue
			}
			if n++; !yield(*l.Record, nil) {
				return
			}
		}
		if n < p.Mark.Records {
			yield(Record{}, fmt.Errorf("%s holds %d records of %d: it was damaged; remove it and begin anew", p.path, n, p.Mark.Records))
		}
	}
}

// Close closes the part, and leaves it where it is if it can be gone on with.
func (p *Part) Close() error {
	if p.named {
		return p.close()
	}
	return p.Remove()
}

// Remove removes the part.
func (p *Part) Remove() error {
	return errors.Join(p.close(), os.Remove(p.path))
}

func (p *Part) close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
		p.file = nil
	}
	if p.lock != nil {
		err = errors.Join(err, os.Remove(p.lock.Path()), p.lock.Unlock())
		p.lock = nil
	}
	return err
}
