package command

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
)

func (c *cli) retryCommand() *cobra.Command {
	var rejected bool
	cmd := &cobra.Command{
		Use: "retry BATCH", Short: "Run the dead and cancelled rows of a batch again, in a new round",
		Long: `Runs the rows again that gave up or were cancelled. With --rejected the rows
that AfterShip refused run again too: for when the cause was mended in AfterShip
itself, such as a courier that was not activated. A row that must be changed
first belongs in a new sheet: mend it in the failed-rows file and import that.

A batch that ran under a --name runs again under it: exit code 6 while another run
of that name has unfinished rows.`,
		Example: "  enqueue retry 261122-k7f3qz\n  enqueue retry 261122-k7f3qz --rejected", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readWrite, func(ctx context.Context, s *session, args []string) error {
			outcomes := []batch.Outcome{batch.GaveUp, batch.CancelledJob}
			if rejected {
				outcomes = append(outcomes, batch.Rejected)
			}
			return c.retry(ctx, s, args[0], outcomes)
		}),
	}
	cmd.Flags().BoolVar(&rejected, "rejected", false, "run the rejected rows again too")
	c.addWaitLock(cmd)
	return cmd
}

// retry opens the rows again under the locks of their batch, so that they do not
// overlap with a later run of the same name.
func (c *cli) retry(ctx context.Context, s *session, id string, outcomes []batch.Outcome) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	return c.underLock(ctx, s, c.locksOf(s, b), func(ctx context.Context) error {
		if err := s.attach(ctx, b.ID); err != nil {
			return err
		}
		return c.reopen(ctx, s, b.ID, outcomes)
	})
}

func (c *cli) reopen(ctx context.Context, s *session, id string, outcomes []batch.Outcome) error {
	n, err := s.intake.Ledger.Reopen(ctx, id, outcomes...)
	if err != nil {
		return batchError(err)
	}
	if n == 0 {
		c.ui.say("Batch %s has no such rows: nothing to run again.", id)
		return nil
	}
	runs := "run"
	if n == 1 {
		runs = "runs"
	}
	c.ui.say("%s of batch %s %s again.", count(n, "row"), id, runs)
	return c.goOn(ctx, s, id)
}

// goOn puts the pending jobs of a batch on the queue, or carries them out here
// where there is no Redis.
func (c *cli) goOn(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	if s.embedded == nil {
		if err := s.intake.Feed(ctx, id); err != nil {
			return unreachable(err, "run the same command again")
		}
		c.ui.say("Follow it with: enqueue status %s --follow", id)
		return nil
	}
	if _, ok := c.cfg.Key(b.Account); !ok {
		return usage(errors.New("there is no API key for account "+b.Account+", so nothing can be sent"), "set AFTERSHIP_API_KEY (or AFTERSHIP_API_KEY_FILE)")
	}
	return c.workEmbedded(ctx, s, []*input{{name: b.Source, b: b}})
}

func (c *cli) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pause BATCH", Short: "Hold a batch back: nothing more of it is sent until it is resumed", Example: "  enqueue pause 261122-k7f3qz", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readWrite, func(ctx context.Context, s *session, args []string) error {
			if err := s.ledger.Pause(ctx, args[0], "paused by "+who(c.env)); err != nil {
				return controlError(err)
			}
			c.ui.say("Batch %s is paused. Calls under way still end. Go on with: enqueue resume %s", args[0], args[0])
			return nil
		}),
	}
}

func (c *cli) resumeCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "resume [BATCH]", Short: "Let a paused or stopped batch go on, or lift the stop of an account",
		Long: `Lets a batch go on that was paused, stopped or interrupted. With --account it
lifts the stop of an account instead, whose key was refused or whose quota was
used up.`,
		Example: "  enqueue resume 261122-k7f3qz\n  enqueue resume --account default", Args: cobra.MaximumNArgs(1),
		RunE: c.withSession(readWrite, func(ctx context.Context, s *session, args []string) error {
			if (account == "") == (len(args) == 0) {
				return usage(errors.New("resume needs a batch or --account, and not both"), "enqueue batches lists the batches")
			}
			if account != "" {
				return c.lift(ctx, s, account)
			}
			return c.resume(ctx, s, args[0])
		}),
	}
	cmd.Flags().StringVar(&account, "account", "", "lift the stop of this account")
	return cmd
}

func (c *cli) lift(ctx context.Context, s *session, account string) error {
	if err := s.intake.Lift(ctx, account); err != nil {
		return unreachable(err, "check REDIS_URL")
	}
	c.ui.say("Account %s goes on.", account)
	return nil
}

func (c *cli) resume(ctx context.Context, s *session, id string) error {
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return batchError(err)
	}
	if b.Ended() {
		return usage(batch.ErrFinished, "enqueue status "+id+" shows how it ended")
	}
	if !b.Sealed {
		return usage(errors.New("not all rows of the batch were received"), "run the command again that began it, with the same file")
	}
	if b.State.Held() {
		if err := s.ledger.Resume(ctx, id); err != nil {
			return controlError(err)
		}
	}
	still, err := s.standstill(ctx, b)
	if err != nil {
		return err
	}
	if still != "" && s.embedded == nil && b.State == batch.Running {
		return usage(errors.New("the account is stopped: "+still), "mend the cause, then: enqueue resume --account "+b.Account)
	}
	c.ui.say("Batch %s goes on.", id)
	return c.goOn(ctx, s, id)
}

func (c *cli) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel BATCH", Short: "End a batch: every row that was not sent becomes cancelled", Example: "  enqueue cancel 261122-k7f3qz", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readWrite, func(ctx context.Context, s *session, args []string) error {
			if err := s.intake.Cancel(ctx, args[0]); err != nil {
				return controlError(err)
			}
			b, err := s.ledger.Get(ctx, args[0])
			if err != nil {
				return batchError(err)
			}
			c.ui.say("Batch %s is cancelled: %s. Calls under way still end.", b.ID, countsText(b))
			return nil
		}),
	}
}

// controlError tells a wrong state of the batch from a Redis that is away.
func controlError(err error) error {
	if errors.Is(err, batch.ErrFinished) || errors.Is(err, batch.ErrCancelled) {
		return usage(err, "")
	}
	return batchError(err)
}
