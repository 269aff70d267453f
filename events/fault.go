package events

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// panicError is a panic of a domain function. Its text names the place and, of
// the value, the type alone: the value may hold what an event holds.
type panicError struct {
	what, where, value string
}

func (e *panicError) Error() string { return e.what + " panicked with " + e.value + " in " + e.where }

// Guard calls a function of the domain and turns a panic into an error of code
// internal; what names the function: "the handler of user-created".
func Guard(what string, f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			value := fmt.Sprintf("a %T", p)
			if re, ok := p.(runtime.Error); ok {
				value = re.Error()
			}
			err = Wrap(CodeInternal, &panicError{what, panicSite(), value}, what+" failed")
		}
	}()
	f()
	return nil
}

// panicSite names the function that panicked: the first behind the runtime's and
// the arithmetic of this package.
func panicSite() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") && !strings.HasSuffix(f.File, "/events/sum.go") {
			return fmt.Sprintf("%s, line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
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
	if e, ok := errors.AsType[*panicError](err); ok {
		text += ": " + e.Error()
	} else if e, ok := errors.AsType[*json.SemanticError](err); ok && e.GoType != nil {
		text += fmt.Sprintf(": a JSON value of kind %q at %q doesn't fit %s", e.JSONKind.String(), e.JSONPointer, e.GoType)
	}
	if len(text) > maxFaultText {
		text = strings.ToValidUTF8(text[:maxFaultText], "") + "…"
	}
	return text
}
