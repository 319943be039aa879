package jobs

import (
	"errors"
	"testing"
	"time"

	"aftership-bulk/aftership"
	"aftership-bulk/batch"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func apiError(http, code int, message string) *aftership.Error {
	return &aftership.Error{HTTP: http, Code: code, Message: message, JSON: true}
}

func decide(op batch.Operation, err error) Verdict {
	return Decide(Answer{Operation: op, Attempt: 1, MaxAttempts: 8, BatchBegan: began, Err: err})
}

// Every code of AfterShip's table has a rule of its own, so that a new code in
// the table fails here until somebody has decided what it means.
func TestEveryCodeHasAVerdict(t *testing.T) {
	for _, info := range aftership.Codes() {
		if info.HTTP < 400 {
			continue
		}
		if _, ok := rules[info.Code]; !ok {
			t.Errorf("code %d (%s) has no rule", info.Code, info.Text)
		}
		for _, op := range batch.AllOperations() {
			v := decide(op, apiError(info.HTTP, info.Code, info.Text))
			if !wellFormed(v) {
				t.Errorf("%s, code %d: verdict %+v is not complete", op, info.Code, v)
			}
		}
	}
}

// wellFormed reports whether a verdict has what its kind needs.
func wellFormed(v Verdict) bool {
	switch v.Kind {
	case Done, Refused, GiveUp:
		return v.Outcome.Valid() && v.Outcome != batch.Pending
	case Stop:
		return v.Scope != "" && v.Hint != ""
	case Wait, Retry:
		return v.Outcome == ""
	}
	return false
}

func TestVerdicts(t *testing.T) {
	tests := []struct {
		name    string
		op      batch.Operation
		err     error
		kind    Kind
		outcome batch.Outcome
		scope   Scope
	}{
		{"already exists", batch.Create, apiError(400, 4003, "Tracking already exists."), Done, batch.Already, ""},
		{"conflict as a third party saw it", batch.Create, apiError(409, 409, "Conflict"), Done, batch.Already, ""},
		{"exists on update is no success", batch.Update, apiError(400, 4003, "Tracking already exists."), Refused, batch.Rejected, ""},
		{"still active", batch.Retrack, apiError(400, 4013, "Retrack is not allowed."), Done, batch.Already, ""},
		{"gone already", batch.Delete, apiError(404, 4004, "Tracking does not exist."), Done, batch.Already, ""},
		{"unknown to others", batch.Update, apiError(404, 4004, "Tracking does not exist."), Refused, batch.Rejected, ""},
		{"retracks used up", batch.Retrack, apiError(400, 4016, "Retrack is not allowed."), Refused, batch.Rejected, ""},
		{"unknown tracking", batch.Update, apiError(404, 4004, "Tracking does not exist."), Refused, batch.Rejected, ""},
		{"key refused", batch.Create, apiError(401, 401, "The API key is invalid."), Stop, "", StopAccount},
		{"plan without the endpoint", batch.Create, apiError(403, 403, "You don't have permission"), Stop, "", StopClass},
		{"edge block is not the plan", batch.Create, &aftership.Error{HTTP: 403, Code: 403}, Retry, "", ""},
		{"wrong path", batch.Create, apiError(404, 404, "The URI requested is invalid"), Stop, "", StopRun},
		{"wrong wrapping", batch.Create, apiError(400, 4006, "tracking object is required."), Stop, "", StopRun},
		{"slow down", batch.Create, apiError(429, 429, "You have exceeded the API call rate limit."), Wait, "", ""},
		{"server error", batch.Create, apiError(500, 500, "Something went wrong"), Retry, "", ""},
		{"html from the edge", batch.Create, &aftership.Error{HTTP: 502, Code: 502}, Retry, "", ""},
		{"edge code", batch.Create, &aftership.Error{HTTP: 524, Code: 524}, Retry, "", ""},
		{"quota on an unknown code", batch.Create, apiError(402, 402, "Your quota is used up, please upgrade"), Stop, "", StopAccount},
		{"quota text on a known code is about the row", batch.Create, apiError(400, 4008, "The value of plan is invalid."), Refused, batch.Rejected, ""},
		{"unknown code", batch.Create, apiError(400, 4999, "New rule."), Refused, batch.Rejected, ""},
		{"no connection", batch.Create, &aftership.NoAnswerError{Kind: aftership.NoAnswerUnreachable, Err: errors.New("refused")}, Retry, "", ""},
		{"reply lost", batch.Create, &aftership.NoAnswerError{Sent: true, Kind: aftership.NoAnswerReset, Err: errors.New("reset")}, Retry, "", ""},
		{"our own panic", batch.Create, &panicked{"boom"}, Retry, "", ""},
		{"refused by our client", batch.Update, aftership.ErrNothingToChange, Refused, batch.Rejected, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := decide(tt.op, tt.err)
			if v.Kind != tt.kind || v.Outcome != tt.outcome || v.Scope != tt.scope {
				t.Errorf("got %s %s %s, want %s %s %s", v.Kind, v.Outcome, v.Scope, tt.kind, tt.outcome, tt.scope)
			}
			if v.Kind == Refused && v.Hint == "" {
				t.Error("a refused row has no hint")
			}
		})
	}
}

