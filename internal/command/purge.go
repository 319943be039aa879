package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"aftership-bulk/batch"
)

func (c *cli) purgeCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "purge BATCH", Short: "Remove a batch at once: its rows, results and everything else that is known of it",
		Long: `Removes a batch from the ledger at once, whatever its state. Rows that were not
sent are never sent. What AfterShip has done already stays done, and reports
that were written stay where they are.

Without it, rows and results are kept for RETENTION after the batch has finished.`,
		Example: "  enqueue purge 261122-k7f3qz\n  enqueue purge 261122-k7f3qz --yes", Args: cobra.ExactArgs(1),
		RunE: c.withSession(readWrite, func(ctx context.Context, s *session, args []string) error {
			return c.purge(ctx, s, args[0], yes)
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (c *cli) purge(ctx context.Context, s *session, id string, yes bool) error {
	b, err := s.ledger.Get(ctx, id)
	half := errors.Is(err, batch.ErrUnknown) // an earlier purge may have ended half-way
	if err != nil && !half {
		return batchError(err)
	}
	if !yes && !half {
		if err := c.confirmPurge(b); err != nil {
			return err
		}
	}
	err = s.ledger.Purge(ctx, id)
	if err == nil || errors.Is(err, batch.ErrUnknown) {
		err = errors.Join(err, s.forget(ctx, id))
	}
	if err != nil {
		return batchError(err)
	}
	if c.ui.json {
		return json.NewEncoder(c.ui.stdout).Encode(map[string]any{"batch": id, "purged": true})
	}
	c.ui.say("Batch %s is removed. Its reports, if any were written, are not: delete those yourself.", id)
	return nil
}

// confirmPurge asks the person at the terminal.
func (c *cli) confirmPurge(b batch.Batch) error {
	in, ok := c.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usage(errors.New("purge removes the batch for good, and there is no terminal to ask at"), "enqueue purge "+b.ID+" --yes")
	}
	text := fmt.Sprintf("Batch %s (%s of %s, %s) will be removed for good.", b.ID, commandOf(b.Operation), b.Source, countsText(b))
	if b.Pending() > 0 || !b.Sealed {
		text += " Its pending rows will never be sent."
	}
	fmt.Fprint(c.ui.stderr, text+" Go on? [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n') // an end of the input is a no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return usage(errors.New("nothing was removed"), "answer y to remove the batch")
}

// forget deletes the log of a batch in the state directory, where there is one.
func (s *session) forget(ctx context.Context, id batch.ID) error {
	if s.embedded == nil {
		return nil
	}
	return s.embedded.Forget(ctx, id)
}

// compact makes the log of a batch small, once it has ended. A failure costs
// nothing but room.
func (s *session) compact(ctx context.Context, b batch.Batch) {
	if s.embedded == nil || !b.Ended() {
		return
	}
	if err := s.embedded.Compact(ctx, b.ID); err != nil {
		s.log.Warn("the log of a finished batch could not be made smaller", "batch", b.ID, "error", err)
	}
}

// tidy removes from the state directory what has outlived its retention, and
// what an interrupted removal left behind.
func (s *session) tidy(ctx context.Context) {
	if s.embedded == nil || ctx.Err() != nil {
		return
	}
	if err := s.trim(ctx); err != nil && ctx.Err() == nil {
		s.log.Warn("old batches could not be removed from the state directory; it is tried again after the next run", "error", err)
	}
}

func (s *session) trim(ctx context.Context) error {
	trimmed, _, err := s.ledger.Trim(ctx)
	if err != nil {
		return err
	}
	for _, id := range trimmed { // their rows stand in the log until it is written anew
		if err := s.embedded.Compact(ctx, id); err != nil {
			return err
		}
	}
	logged, err := s.embedded.Logged()
	if err != nil {
		return err
	}
	for _, id := range logged {
		if _, err := s.ledger.Get(ctx, id); errors.Is(err, batch.ErrUnknown) {
			if err := s.embedded.Forget(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}
