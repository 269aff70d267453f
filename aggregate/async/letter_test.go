package async

import (
	"errors"
	"fmt"
	"testing"

	"daybook/events"
)

func TestSafeText(t *testing.T) {
	t.Parallel()
	var list []int
	crash := func() (err error) {
		defer func() { err = fmt.Errorf("panic: %w", recover().(error)) }()
		return fmt.Errorf("%d", list[3])
	}
	for want, err := range map[string]error{
		"internal":                    errors.New("secret"),
		"busy: later":                 events.Wrap(events.CodeBusy, errors.New("secret"), "later"),
		"internal: a: unavailable: b": events.Wrap(events.CodeInternal, fmt.Errorf("x: %w", events.Errorf(events.CodeUnavailable, "b")), "a"),
		"internal: a: runtime error: index out of range [3] with length 0": events.Wrap(events.CodeInternal, crash(), "a"),
	} {
		if got := safe(err); got != want {
			t.Errorf("%v is told as %q, want %q", err, got, want)
		}
	}
}
