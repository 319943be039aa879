package batch

import "strconv"

const (
	indexKey = "aftership:{batches}"
	// dayLayout is the part of an id that says when the batch began.
	dayLayout = "060102"
)

func identityKey(identity string) string { return "aftership:{identity:" + identity + "}" }

func stopsKey(account string) string { return "aftership:{stops:" + account + "}" }

// keys names the keys of one batch.
type keys struct{ prefix string }

func keysOf(id ID) keys { return keys{"aftership:{b:" + id + "}:"} }

func (k keys) meta() string             { return k.prefix + "meta" }
func (k keys) done() string             { return k.prefix + "done" }
func (k keys) begun() string            { return k.prefix + "begun" }
func (k keys) texts() string            { return k.prefix + "texts" }
func (k keys) intern() string           { return k.prefix + "intern" }
func (k keys) rows(chunk int) string    { return k.prefix + "c:" + strconv.Itoa(chunk) }
func (k keys) results(chunk int) string { return k.prefix + "r:" + strconv.Itoa(chunk) }
func (k keys) work(chunk int) string    { return k.prefix + "j:" + strconv.Itoa(chunk) }
func (k keys) side(chunk int) string    { return k.prefix + "x:" + strconv.Itoa(chunk) }
func (k keys) history(chunk int) string { return k.prefix + "h:" + strconv.Itoa(chunk) }

// ofChunk lists every key of a chunk.
func (k keys) ofChunk(chunk int) []string {
	return []string{k.rows(chunk), k.results(chunk), k.work(chunk), k.side(chunk), k.history(chunk)}
}

// shared lists the keys that all chunks use, but for meta.
func (k keys) shared() []string { return []string{k.done(), k.begun(), k.texts(), k.intern()} }

// chunks is how many chunks hold so many jobs.
func chunks(jobs int) int { return (jobs + ChunkJobs - 1) / ChunkJobs }
