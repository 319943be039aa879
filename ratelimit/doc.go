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
// all of the limit; elsewhere it paces them evenly with a small margin that
// grows with refusals and shrinks in peace. A lower limit is obeyed at once, a
// higher one only up to the configured limit, another client's use is
// subtracted, and a refusal pauses every process. The arithmetic is model.go,
// in plain Go, and bucket.lua, the same in Lua; a property test keeps them in
// step.
package ratelimit
