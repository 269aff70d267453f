package linearizability

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// members is how many members meet for the same addresses.
const members = 3

// memberOf is the id of one of the members of a history of claims.
func memberOf(history string, n int) string { return fmt.Sprintf("%s-%d", history, n) }

// makeClaims lets clients create a few members and change their addresses, of which there
// are fewer than members: a member takes an address, releases it, and another one takes it.
func makeClaims(t *testing.T, name string, seed uint64, urls func() []string) *recorder {
	t.Helper()
	var all []string
	for n := range members {
		all = append(all, memberOf(name, n))
	}
	return record(t, name, all, seed, urls, chooseClaim)
}

// chooseClaim returns a request about one of the members: mostly for an address that others
// want too, now and then for one that nobody else wants, which releases the one before.
func chooseClaim(c *client, _ bool) input {
	in := input{member: memberOf(c.name, c.random.IntN(members)), expected: -1}
	c.sent++
	switch n := c.random.IntN(20); {
	case n < 3:
		in.kind = history
		return in
	case n < 7:
		in.kind, in.name = create, "z" // at the end of the list that the histories of one stream read
	default:
		in.kind = changeEmail
	}
	in.id = fmt.Sprintf("%s-%d-%d", c.name, c.number, c.sent)
	if in.email = fmt.Sprintf("%s-shared-%d@example.com", c.name, c.random.IntN(members-1)); c.random.IntN(3) == 0 {
		in.email = in.member + "-own@example.com"
	}
	return in
}

// claims are the streams of all members, by their ids. It never changes.
type claims map[string]state

// claimsModel says which answers are right when members claim addresses.
func claimsModel() porcupine.Model {
	seed := maphash.MakeSeed()
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{claims{}} },
		Step: func(s, in, out any) []any { return s.(claims).step(in.(input), out.(output)) },
		Equal: func(a, b any) bool {
			x, y := a.(claims), b.(claims)
			for id := range x {
				if !slices.Equal(x[id], y[id]) {
					return false
				}
			}
			return len(x) == len(y)
		},
		Hash: func(s any) uint64 {
			sum := uint64(0)
			for id, stream := range s.(claims) {
				for _, e := range stream {
					sum ^= maphash.Comparable(seed, struct {
						string
						entry
					}{id, e})
				}
			}
			return sum
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v: %+v", in, out) },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
	}
	return m.ToModel()
}

// email is the address that a member holds, "" before it is created.
func (s claims) email(member string) string {
	if stream := s[member]; len(stream) > 0 {
		return stream[len(stream)-1].email
	}
	return ""
}

// step returns the states after a request, none if it can't have been answered so.
func (s claims) step(in input, out output) []any {
	if in.kind == history {
		if !slices.Equal(s[in.member], out.events) {
			return nil
		}
		return []any{s}
	}
	next, want := s.handle(in)
	return follow(s, next, want, out)
}

// handle is what a command does, and its answer.
func (s claims) handle(in input) (claims, output) {
	stream := s[in.member]
	if at := slices.IndexFunc(stream, func(e entry) bool { return e.command == in.id }); at >= 0 {
		return s, output{version: int64(at) + 1} // a repeat
	}
	switch {
	case in.kind == create && len(stream) > 0:
		return s, output{code: "member-already-exists"}
	case in.kind == changeEmail && len(stream) == 0:
		return s, output{code: "member-not-found"}
	case in.email == s.email(in.member):
		return s, output{version: stream.version()}
	}
	next := claims{}
	for member, other := range s {
		if member != in.member && s.email(member) == in.email {
			return s, output{code: "already-taken"}
		}
		next[member] = other
	}
	next[in.member] = append(slices.Clip(stream), entry{in.kind, in.id, in.name, in.email})
	return next, output{version: next[in.member].version()}
}

// TestClaimsModel: histories of claims that are in order, and the faults that must be found.
func TestClaimsModel(t *testing.T) {
	t.Parallel()
	type answer struct {
		in  input
		out output
	}
	send := func(k kind, member, email string, out output) answer {
		name := ""
		if k == create {
			name = "n"
		}
		return answer{input{kind: k, member: member, id: fmt.Sprint(k, member, email), name: name, email: email, expected: -1}, out}
	}
	at := func(version int64) output { return output{version: version} }
	taken := output{code: "already-taken"}
	a, b := send(create, "a", "x", at(1)), send(create, "b", "y", at(1))
	away := send(changeEmail, "a", "z", at(2))

	for name, c := range map[string]struct {
		right   bool
		answers []answer
	}{
		"two addresses":                        {true, []answer{a, b}},
		"one address for two members":          {false, []answer{a, send(create, "b", "x", at(1))}},
		"an address that is held":              {true, []answer{a, send(create, "b", "x", taken)}},
		"a free address that is refused":       {false, []answer{a, send(create, "b", "y", taken)}},
		"an address that was released":         {true, []answer{a, away, send(create, "b", "x", at(1))}},
		"a released address that is refused":   {false, []answer{a, away, send(create, "b", "x", taken)}},
		"an address that is taken back":        {true, []answer{a, away, send(changeEmail, "a", "x", at(3))}},
		"taken back after another has it":      {false, []answer{a, away, send(create, "b", "x", at(1)), send(changeEmail, "a", "x", at(3))}},
		"the address that the member has":      {true, []answer{a, send(changeEmail, "a", "x", at(1))}},
		"a repeat after the address was freed": {true, []answer{a, away, a, send(create, "b", "x", at(1))}},
		"lost, and seen by another":            {true, []answer{send(create, "a", "x", output{unknown: true}), send(create, "b", "x", taken)}},
		"lost, and of no effect":               {true, []answer{send(create, "a", "x", output{unknown: true}), send(create, "b", "x", at(1))}},
		"lost, and of no effect, seen after":   {false, []answer{send(create, "a", "x", output{unknown: true}), send(create, "b", "x", at(1)), send(create, "c", "x", at(1))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var operations []porcupine.Operation
			for i, one := range c.answers {
				end := int64(i)*10 + 5
				if one.out.unknown {
					end = never
				}
				operations = append(operations, porcupine.Operation{Input: one.in, Output: one.out, Call: int64(i) * 10, Return: end})
			}
			want := porcupine.Illegal
			if c.right {
				want = porcupine.Ok
			}
			if got := porcupine.CheckOperationsTimeout(claimsModel(), operations, time.Minute); got != want {
				t.Errorf("%s, want %s\n%s", got, want, strings.TrimSpace(describe(operations)))
			}
		})
	}
}
