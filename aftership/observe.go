package aftership

import (
	"errors"
	"time"
)

// Called is what an observer hears of one request.
type Called struct {
	Endpoint Endpoint
	Class    Class
	// Code is meta.code, or the HTTP status where there is none; 0 where no answer came.
	Code int
	// Took is the time from the sending to the last byte of the answer.
	Took time.Duration
}

// Observed is the same client, which tells of each request after it has ended. The connections are shared.
func (c *Client) Observed(tell func(Called)) *Client {
	copied := *c
	copied.observer = tell
	return &copied
}

// tell passes on how a request ended.
func (c *Client) tell(r request, a *answer, err error, began time.Time) {
	if c.observer == nil {
		return
	}
	called := Called{Endpoint: r.endpoint, Class: c.version.Class(r.endpoint), Took: c.now().Sub(began)}
	if e, ok := errors.AsType[*Error](err); ok {
		called.Code = e.Code
	} else if err == nil {
		called.Code = a.status
	}
	c.observer(called)
}
