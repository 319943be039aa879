// Package web is the worker's face to the network: it takes webhooks from
// AfterShip, answers the probes of whoever looks after the process, and shows
// metrics to Prometheus. It listens only where it is told to.
//
// A webhook's answer waits for nothing but Redis: the signature is checked over
// the raw body, the event goes on the queue, and the worker's handlers do the
// rest (see jobs.Updates for why no crash loses one). What cannot be put on the
// queue is answered with 503, so that AfterShip sends it again; it does so for 68
// hours.
package web
