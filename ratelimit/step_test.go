package ratelimit

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"aftership-bulk/internal/redistest"
)

// call is one exchange of a generated sequence.
type call struct {
	gap float64 // microseconds since the last one; negative: the clock was set back
	ask ask
}

func genLearned(t *rapid.T, now float64) *Learned {
	pick := func(name string, vs ...float64) float64 { return rapid.SampledFrom(vs).Draw(t, name) }
	near := func(name string, d int) float64 { return now + float64(rapid.IntRange(-d, d).Draw(t, name)) }
	l := &Learned{limit: pick("limit", 0, 5000, 10000, 20000), limitAt: near("limitAt", 300000), spread: pick("spread", 0, 5000, 40000, 900000), usual: pick("usual", 0, 9000, 70000), late: pick("late", 0, now-200000)}
	if rapid.IntRange(0, 5).Draw(t, "refused") == 0 {
		l.until = near("until", 1000000) + 1000000
		l.untilReset = pick("untilReset", 0, float64(int(l.until/1e6)))
	}
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		l.longEnd, l.longLeft = now+pick("longEnd", 3e6, 60e6, 3600e6), pick("longLeft", 0, 1, 7, 500)
	}
	if l.phased = rapid.Bool().Draw(t, "phased"); l.phased {
		l.low = pick("low", -900000, -400000, -50000, 100000, 2000000)
		l.high = l.low + pick("width", -40000, 30000, 600000, 1000000)
	}
	reset := float64(int(now/1e6)) + pick("reset", -1, 0, 1)
	for range rapid.IntRange(0, 3).Draw(t, "windows") {
		least := float64(rapid.IntRange(0, 9).Draw(t, "least"))
		most := min(9, least+float64(rapid.IntRange(0, 9).Draw(t, "drop")))
		l.windows = append(l.windows, seen{reset, least, most, float64(rapid.IntRange(1, 10).Draw(t, "answers")), pick("no", 0, 0, 1, 2), pick("stray", 0, 0, 1)})
		reset++
	}
	return l
}

func genCall(t *rapid.T, now float64) call {
	c := call{gap: float64(rapid.SampledFrom([]int{0, 1, 900, 70000, 100000, 101000, 350000, 1000000, 4100000, 61000000, -400000, -20000000}).Draw(t, "gap"))}
	c.ask = ask{n: float64(rapid.IntRange(0, 12).Draw(t, "n")), lead: float64(rapid.SampledFrom([]int{2000, 42000, 700000}).Draw(t, "lead"))}
	c.ask.ceiling = rapid.SampledFrom([]float64{10000, 10000, 5000, 500, 2500, 100000000}).Draw(t, "ceiling")
	if c.gap < 0 && rapid.Bool().Draw(t, "noticed") {
		c.ask.drift = c.gap
	}
	if rapid.Bool().Draw(t, "learned") {
		c.ask.learned = genLearned(t, now+c.gap)
	}
	return c
}

// compare runs one generated sequence through the script and the model.
func compare(t *rapid.T, c redis.UniversalClient, key string) {
	now := 1.9e15
	src := &redisSource{rdb: c, key: key, now: time.Now, fixed: func() float64 { return now }}
	var b bucket
	var seq float64
	for range rapid.IntRange(1, 60).Draw(t, "calls") {
		k := genCall(t, now)
		now += k.gap
		src.ceiling = k.ask.ceiling
		if rapid.IntRange(0, 30).Draw(t, "stranger") == 0 {
			seq += float64(rapid.IntRange(-1, 1).Draw(t, "seq"))
		}
		if b.seq > 0 && rapid.IntRange(0, 4).Draw(t, "lock") == 0 { // rare otherwise
			draw := func(name string, n int) float64 { return float64(rapid.IntRange(0, n).Draw(t, name)) }
			b.mode, b.good, b.bad, b.roomy = draw("mode", 1), draw("good", 3), draw("bad", 2), draw("roomy", 3)
			if err := c.HSet(context.Background(), key, "mode", b.mode, "good", b.good, "bad", b.bad, "roomy", b.roomy).Err(); err != nil {
				t.Fatal(err)
			}
		}
		k.ask.seenSeq, src.last.seq, src.drift = seq, seq, k.ask.drift
		reply, err := script.Run(context.Background(), c, []string{key}, src.args(Request{N: int(k.ask.n),
			Lead: time.Duration(k.ask.lead) * time.Microsecond, Learned: k.ask.learned})...).Int64Slice()
		if err != nil {
			t.Fatal(err)
		}
		want := b.reply(now, b.exchange(now, k.ask))
		if !slices.Equal(reply, want) {
			t.Fatalf("script %v\n model %v\n call %+v\nlearned %+v\nbucket %+v", reply, want, k, k.ask.learned, b)
		}
		seq = float64(reply[1])
	}
}

func TestScriptAndModelInStep(t *testing.T) {
	redistest.Both(t, func(t *testing.T, c redis.UniversalClient) {
		rapid.Check(t, func(rt *rapid.T) {
			if err := c.FlushAll(t.Context()).Err(); err != nil {
				rt.Fatal(err)
			}
			compare(rt, c, Key("acme", "create"))
		})
	})
}
