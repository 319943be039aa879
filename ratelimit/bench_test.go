package ratelimit

import (
	"testing"

	"aftership-bulk/internal/redistest"
)

// BenchmarkWait is the cost of a slot where the limit is far away: 100,000 a
// second and more, from one bucket in Redis and from one in memory.
func BenchmarkWait(b *testing.B) {
	rdb := redistest.Client(b)
	sources := map[string]Source{
		"redis 100k/s": NewRedisSource(rdb, "bench", "a", 100000),
		"redis 1M/s":   NewRedisSource(rdb, "bench", "b", 1000000),
		"local 100k/s": NewLocalSource(100000),
		"local 1M/s":   NewLocalSource(1000000),
	}
	for name, src := range sources {
		b.Run(name, func(b *testing.B) {
			p := NewPacer(src)
			defer p.Close()
			if err := p.Wait(b.Context(), Upload, ""); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := p.Wait(b.Context(), Upload, ""); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "slots/s")
		})
		b.Run(name+" by 64", func(b *testing.B) {
			p := NewPacer(src)
			defer p.Close()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := p.Wait(b.Context(), Upload, ""); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "slots/s")
		})
	}
}

// BenchmarkReserve is one exchange with Redis.
func BenchmarkReserve(b *testing.B) {
	src := NewRedisSource(redistest.Client(b), "bench", "c", 1000000)
	for b.Loop() {
		if _, err := src.Reserve(b.Context(), Request{N: 100}); err != nil {
			b.Fatal(err)
		}
	}
}
