// Package aftership is a client of AfterShip's Tracking API: every version from v4 to 2026-07, typed errors, and the
// limits of each version as data.
//
// A caller speaks one vocabulary whatever the version: a [Shipment] goes in, a [Tracking] comes out. What differs between
// versions (wrapped or bare bodies, slug paths or ids, pages or cursors, renamed fields) is known to codec.go, with versions.go, and to
// nothing else. One call is one request: the client never retries, never queues and never sleeps, except that it asks its
// [Limiter] for leave before each request. It carries no state, so that retrying, pacing and stopping are decided in one
// place, by its caller.
//
// Every call ends in one of four ways:
//
//   - a value: AfterShip answered 2xx with a body that could be read;
//   - an [*Error]: AfterShip (or the network edge before it) answered, and refused;
//   - a [*NoAnswerError]: no usable answer came, and the request may or may not have had its effect;
//   - another error: nothing was sent, because the call was wrong or the limiter said no.
//
// Nothing here was tried against the live service. Facts about it come from AfterShip's own documentation, from its
// published SDKs, and from traffic recorded in their repositories; comments say which.
package aftership
