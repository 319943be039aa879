// Package redisconn connects to Redis: to a real one by its address, or to the
// embedded one that lives in this process.
//
// Dial understands single servers, sentinel and cluster. OpenEmbedded starts
// two stores in this process: one for the queue, which is lost with the
// process and rebuilt from the ledger, and one for the ledger, whose writes are
// kept in an append-only log per batch and replayed at the next start. Recorder
// sends many enqueue calls in one round trip.
//
// Nothing else in the program dials Redis.
package redisconn
