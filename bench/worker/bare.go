package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"aftership-bulk/aftership/sandbox"
	"aftership-bulk/bench/rig"
)

// bareRate is what there is without us: tasks that hold the bodies, a handler
// that posts them, no limit, no ledger, no look at the replies but their status.
func bareRate(ctx context.Context, r *rig.Redis, path string) (float64, error) {
	server := serve()
	defer server.Close()
	if err := r.Empty(ctx); err != nil {
		return 0, err
	}
	if err := enqueueBodies(ctx, r, path); err != nil {
		return 0, err
	}
	h := &bare{url: server.URL + "/tracking/" + string(version) + "/trackings", client: client(), all: make(chan struct{}), failed: make(chan error, 1)}
	srv := asynq.NewServerFromRedisClient(r.Client, asynq.Config{
		Concurrency: *concurrency, Queues: map[string]int{"bare": 1}, LogLevel: asynq.FatalLevel,
	})
	start := time.Now()
	if err := srv.Start(h); err != nil {
		return 0, err
	}
	defer srv.Shutdown()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case err := <-h.failed:
		return 0, err
	case <-h.all:
		return rig.Rate(*rows, start), nil
	}
}

// client keeps as many connections as there are calls at once, as ours does.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: *concurrency, MaxIdleConnsPerHost: *concurrency}, Timeout: 30 * time.Second}
}

func enqueueBodies(ctx context.Context, r *rig.Redis, path string) error {
	all, err := bodies(ctx, path)
	if err != nil {
		return err
	}
	client := asynq.NewClientFromRedisClient(r.Client)
	for i, body := range all {
		if _, err := client.EnqueueContext(ctx, asynq.NewTask("bare", body), asynq.TaskID(fmt.Sprint(i)), asynq.Queue("bare")); err != nil {
			return err
		}
	}
	return nil
}

// bare is the handler.
type bare struct {
	url    string
	client *http.Client
	sent   atomic.Int64
	all    chan struct{} // closed when every row was sent
	failed chan error    // the first call that went wrong, which none should
}

// ProcessTask posts the task's body.
func (h *bare) ProcessTask(ctx context.Context, t *asynq.Task) error {
	err := h.post(ctx, t)
	if err != nil {
		select {
		case h.failed <- err:
		default:
		}
	} else if h.sent.Add(1) == int64(*rows) {
		close(h.all)
	}
	return err
}

func (h *bare) post(ctx context.Context, t *asynq.Task) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(t.Payload()))
	if err != nil {
		return err
	}
	req.Header.Set("as-api-key", sandbox.DefaultKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("the sandbox answered %d: %.200s", resp.StatusCode, body)
	}
	return err
}
