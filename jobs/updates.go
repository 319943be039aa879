package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

// Update is what AfterShip told about a tracking by one webhook: as much of it as
// is kept. It holds nothing about the customer.
type Update struct {
	V       int    `json:"v"`
	Account string `json:"a"`
	// Event is the event's id, equal when AfterShip sends it again.
	Event string                `json:"e"`
	Kind  aftership.WebhookKind `json:"k,omitempty"`
	// At is when the tracking was updated, else when the event was made; of two
	// events the one with the later At is the newer one.
	At time.Time `json:"at,omitzero"`
	// Sent is when AfterShip made the event. It decides between two of the same At.
	Sent           time.Time     `json:"sent,omitzero"`
	ID             string        `json:"id,omitempty"`
	LegacyID       string        `json:"lid,omitempty"`
	TrackingNumber string        `json:"n,omitempty"`
	Slug           string        `json:"s,omitempty"`
	Tag            aftership.Tag `json:"t,omitempty"`
	Subtag         string        `json:"st,omitempty"`
	SubtagMessage  string        `json:"sm,omitempty"`
	// Message is that of the newest checkpoint.
	Message          string `json:"m,omitempty"`
	ExpectedDelivery string `json:"ed,omitempty"`
	// ExpiredSince is since when the shipment is expired, where the last known state
	// says that it is. An event by itself does not tell it.
	ExpiredSince time.Time `json:"-"`
}

// Known says that there is an update, for the zero one stands where nothing is known.
func (u Update) Known() bool { return u.Event != "" }

// updateVersion is the version of [Update] as tasks and keys hold it.
const updateVersion = 1

const (
	taskUpdate       = "aftership:update" // one event of a webhook
	laneUpdates lane = "updates"          // the events' queue; see lanes for those of jobs
)

// longestText bounds each text of an update, so that no webhook makes a line of
// a CSV that nobody could read, or a large key.
const longestText = 1000

// newUpdate takes out of an event what is kept.
func newUpdate(account string, e aftership.WebhookEvent) Update {
	t := e.Tracking
	return Update{
		V: updateVersion, Account: account, Event: e.ID, Kind: aftership.WebhookKind(oneLine(string(e.Kind))), At: e.Moment(), Sent: e.At,
		ID: oneLine(t.ID), LegacyID: oneLine(t.LegacyID), TrackingNumber: oneLine(t.TrackingNumber), Slug: oneLine(t.Slug),
		Tag: aftership.Tag(oneLine(string(t.Tag))), Subtag: oneLine(t.Subtag), SubtagMessage: oneLine(t.SubtagMessage),
		Message: oneLine(newestMessage(t.Checkpoints)), ExpectedDelivery: oneLine(t.ExpectedDelivery),
	}
}

// newestMessage is that of the last checkpoint: AfterShip lists the oldest first.
func newestMessage(cs []aftership.Checkpoint) string {
	if len(cs) == 0 {
		return ""
	}
	return cs[len(cs)-1].Message
}

// oneLine is a text without line breaks and not too long.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > longestText {
		return string(r[:longestText])
	}
	return s
}

// newer says that u tells of a later state than v. It orders any two events in the
// same way, whichever comes first.
func (u Update) newer(v Update) bool {
	if c := u.At.Compare(v.At); c != 0 {
		return c > 0
	}
	if c := u.Sent.Compare(v.Sent); c != 0 {
		return c > 0
	}
	return u.Event > v.Event
}

// Taken says what became of a webhook.
type Taken string

// What can become of a webhook.
const (
	TakenNew    Taken = "accepted" // it stands on the queue
	TakenRepeat Taken = "repeat"   // the event is known already; nothing to do
	TakenEmpty  Taken = "ignored"  // it speaks of no tracking, as a test from AfterShip's admin may
)

// AllTaken lists everything that can become of a webhook.
func AllTaken() []Taken { return []Taken{TakenNew, TakenRepeat, TakenEmpty} }

// Updates takes in the events of webhooks: it puts each on the queue, once.
//
// There is no moment at which a crash loses an event. It is not marked as seen
// before it stands on the queue, nor after: the mark is set by whoever carries
// out the event's task, before asynq forgets the task. While the task is there
// its id, made of the event's, keeps a repeat out; from then on the mark does. A
// repeat that slips between the look at the mark and the queue becomes a task of
// its own, which finds the mark.
type Updates struct {
	rdb   redis.UniversalClient
	queue *Queue
}

// NewUpdates makes an Updates.
func NewUpdates(rdb redis.UniversalClient, queue *Queue) *Updates { return &Updates{rdb, queue} }

// Take puts an event of an account on the queue, unless it was taken before. After
// an error AfterShip must be asked to send the event again.
func (u *Updates) Take(ctx context.Context, account string, e aftership.WebhookEvent) (Taken, error) {
	up := newUpdate(account, e)
	if up.ID == "" && up.TrackingNumber == "" {
		return TakenEmpty, nil
	}
	mark, err := u.rdb.Get(ctx, eventKey(account, up.Event)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("look for event %s: %w", up.Event, err)
	}
	if mark == eventDone {
		return TakenRepeat, nil
	}
	fresh, err := u.queue.putUpdate(ctx, up)
	if err != nil || !fresh {
		return TakenRepeat, err
	}
	return TakenNew, nil
}

// putUpdate enqueues an event, and says whether it did not stand there already.
func (q *Queue) putUpdate(ctx context.Context, u Update) (fresh bool, err error) {
	text, err := json.Marshal(u)
	if err != nil {
		return false, fmt.Errorf("write event %s: %w", u.Event, err)
	}
	_, err = q.client.EnqueueContext(ctx, asynq.NewTask(taskUpdate, text), asynq.TaskID("update:"+u.Event),
		asynq.Queue(updateQueue(u.Account)), asynq.MaxRetry(neverArchive), asynq.Timeout(taskTimeout))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("enqueue event %s: %w", u.Event, err)
	}
	return true, nil
}

func updateQueue(account string) string { return queueName(account, laneUpdates, batch.Upload) }

func decodeUpdate(text []byte) (Update, error) {
	var u Update
	if err := json.Unmarshal(text, &u); err != nil {
		return u, fmt.Errorf("the event is not of this program: %w", err)
	}
	if u.V > updateVersion {
		return u, errNewerPayload
	}
	return u, nil
}
