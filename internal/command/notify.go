package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"aftership-bulk/batch"
	"aftership-bulk/internal/wire"
	"aftership-bulk/jobs"
	"aftership-bulk/notify"
)

// noticeTime bounds the telling at the end of a run without Redis: nobody is to
// wait for a mail server that is away.
const noticeTime = 15 * time.Second

func (c *cli) notifyCommand() *cobra.Command {
	var test bool
	cmd := &cobra.Command{
		Use: "notify [BATCH]", Short: "Tell people how a batch ended, or try the settings for that",
		Long: `Sends what the settings NOTIFY_... ask for: a webhook, a message to Slack, an
e-mail. With --test a message that says that it is a test; with a batch that has
ended, or was stopped by --max-errors, what there is to say of it. Workers, and
runs without Redis, do that by themselves.`,
		Example: "  enqueue notify --test\n  enqueue notify 261122-k7f3qz", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if test == (len(args) == 1) {
				return usage(errors.New("notify needs a batch or --test, and not both"), "enqueue notify --test")
			}
			return c.notify(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVar(&test, "test", false, "try the settings")
	return cmd
}

// notify sends a message on every channel that there is.
func (c *cli) notify(ctx context.Context, args []string) error {
	n, err := c.notifier()
	if err != nil {
		return err
	}
	if n == nil {
		return usage(errors.New("nobody is told of anything, since no setting says whom"), "set NOTIFY_WEBHOOK_URL, NOTIFY_SLACK_URL or NOTIFY_MAIL_SERVER")
	}
	now := time.Now()
	m := notify.Message{ID: fmt.Sprintf("test.%d", now.UnixMilli()), Kind: notify.Test, At: now.UTC(), Outcomes: map[string]int{}, Worst: []notify.Reason{}}
	if len(args) > 0 {
		if m, err = c.messageOf(ctx, args[0]); err != nil {
			return err
		}
	}
	channels := slices.DeleteFunc(notify.AllChannels(), func(ch notify.Channel) bool { return n.To(ch) == "" })
	failed := c.sendAll(ctx, n, channels, m)
	for _, ch := range channels {
		if !slices.Contains(failed, ch) {
			c.ui.say("%s to %s: sent.", ch, n.To(ch))
		}
	}
	if len(failed) > 0 {
		return &exitWith{exitUnreachable}
	}
	return nil
}

// messageOf is what there is to say of a batch.
func (c *cli) messageOf(ctx context.Context, id string) (notify.Message, error) {
	s, err := c.open(ctx, readOnly)
	if err != nil {
		return notify.Message{}, err
	}
	defer s.close()
	b, err := s.ledger.Get(ctx, id)
	if err != nil {
		return notify.Message{}, batchError(err)
	}
	if b.EndMark() == "" {
		return notify.Message{}, usage(fmt.Errorf("batch %s is %s, so there is no end to tell of", id, b.State), "enqueue status "+id)
	}
	return jobs.Explained(ctx, s.ledger, b, jobs.Where{})
}

// notifier is what the settings ask for.
func (c *cli) notifier() (*notify.Notifier, error) {
	if c.flags.sandbox {
		return nil, nil
	}
	n, err := wire.Notifier(c.cfg)
	if err != nil {
		return nil, usage(err, "mend the settings NOTIFY_...; `enqueue config show` lists them")
	}
	return n, nil
}

// sendAll sends a message on some channels at once, tells of those that fail, and
// returns them.
func (c *cli) sendAll(ctx context.Context, n *notify.Notifier, channels []notify.Channel, m notify.Message) (failed []notify.Channel) {
	errs := make([]error, len(channels))
	var all sync.WaitGroup
	for i, ch := range channels {
		all.Go(func() { errs[i] = n.Send(ctx, ch, m) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			c.ui.alarm("nobody was told by %v", err)
			failed = append(failed, channels[i])
		}
	}
	return failed
}

// tellPeople tells, at the end of a run without Redis, how a batch ended. That it
// cannot changes nothing of how the run went.
func (c *cli) tellPeople(ctx context.Context, s *session, n *notify.Notifier, in *input, e ending) {
	mark := in.b.EndMark()
	if n == nil || e.interrupted || mark == "" && e.stopped == "" || mark != "" && in.b.Told == mark {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	m, err := jobs.Explained(ctx, s.ledger, in.b, whereOf(in))
	if err != nil {
		c.ui.alarm("nobody was told how the batch ended: %v", err)
		return
	}
	if mark == "" {
		m = halted(m, in.b, e)
	}
	channels := n.Channels(m)
	if failed := c.sendAll(ctx, n, channels, m); len(failed) > 0 || mark == "" {
		return
	}
	if err := s.ledger.MarkTold(ctx, in.b.ID, mark); err != nil {
		c.log.Warn("it could not be noted that people were told; the next run of the same file tells them again", "error", err)
	}
}

// halted is the message about a batch that stands still because its account does.
func halted(m notify.Message, b batch.Batch, e ending) notify.Message {
	m.Kind, m.At, m.State, m.Reason = notify.Stopped, time.Now().UTC(), string(batch.Stopped), e.stopped
	m.ID = fmt.Sprintf("%s.halted.%d", b.ID, m.At.UnixMilli())
	m.Next = []string{"enqueue resume " + b.ID + "   (once the cause is mended)"}
	return m
}

func whereOf(in *input) jobs.Where {
	if in.report == "" {
		return jobs.Where{}
	}
	host, _ := os.Hostname()
	return jobs.Where{Host: host, Report: absolute(in.report), Failed: absolute(in.failed)}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); path != "" && err == nil {
		return abs
	}
	return path
}
