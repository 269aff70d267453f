package events_test

import (
	"errors"
	"strings"
	"testing"

	"daybook/events"
)

// TestGuard: a panic becomes an error that says where, and nothing of the value
// that may hold an event's data; the runtime's own texts hold none.
func TestGuard(t *testing.T) {
	t.Parallel()
	var none map[string]int
	for name, c := range map[string]struct {
		f    func()
		want string
	}{
		"a text":   {func() { panic("secret") }, "panicked with a string at daybook/events_test/fault_test.go:20 (TestGuard"},
		"an error": {func() { panic(errors.New("secret")) }, "panicked with a *errors.errorString at daybook/events_test/fault_test.go:21 (TestGuard"},
		"runtime":  {func() { none["a"] = 1 }, "panicked with assignment to entry in nil map at daybook/events_test/fault_test.go:22 (TestGuard"},
	} {
		err := events.Guard("the handler", c.f)
		text := events.FaultText(err)
		if events.CodeOf(err) != events.CodeInternal || !strings.Contains(text, c.want) || strings.Contains(text+err.Error(), "secret") {
			t.Errorf("%s: %v, %q", name, err, text)
		}
	}
	p, ok := errors.AsType[*events.Panic](events.Guard("the handler", func() { panicWith("a value") }))
	if !ok || p.Value != "a value" || len(p.Stack) < 2 || !strings.HasSuffix(p.Stack[0], "(panicWith)") || !strings.Contains(p.Stack[1], "(TestGuard.func") {
		t.Errorf("got %+v; want the stack from the function that panicked outwards", p)
	}
	if err := events.Guard("nothing", func() {}); err != nil {
		t.Error(err)
	}
}

//go:noinline
func panicWith(v any) { panic(v) }

func TestFaultText(t *testing.T) {
	t.Parallel()
	_, err := events.Decode[struct{ N int }](events.Event{Name: "e", Data: []byte(`{"N":"secret"}`)})
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"data that don't fit": {err, `a JSON value of kind "string" at "/N" doesn't fit int`},
		"fields":              {events.Malformed("/payload/name", "is too long"), "[/payload/name is too long]"},
		"a cause":             {events.Wrap(events.CodeBusy, errors.New("secret"), "too busy"), "busy: too busy"},
		"long":                {events.Errorf(events.CodeInternal, "%s", strings.Repeat("é", 2000)), "é…"},
	} {
		if text := events.FaultText(c.err); !strings.Contains(text, c.want) || strings.Contains(text, "secret") || len(text) > 1010 {
			t.Errorf("%s: %q", name, text)
		}
	}
}
