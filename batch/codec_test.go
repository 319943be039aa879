package batch

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSets(t *testing.T) {
	for n, o := range AllOutcomes() {
		got, known := o.number()
		equal(t, "number of "+string(o), got, n)
		equal(t, "known", known && o.Valid(), true)
		equal(t, "done and failed", o.Done() && o.Failed(), false)
	}
	if slices.Contains(AllOutcomes(), "") || Outcome("").Valid() || Operation("").Valid() || Priority("").Valid() {
		t.Error("nothing is valid")
	}
	equal(t, "operations", len(AllOperations()), 6)
	equal(t, "priorities", len(AllPriorities()), 3)
	equal(t, "states", len(AllStates()), 7)
	equal(t, "whys", len(AllWhys()), len(whys)-1)
	equal(t, "held", Paused.Held() && Stopped.Held() && !Running.Held(), true)
}

// The numbers are stored: a changed order would turn every ledger's results into others.
func TestOutcomeNumbersStay(t *testing.T) {
	want := []Outcome{
		"pending", "created", "updated", "completed", "retracked", "deleted", "already", "duplicate", "skipped", "invalid", "rejected", "gave_up", "cancelled",
	}
	if got := AllOutcomes(); !slices.Equal(got[:len(want)], want) {
		t.Fatalf("got %v", got)
	}
}

func drawResult(t *rapid.T) Result {
	r := Result{
		Outcome:    rapid.SampledFrom(AllOutcomes()[1:]).Draw(t, "outcome"),
		TrackingID: rapid.OneOf(rapid.StringMatching(`[0-9a-f]{0,60}`), rapid.StringN(0, 40, 40)).Draw(t, "id"),
		Code:       rapid.IntRange(0, 100_000).Draw(t, "code"),
		Attempts:   rapid.IntRange(0, 1000).Draw(t, "attempts"),
		Ambiguous:  rapid.Bool().Draw(t, "ambiguous"),
	}
	if rapid.Bool().Draw(t, "duplicate") {
		r.DuplicateOf = rapid.IntRange(1, 5_000_000).Draw(t, "of")
	}
	if s := rapid.Uint32().Draw(t, "at"); s > 0 {
		r.At = time.Unix(int64(s), 0).UTC()
	}
	return r
}

func TestPackedResultsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, round := drawResult(t), rapid.IntRange(1, 500).Draw(t, "round")
		p, err := pack(r, round)
		if err != nil {
			t.Fatal(err)
		}
		u, err := unpack(string(p.head) + "\x00\x00\x01\x02\xff\xff")
		if err != nil {
			t.Fatal(err)
		}
		if u.sideID {
			u.TrackingID = p.sided
		}
		same(t, "result", u.Result, r)
		same(t, "round", max(1, u.round), round)
		same(t, "texts", [3]uint16{u.slug, u.message, u.hint}, [3]uint16{0, 258, 65535})
	})
}

// A usual result must fit into what Redis keeps compact.
func TestUsualResultsStayCompact(t *testing.T) {
	for _, id := range []string{strings.Repeat("f", 24), strings.Repeat("f", 32), strings.Repeat("z", 32), strings.Repeat("f", 80), strings.Repeat("z", 40)} {
		p, err := pack(Result{Outcome: Created, TrackingID: id, Code: 4012, Attempts: 8, At: time.Unix(1<<31, 0), DuplicateOf: 1_000_000, Ambiguous: true}, 3)
		ok(t, err)
		if n := len(p.head) + refsLen; n > 64 {
			t.Errorf("%s takes %d bytes", id, n)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	p, _ := pack(Result{Outcome: Created, TrackingID: "65f2a1b3c4d5e6f708192a3b", Code: 201, At: time.Unix(1_795_000_000, 0), DuplicateOf: 3}, 2)
	f.Add(string(p.head) + "\x00\x00\x00\x00\x00\x00")
	f.Add("\x01\xff")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := unpack(s)
		if err != nil {
			return
		}
		r := u.Result
		if r.Code < 0 || r.Attempts < 0 || r.DuplicateOf < 0 || u.round < 0 || len(r.TrackingID) > 2*len(s) {
			t.Fatalf("%q became %+v", s, u)
		}
	})
}

func TestChunksAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Entry {
			e := Entry{
				Row: rapid.IntRange(0, 1<<40).Draw(t, "row"), Line: rapid.IntRange(0, 1<<40).Draw(t, "line"), Part: rapid.IntRange(0, 9).Draw(t, "part"),
				Cells: slices.Clip(rapid.SliceOfN(rapid.String(), 1, 8).Draw(t, "cells")),
			}
			if rapid.IntRange(0, 9).Draw(t, "filled") == 0 {
				e.Filled = []Fill{{Column: rapid.IntRange(0, 500).Draw(t, "column"), Value: rapid.String().Draw(t, "value")}}
			}
			return e
		}), 0, ChunkJobs).Draw(t, "entries")
		got, err := decodeChunk(string(encodeChunk(entries)))
		if err != nil {
			t.Fatal(err)
		}
		if len(entries)+len(got) > 0 && !reflect.DeepEqual(got, entries) {
			t.Fatalf("got %v, want %v", got, entries)
		}
	})
}

func TestDamagedChunksAreNoticed(t *testing.T) {
	chunk := encodeChunk(testEntries(0, 100))
	for i := 1; i < len(chunk); i += 7 {
		bad := slices.Clone(chunk)
		bad[i] ^= 0x10
		if got, err := decodeChunk(string(bad)); err == nil && !reflect.DeepEqual(got, testEntries(0, 100)) {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
	}
}

func FuzzDecodeEntries(f *testing.F) {
	f.Add("\x01\x00\x02\x00\x02\x01a\x01b", byte(chunkCells))
	f.Add("\x01\x00\x02\x00\x01\x01a\x01\x02\x01b", byte(chunkFilled))
	f.Add("\x64\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", byte(chunkFilled))
	f.Fuzz(func(t *testing.T, s string, format byte) {
		entries, err := decodeEntries(&reader{s: s}, format)
		if err == nil && len(entries) > ChunkJobs {
			t.Fatalf("%d entries", len(entries))
		}
	})
}
