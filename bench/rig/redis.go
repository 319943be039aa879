package rig

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"aftership-bulk/batch"
	"aftership-bulk/internal/redistest"
	"aftership-bulk/jobs"
	"aftership-bulk/redisconn"
)

// Listpack is the setting that docker-compose.yml gives its Redis: tasks stay in
// their compact form up to so many bytes.
const Listpack = "hash-max-listpack-value 512"

// Redis is a private redis-server and what this program puts over it.
type Redis struct {
	*redistest.Redis
	Client redis.UniversalClient
	Ledger *batch.Store
	Queue  *jobs.Queue
	Intake *jobs.Intake
}

// Start starts a private server, with the lines added to its configuration.
func Start(ctx context.Context, lines ...string) (*Redis, error) {
	server, err := redistest.Start(redistest.Config(lines...))
	if err != nil {
		return nil, err
	}
	client, err := redisconn.Dial(ctx, redisconn.Options{URL: server.URL(), RepairSyncer: true})
	if err != nil {
		server.Stop()
		return nil, err
	}
	r := &Redis{Redis: server, Client: client, Ledger: batch.New(client, batch.Options{}), Queue: jobs.NewQueue(client)}
	r.Intake = &jobs.Intake{Ledger: r.Ledger, Queue: r.Queue, Version: "2024-04", Now: time.Now}
	return r, nil
}

// Stop ends connection and server.
func (r *Redis) Stop() {
	_ = r.Client.Close()
	r.Redis.Stop()
}

// Empty removes everything from the server.
func (r *Redis) Empty(ctx context.Context) error { return r.Client.FlushAll(ctx).Err() }

// Used is the memory that the server has given to data, in bytes.
func (r *Redis) Used(ctx context.Context) (float64, error) {
	info, err := r.Client.(*redis.Client).InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	used, err := strconv.ParseFloat(info["Memory"]["used_memory"], 64)
	if err != nil {
		return 0, fmt.Errorf("the server does not say how much memory it uses: %w", err)
	}
	return used, nil
}

// Accept takes a sheet into the ledger, without putting its jobs on the queue.
func (r *Redis) Accept(ctx context.Context, path string) (batch.Batch, error) {
	sh, survey, err := Open(ctx, path)
	if sh != nil {
		defer func() { _ = sh.Close() }()
	}
	if err != nil {
		return batch.Batch{}, err
	}
	b, _, err := r.Intake.Accept(ctx, sh, survey, jobs.Order{Account: "default", Who: "bench", Priority: batch.Upload})
	return b, err
}

// Bytes is what the keys of a pattern take up, in bytes.
func (r *Redis) Bytes(ctx context.Context, pattern string) (sum float64, err error) {
	keys := r.Client.Scan(ctx, 0, pattern, 1000).Iterator()
	for keys.Next(ctx) {
		n, err := r.Client.MemoryUsage(ctx, keys.Val(), 0).Result()
		if err != nil {
			return 0, err
		}
		sum += float64(n)
	}
	return sum, keys.Err()
}
