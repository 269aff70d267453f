package events_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"daybook/events"
)

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	cause := errors.New("socket closed")
	err := fmt.Errorf("append: %w", events.Wrap(events.CodeUnavailable, cause, "the store did not answer"))
	if events.CodeOf(err) != events.CodeUnavailable || !errors.Is(err, cause) || !strings.Contains(err.Error(), "socket closed") {
		t.Errorf("wrapped: %v", err)
	}
	if events.CodeOf(nil) != "" || events.CodeOf(cause) != events.CodeInternal {
		t.Error("nil or a foreign error has a wrong code")
	}
	if e := events.Malformed("/payload/name", "must not be empty"); !strings.Contains(e.Error(), "[/payload/name must not be empty]") {
		t.Errorf("fields are not in the log text: %v", e)
	}
}

func TestTransient(t *testing.T) {
	t.Parallel()
	for code, want := range map[events.Code]bool{
		events.CodeBusy: true, events.CodeUnavailable: true, events.CodeCanceled: true, events.CodeConflict: true, events.CodeThrottled: true,
		events.CodeInternal: false, events.CodeTooLarge: false, events.CodeMalformed: false,
	} {
		if got := events.Transient(events.Errorf(code, "x")); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
	if events.Transient(nil) || events.Transient(errors.New("a defect")) {
		t.Error("nil or a foreign error is transient")
	}
}

func TestRepeatable(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf("scan: %w", events.Wrap(events.CodeUnavailable, fmt.Errorf("%w: Scan", events.ErrNoAccess), "x"))
	if !events.Transient(denied) || events.Repeatable(denied) {
		t.Error("a missing right is for a stream to deliver again, and for nobody to repeat at once")
	}
	if !events.Repeatable(events.Errorf(events.CodeBusy, "x")) || events.Repeatable(events.Errorf(events.CodeInternal, "x")) || events.Repeatable(nil) {
		t.Error("other errors are not as Transient says")
	}
}

func TestConflictCarriesTheWinner(t *testing.T) {
	t.Parallel()
	winner := events.Commit{Stream: "user/7", Number: 3, Version: 5, Events: make([]events.Event, 2)}
	err := fmt.Errorf("append: %w", events.Conflict(winner))
	got, ok := events.WinnerOf(err)
	if events.CodeOf(err) != events.CodeConflict || !ok || got.Number != 3 || !strings.Contains(err.Error(), "user/7") {
		t.Errorf("%v, %+v", err, got)
	}
	if got.First() != 4 {
		t.Errorf("the first event of the commit is at version %d, want 4", got.First())
	}
	if at := events.After(got); at.Stream() != "user/7" || at.Number() != 3 || at.Version() != 5 {
		t.Errorf("after it: %+v", at)
	}
	if _, ok := events.WinnerOf(errors.New("x")); ok {
		t.Error("a winner from nowhere")
	}
}
