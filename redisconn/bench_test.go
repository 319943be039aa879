package redisconn_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aftership-bulk/redisconn"

	"github.com/redis/go-redis/v9"
)

// BenchmarkReplay opens the ledger of a batch of 200,000 rows, each of which
// was begun and recorded with the effects that the real scripts have.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	e, err := redisconn.OpenEmbedded(b.Context(), redisconn.EmbeddedOptions{StateDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	const rows = 200_000
	writeBatch(b, e.LedgerClient(), rows)
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	for _, kind := range []string{"log", "snapshot"} {
		b.Run(kind, func(b *testing.B) {
			if kind == "snapshot" {
				compact(b, dir)
			}
			info, err := os.Stat(filepath.Join(dir, "ledger", "big.log"))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				replay(b, dir)
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(info.Size())/rows, "bytes/row")
		})
	}
}

func compact(b *testing.B, dir string) {
	e, err := redisconn.OpenEmbedded(b.Context(), redisconn.EmbeddedOptions{StateDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := e.LedgerClient().HLen(b.Context(), "{b:big}:meta").Err(); err != nil {
		b.Fatal(err)
	}
	loaded := time.Now()
	if err := e.Compact(b.Context(), "big"); err != nil {
		b.Fatal(err)
	}
	b.Logf("loaded in %v, compacted in %v", loaded.Sub(start), time.Since(loaded))
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

func replay(b *testing.B, dir string) {
	e, err := redisconn.OpenEmbedded(b.Context(), redisconn.EmbeddedOptions{StateDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if n, err := e.LedgerClient().HGet(b.Context(), "{b:big}:meta", "done").Int(); n != 200_000 || err != nil {
		b.Fatal(n, err)
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

func writeBatch(b *testing.B, c redis.UniversalClient, rows int) {
	ctx := context.Background()
	chunk := string(make([]byte, 4000))
	for from := 0; from < rows; from += 100 {
		p := c.Pipeline()
		p.Set(ctx, fmt.Sprintf("{b:big}:c:%d", from/100), chunk, 0)
		for row := from; row < from+100; row++ {
			p.SetBit(ctx, "{b:big}:begun", int64(row), 1)
			p.HIncrBy(ctx, fmt.Sprintf("{b:big}:a:%d", row/100), fmt.Sprint(row%100), 1)
			p.SetBit(ctx, "{b:big}:done", int64(row), 1)
			p.HSet(ctx, fmt.Sprintf("{b:big}:r:%d", row/100), fmt.Sprint(row%100), "0123456789012345678901234567890123456789012345678901234567")
			p.HIncrBy(ctx, "{b:big}:meta", "done", 1)
			p.HIncrBy(ctx, "{b:big}:meta", "created", 1)
			p.HDel(ctx, fmt.Sprintf("{b:big}:a:%d", row/100), fmt.Sprint(row%100))
		}
		if _, err := p.Exec(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDurable has many writers wait for the disk at once.
func BenchmarkDurable(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprint("durable=", durable), func(b *testing.B) {
			e, err := redisconn.OpenEmbedded(b.Context(), redisconn.EmbeddedOptions{StateDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			b.SetParallelism(16)
			b.RunParallel(func(p *testing.PB) {
				ctx := context.Background()
				if durable {
					ctx = redisconn.Durable(ctx)
				}
				for p.Next() {
					if err := e.LedgerClient().HIncrBy(ctx, "{b:big}:meta", "done", 1).Err(); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
