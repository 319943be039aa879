// Package ratelimit holds the buckets that keep every process of an account
// under AfterShip's limits, together.
//
// A Source knows one bucket: one account and one class of endpoints. The Redis
// source keeps it in one hash and moves it with one script on Redis' own clock,
// so that no worker's clock decides the rate; the local source keeps the same
// bucket in memory, over golang.org/x/time/rate, where there is one process and
// no Redis. A Pacer stands in front of a Source in each process: it reserves
// slots (the right to send one request), as few ahead as the round trip needs,
// and gives each to the best waiter.
//
// The bucket learns from the rate-limit headers of the answers. Where they
// behave like whole Unix seconds it locks its slots to those seconds and can use
// all of the limit; elsewhere it paces them evenly with a small margin, as large
// as the way's usual jitter asks, that grows with refusals and shrinks with each
// slot, so that about one call in 250 is refused at the worst. A lower limit is
// obeyed at once, a higher one only up to the configured limit, another client's
// use is subtracted, and a refusal pauses every process: until the reset, or for
// a slot where it is by itself and seconds are not whole.
//
// What a busy machine holds up teaches nothing false: where the server's seconds
// begin is told only by requests whose round trip was short, Redis' clock only by
// short exchanges, and a request that came in the second after its own takes one
// of that second's slots. The arithmetic is model.go, in plain Go, and
// bucket.lua, the same in Lua; a property test keeps them in step.
package ratelimit
