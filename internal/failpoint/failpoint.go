// Package failpoint lets a test build of the worker die at a named step of its
// handler. In a normal build, without the tag failpoints, Hit does nothing and
// is compiled away.
//
// A test build reads FAILPOINT=POINT:N from its environment and kills itself
// with SIGKILL when it comes to that point for the N-th time: no deferred call,
// no last write, just as a crash or the kernel's out-of-memory killer would end
// it.
package failpoint

// Point is a step of the handler at which a test build can die.
type Point string

// The points, in the order in which a job passes them.
const (
	// AfterDequeue: the task was taken from the queue, nothing was asked yet.
	AfterDequeue Point = "after-dequeue"
	// BeforeSlot: the job is wanted, and is about to wait for its slot.
	BeforeSlot Point = "before-slot"
	// AfterSlot: the slot was had, and nothing says yet that the call begins.
	AfterSlot Point = "after-slot"
	// AfterBegin: the begin stands in the ledger, the call was not sent.
	AfterBegin Point = "after-begin"
	// AfterCall: the answer is here, and stands nowhere yet.
	AfterCall Point = "after-call"
	// AfterRecord: the result stands in the ledger, and the queue does not know.
	AfterRecord Point = "after-record"
)

// Points lists every point.
func Points() []Point {
	return []Point{AfterDequeue, BeforeSlot, AfterSlot, AfterBegin, AfterCall, AfterRecord}
}
