package jobs

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"aftership-bulk/sheet"
)

// blockRows is how many rows a processor reads at a time.
const blockRows = 256

// block is a run of rows on its way through pass one.
type block struct {
	rows     []line
	readings []reading
	done     chan struct{} // closed when the readings are there
}

func newBlock() *block { return &block{done: make(chan struct{})} }

// readings reads and checks the rows of a sheet on all processors, and hands out
// what they say in the order of the file.
func (s *Survey) readings(ctx context.Context, sh *sheet.Sheet, each func(reading)) error {
	workers := runtime.GOMAXPROCS(0)
	work, ordered := make(chan *block), make(chan *block, 2*workers)
	var group errgroup.Group
	group.Go(func() error {
		defer close(ordered)
		defer close(work)
		return s.cut(ctx, sh, func(b *block) {
			work <- b // first, so that every block in order is sure to be read
			ordered <- b
		})
	})
	for range workers {
		group.Go(func() error {
			s.readBlocks(work)
			return nil
		})
	}
	for b := range ordered {
		<-b.done
		for _, r := range b.readings {
			each(r)
		}
	}
	return group.Wait()
}

// cut cuts the sheet into blocks.
func (s *Survey) cut(ctx context.Context, sh *sheet.Sheet, put func(*block)) error {
	b := newBlock()
	for row, err := range s.Plan.lines(sh) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		b.rows = append(b.rows, row)
		if len(b.rows) == blockRows {
			put(b)
			b = newBlock()
		}
	}
	put(b)
	return nil
}

func (s *Survey) readBlocks(work <-chan *block) {
	read := s.newReader()
	for b := range work {
		b.readings = make([]reading, len(b.rows))
		for i, row := range b.rows {
			b.readings[i] = s.read(read, row)
		}
		close(b.done)
	}
}
