package linearizability

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"daybook/internal/testdomain"
)

// kind is what a request asks for.
type kind string

const (
	create      kind = "create-member"
	rename      kind = "rename-member"
	deactivate  kind = "deactivate-member"
	reactivate  kind = "reactivate-member"
	changeEmail kind = "change-member-email"
	history     kind = "the stream's events"
	row         kind = "the row"
	list        kind = "the row in a list"
)

// input is one request about the stream of a member. Commands have an id and may expect a version;
// reads of views may ask for a version that the client knows of.
type input struct {
	kind     kind
	member   string
	id       string // of a command
	name     string // of the member, in create and rename
	email    string // of the member, in create and changeEmail
	expected int64  // version; -1: none
	after    int64  // version; 0: none
}

// output is what became of a request. unknown says that it may have taken effect, or
// may still do so.
type output struct {
	unknown bool
	code    string // of a problem; "" for success
	version int64  // of the stream or the row; 0: there is none
	events  []entry
	member  testdomain.MemberRow // of the row; the address is left out
}

// entry is one event of the stream.
type entry struct {
	kind    kind
	command string
	name    string
	email   string
}

// state is the stream: version n is its first n entries. It never changes.
type state []entry

// member folds the first n entries.
func (s state) member(n int64) (m testdomain.MemberRow) {
	for _, e := range s[:n] {
		switch e.kind {
		case create:
			m = testdomain.MemberRow{Name: e.name, Active: true}
		case rename:
			m.Name = e.name
		case deactivate:
			m.Active = false
		case reactivate:
			m.Active = true
		}
	}
	return m
}

func (s state) version() int64 { return int64(len(s)) }

// model says which answers are right in a state, and the states that follow.
func model() porcupine.Model {
	seed := maphash.MakeSeed()
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state(nil)} },
		Step: func(s, in, out any) []any { return s.(state).step(in.(input), out.(output)) },
		Equal: func(a, b any) bool {
			return slices.Equal(a.(state), b.(state))
		},
		Hash: func(s any) uint64 {
			var h maphash.Hash
			h.SetSeed(seed)
			for _, e := range s.(state) {
				maphash.WriteComparable(&h, e)
			}
			return h.Sum64()
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v: %+v", in, out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
	return m.ToModel()
}

// step returns the states after a request, none if it can't have been answered so.
func (s state) step(in input, out output) []any {
	switch in.kind {
	case history:
		if !slices.Equal(s, out.events) {
			return nil
		}
		return []any{s}
	case row, list:
		if out.version < in.after || out.version > s.version() || out.member != s.member(out.version) {
			return nil
		}
		return []any{s}
	}
	next, want := s.handle(in)
	return follow(s, next, want, out)
}

// follow returns the states after a command that would lead to next and be answered so,
// none when it was answered otherwise. Without an answer it may have been handled or not.
func follow(s, next any, want, out output) []any {
	switch {
	case out.unknown:
		return []any{s, next}
	case out.code != want.code || out.version != want.version:
		return nil
	}
	return []any{next}
}

// handle is what a command does, and its answer.
func (s state) handle(in input) (state, output) {
	if at := slices.IndexFunc(s, func(e entry) bool { return e.command == in.id }); at >= 0 {
		return s, output{version: int64(at) + 1} // a repeat
	}
	if in.expected >= 0 && in.expected != s.version() {
		return s, output{code: "version-conflict", version: s.version()}
	}
	is, exists := s.member(s.version()), len(s) > 0
	switch {
	case in.kind == create && exists:
		return s, output{code: "member-already-exists"}
	case in.kind != create && !exists:
		return s, output{code: "member-not-found"}
	case in.kind == rename && !is.Active:
		return s, output{code: "member-inactive"}
	case in.kind == rename && is.Name == in.name, in.kind == deactivate && !is.Active, in.kind == reactivate && is.Active:
		return s, output{version: s.version()}
	}
	next := append(slices.Clip(s), entry{in.kind, in.id, in.name, in.email})
	return next, output{version: next.version()}
}

// describe prints a history that is not linearizable, in the order of the answers.
func describe(operations []porcupine.Operation) string {
	sorted := slices.SortedFunc(slices.Values(operations), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, o := range sorted {
		fmt.Fprintf(&b, "client %d, %d to %d µs: %+v: %+v\n", o.ClientId, o.Call/1000, o.Return/1000, o.Input, o.Output)
	}
	return b.String()
}