// A create whose earlier call may have arrived is ours if the tracking is not
// older than the batch.
func TestExistingTrackingOfOurOwn(t *testing.T) {
	tests := []struct {
		name      string
		ambiguous bool
		created   time.Time
		want      batch.Outcome
	}{
		{"first call", false, began.Add(time.Second), batch.Already},
		{"earlier call, younger tracking", true, began.Add(time.Second), batch.Created},
		{"earlier call, same second", true, began.Truncate(time.Second), batch.Created},
		{"earlier call, older tracking", true, began.Add(-time.Hour), batch.Already},
		{"earlier call, no evidence", true, time.Time{}, batch.Already},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := apiError(400, 4003, "Tracking already exists.")
			e.Existing = &aftership.Existing{ID: "x", CreatedAt: tt.created}
			v := Decide(Answer{Operation: batch.Create, Attempt: 2, MaxAttempts: 8, Ambiguous: tt.ambiguous, BatchBegan: began, Err: e})
			if v.Outcome != tt.want || v.ID != "x" {
				t.Errorf("got %s %s, want %s x", v.Outcome, v.ID, tt.want)
			}
			if v.Ambiguous != (tt.want == batch.Created) {
				t.Errorf("flagged %v", v.Ambiguous)
			}
		})
	}
}

func TestAttemptsAreUsedUp(t *testing.T) {
	err := apiError(500, 500, "Something went wrong")
	for attempt, want := range map[int]Kind{1: Retry, 7: Retry, 8: GiveUp, 9: GiveUp} {
		v := Decide(Answer{Operation: batch.Create, Attempt: attempt, MaxAttempts: 8, Err: err})
		if v.Kind != want {
			t.Errorf("attempt %d: got %s, want %s", attempt, v.Kind, want)
		}
	}
	if v := Decide(Answer{Attempt: 99, MaxAttempts: 8, Err: apiError(429, 429, "")}); v.Kind != Wait {
		t.Errorf("a 429 was counted: %s", v.Kind)
	}
}

func TestEveryOperationSucceeds(t *testing.T) {
	for _, op := range batch.AllOperations() {
		v := Decide(Answer{Operation: op, Attempt: 1, MaxAttempts: 1, Reply: aftership.Reply{HTTP: 200}})
		if v.Kind != Done || !v.Outcome.Done() {
			t.Errorf("%s: got %s %s", op, v.Kind, v.Outcome)
		}
	}
}

func TestUnrecognizedCourierNeedsAttention(t *testing.T) {
	reply := aftership.Reply{HTTP: 201}
	reply.Tracking.Slug = "unrecognized"
	v := Decide(Answer{Operation: batch.Create, Attempt: 1, MaxAttempts: 1, Reply: reply})
	if v.Outcome != batch.Created || v.Hint == "" {
		t.Errorf("got %+v", v)
	}
}

func TestTextsOf4012HaveTheirOwnHints(t *testing.T) {
	seen := map[string]aftership.Detail{}
	for _, d := range aftership.Details() {
		hint := detailHints[d]
		if hint == "" {
			t.Errorf("detail %s has no hint", d)
		}
		if other, ok := seen[hint]; ok {
			t.Errorf("details %s and %s have the same hint", d, other)
		}
		seen[hint] = d
	}
}
