package events

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Panic is a panic of the domain's code as an error. Its text says where it was
// and, of the value, the type only, but for the runtime's own: the value may hold
// what an event or a payload holds, so it is for tests and the log of one's own
// machine.
type Panic struct {
	Doing string // what was called: "the handler of account-opened"
	Value any
	// Stack says where, innermost first: "example.com/bank/domain/account/account.go:88 (opened)".
	// It holds no arguments, so it may be logged.
	Stack []string
}

// Recovered makes an error of a recovered value. Call it in the deferred function
// that recovered.
func Recovered(doing string, value any) *Panic {
	return &Panic{Doing: doing, Value: value, Stack: panicStack()}
}

// Error says what panicked, where, and with a value of which type.
func (p *Panic) Error() string {
	value := fmt.Sprintf("a %T", p.Value)
	if err, ok := p.Value.(runtime.Error); ok {
		value = err.Error()
	}
	where := "an unknown place"
	if len(p.Stack) > 0 {
		where = p.Stack[0]
	}
	return p.Doing + " panicked with " + value + " at " + where
}

// Guard calls a function of the domain and turns a panic into an error of code
// internal that wraps a *Panic; what names the function: "the handler of
// user-created".
func Guard(what string, f func()) (err error) {
	defer Rescue(what, &err)
	f()
	return nil
}

// Rescue is Guard for a whole function: deferred first in it, with the address of
// its error. Other results of a function that panicked are as it left them.
func Rescue(what string, err *error) {
	if p := recover(); p != nil {
		*err = Wrap(CodeInternal, Recovered(what, p), what+" failed")
	}
}

// maxPanicStack bounds Panic.Stack, in calls.
const maxPanicStack = 16

// panicStack is the stack from the function that panicked outwards: the runtime's
// own calls, this package's arithmetic and those that recovered are left out.
func panicStack() (stack []string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for len(stack) < maxPanicStack {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic" && len(stack) == 0:
			panicking = true
		case len(stack) == 0 && strings.HasSuffix(f.File, "/events/sum.go"): // the arithmetic that overflowed
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			stack = append(stack, place(f))
		}
		if !more {
			break
		}
	}
	return stack
}

// place writes a call as package/file:line (function), whatever directory the
// program was built in.
func place(f runtime.Frame) string {
	slash := strings.LastIndexByte(f.Function, '/') + 1
	name, function, _ := strings.Cut(f.Function[slash:], ".")
	return fmt.Sprintf("%s%s/%s:%d (%s)", f.Function[:slash], name, path.Base(f.File), f.Line, function)
}

// maxFaultText bounds what FaultText returns, in bytes.
const maxFaultText = 1000

// FaultText says for operators, in at most about 1,000 bytes, why a stream is
// parked: without a value of an event, a row or a payload in it.
func FaultText(err error) string {
	text := string(CodeOf(err))
	if e, ok := errors.AsType[*Error](err); ok {
		text += ": " + e.Message
		for _, f := range e.Fields {
			text += " [" + f.Path + " " + f.Message + "]"
		}
	}
	if e, ok := errors.AsType[*Panic](err); ok {
		text += ": " + e.Error()
	} else if e, ok := errors.AsType[*json.SemanticError](err); ok && e.GoType != nil {
		text += fmt.Sprintf(": a JSON value of kind %q at %q doesn't fit %s", e.JSONKind.String(), e.JSONPointer, e.GoType)
	}
	if len(text) > maxFaultText {
		text = Beginning(text, maxFaultText) + "…"
	}
	return text
}
