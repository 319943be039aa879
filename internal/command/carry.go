package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
)

// carryOut sends the checked inputs: through the worker inside where there is no
// Redis, else by handing them over to the workers.
func (c *cli) carryOut(ctx context.Context, s *session, inputs []*input) error {
	if err := c.carryable(inputs); err != nil {
		return err
	}
	if err := c.reportable(inputs); err != nil {
		return err
	}
	mine, err := c.existing(ctx, s, inputs)
	if err != nil {
		return err
	}
	requests := c.lockRequests(s, inputs[0].survey.Plan.Operation, false, mine)
	return c.underLock(ctx, s, requests, func(ctx context.Context) error {
		if err := c.sameColumns(ctx, s, inputs); err != nil {
			return err
		}
		return c.carryOutIn(ctx, s, inputs)
	})
}

func (c *cli) carryOutIn(ctx context.Context, s *session, inputs []*input) error {
	if s.embedded != nil {
		return c.carryEmbedded(ctx, s, inputs)
	}
	return c.handOver(ctx, s, inputs)
}

// carryable finds what makes a run impossible before anything is opened.
func (c *cli) carryable(inputs []*input) error {
	if c.flags.sandbox || c.cfg.RedisURL.Value() != "" {
		return nil
	}
	if _, ok := c.cfg.Key(c.cfg.Account); !ok {
		return usage(errors.New("there is no API key, so nothing can be sent"),
			"set AFTERSHIP_API_KEY (or AFTERSHIP_API_KEY_FILE), or try it out with --sandbox; with REDIS_URL set, the workers have the key")
	}
	for _, in := range inputs {
		if in.survey.Rows > embeddedRows {
			return usage(fmt.Errorf("%s has %d rows, and a run without Redis takes %d", in.sheet.Name, in.survey.Rows, embeddedRows),
				"set REDIS_URL and start `worker`, or split the file with --skip and --limit")
		}
	}
	return nil
}

// handOver puts the batches on the queue of the workers, and waits for them if asked.
func (c *cli) handOver(ctx context.Context, s *session, inputs []*input) error {
	var codes []int
	for _, in := range inputs {
		e, err := c.handOverOne(ctx, s, in, len(inputs))
		if err != nil {
			return ctxOr(ctx, orUnreachable(err, "run the same command again: it goes on where it ended"))
		}
		codes = append(codes, e.code())
	}
	return c.finishRun(inputs, worst(codes...))
}

func (c *cli) handOverOne(ctx context.Context, s *session, in *input, files int) (ending, error) {
	if err := s.headRoom(ctx, in.survey.Rows); err != nil {
		return ending{}, err
	}
	existed, err := c.accept(ctx, s, in)
	if err != nil {
		return ending{}, err
	}
	return c.handedOver(ctx, s, in, existed, files)
}

// handedOver has the batch of an input fed, and waits for it if asked.
func (c *cli) handedOver(ctx context.Context, s *session, in *input, existed bool, files int) (ending, error) {
	if !in.b.Ended() {
		if err := s.intake.Feed(ctx, in.b.ID); err != nil {
			return ending{}, err
		}
	}
	if existed && in.b.Ended() || in.b.Spent() || in.b.Over != "" || c.imp.wait.set {
		e, err := c.follow(ctx, s, in, c.imp.wait.max)
		if err != nil {
			return e, err
		}
		if err := c.settle(ctx, s, in, &e); err != nil {
			return e, err
		}
		if err := c.reportOf(context.WithoutCancel(ctx), s, in, files); err != nil {
			return e, err
		}
		c.tellEnding(e, in)
		return e, nil
	}
	if reason, err := s.unserved(ctx, in.b.Account); err == nil && reason != "" {
		c.ui.warn("%s", reason)
	}
	c.ui.say("Batch %s is queued. Workers carry it out; follow it with:", in.b.ID)
	for _, next := range []string{"status %s --follow", "report %s -o FILE", "cancel %s"} {
		c.ui.say("  enqueue "+next, in.b.ID)
	}
	return ending{batch: in.b, queued: true, failedRows: failedRows(in.b)}, nil
}

