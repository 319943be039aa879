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
	rows     []sheet.Row
	errs     []error // of broken lines, by row
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
		return cut(ctx, sh, func(b *block) {
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
func cut(ctx context.Context, sh *sheet.Sheet, put func(*block)) error {
	b := newBlock()
	for row, err := range sh.Rows() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !isLineError(err) {
			return err
		}
		b.rows, b.errs = append(b.rows, row), append(b.errs, err)
		if len(b.rows) == blockRows {
			put(b)
			b = newBlock()
		}
	}
	put(b)
	return nil
}

func (s *Survey) readBlocks(work <-chan *block) {
	read := newReader(s.Plan.Operation, s.Plan.Mapping, s.Plan.Defaults)
	for b := range work {
		b.readings = make([]reading, len(b.rows))
		for i, row := range b.rows {
			b.readings[i] = s.read(read, row, b.errs[i])
		}
		close(b.done)
	}
}