// accept takes one input into the ledger.
func (c *cli) accept(ctx context.Context, s *session, in *input) (existed bool, err error) {
	in.b, existed, err = s.intake.Accept(ctx, in.sheet, in.survey, c.order(s))
	if err == nil && !in.b.Ended() {
		err = s.keeps(ctx, in.b)
	}
	if err != nil {
		return existed, err
	}
	if c.onBatch != nil {
		c.onBatch(in.b.ID)
	}
	c.ui.emit(event{Event: "accepted", File: in.sheet.Name, Batch: viewOf(in.b), Existed: existed})
	switch {
	case existed && in.b.State == batch.Cancelled:
		c.ui.say("%s was cancelled before as batch %s; nothing is sent. `enqueue retry %s` runs the cancelled rows, --force sends the whole file again.", in.sheet.Name, in.b.ID, in.b.ID)
	case existed && in.b.Ended():
		in.otherBudget = c.imp.guards.budget != in.b.Budget
		c.ui.say("%s was %s before as batch %s; nothing is sent again (--force sends it again).", in.sheet.Name, goneThrough(in.b), in.b.ID)
	case existed && in.b.State == batch.Paused:
		c.ui.warn("%s is batch %s, which is paused (%s); go on with: enqueue resume %s", in.sheet.Name, in.b.ID, in.b.Reason, in.b.ID)
	case existed && in.b.Spent():
		c.ui.warn("%s is batch %s, which --max-errors has stopped", in.sheet.Name, in.b.ID)
	case existed:
		c.ui.say("%s goes on as batch %s, where it ended before.", in.sheet.Name, in.b.ID)
		return existed, s.release(ctx, in)
	}
	return existed, nil
}

// goneThrough is what was done with the rows of a batch that has ended.
func goneThrough(b batch.Batch) string {
	if b.StartedAt.IsZero() {
		return "gone through"
	}
	return "sent"
}

// release lets a batch go on that the program held back: whoever runs its command
// again has mended the cause.
func (s *session) release(ctx context.Context, in *input) (err error) {
	if !in.b.State.Held() {
		return nil
	}
	if err := s.ledger.Resume(ctx, in.b.ID); err != nil {
		return err
	}
	in.b, err = s.ledger.Get(ctx, in.b.ID)
	return err
}

// carryEmbedded carries the batches out with a worker in this process.
func (c *cli) carryEmbedded(ctx context.Context, s *session, inputs []*input) error {
	for _, in := range inputs {
		if _, err := c.accept(ctx, s, in); err != nil {
			return ctxOr(ctx, err)
		}
	}
	return c.workEmbedded(ctx, s, inputs)
}

// workEmbedded runs the worker inside until every batch has ended, the account
// is stopped, or the person interrupts.
func (c *cli) workEmbedded(ctx context.Context, s *session, inputs []*input) error {
	teller, err := c.notifier()
	if err != nil {
		return err
	}
	if err := s.intake.Lift(ctx, s.cfg.Account); err != nil { // a person started it again, so the cause should be gone
		return err
	}
	account, err := s.account()
	if err != nil {
		return err
	}
	w := jobs.NewWorker(s.rdb, s.ledger, s.queue, []*jobs.Account{account}, s.workerOptions())
	if err := w.Start(ctx); err != nil {
		return err
	}
	s.worker = w
	defer w.Shutdown()
	var codes []int
	for _, in := range inputs {
		e, err := c.embedOne(ctx, s, in)
		if err != nil {
			return err
		}
		ends := (e.interrupted || e.stopped != "") && !e.untouched
		if ends {
			w.Shutdown() // what was sent is recorded before the report is written
			if b, err := s.ledger.Get(context.WithoutCancel(ctx), in.b.ID); err == nil {
				in.b, e.batch, e.failedRows = b, b, failedRows(b)
			}
		}
		if err := c.reportOf(context.WithoutCancel(ctx), s, in, len(inputs)); err != nil {
			return err
		}
		s.compact(context.WithoutCancel(ctx), in.b)
		c.tellEnding(e, in)
		c.tellPeople(ctx, s, teller, in, e)
		codes = append(codes, e.code())
		if ends {
			break
		}
	}
	s.tidy(ctx)
	return c.finishRun(inputs, worst(codes...))
}

// embedOne feeds a batch to the worker inside and follows it to its end.
func (c *cli) embedOne(ctx context.Context, s *session, in *input) (ending, error) {
	if in.b.Spent() {
		return ending{batch: in.b, stopped: in.b.Reason, untouched: true, failedRows: failedRows(in.b)}, nil
	}
	feedCtx, cancel := context.WithCancel(ctx)
	fed := make(chan error, 1)
	id := in.b.ID // follow renews in.b meanwhile
	go func() { fed <- s.intake.Feed(feedCtx, id) }()
	e, err := c.follow(ctx, s, in, 0)
	cancel()
	if feedErr := <-fed; err == nil && feedErr != nil && !errors.Is(feedErr, context.Canceled) {
		err = feedErr
	}
	return e, err
}

// workerOptions are the settings of the worker inside.
func (s *session) workerOptions() jobs.Options {
	o := wire.WorkerOptions(s.cfg, s.log)
	o.Poll = 100 * time.Millisecond
	o.ReportDir = "" // the command writes the report itself
	o.SweepEvery = -1
	if s.sandbox != nil {
		o.Backoff = func(int) time.Duration { return 300 * time.Millisecond }
	}
	return o
}

// ctxOr prefers the interruption over the error that it caused.
func ctxOr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Canceled
	}
	return err
}
