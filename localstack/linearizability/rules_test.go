package linearizability

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"daybook/internal/testdomain"
)

// TestModel: histories that are in order, and the faults that must be found.
func TestModel(t *testing.T) {
	t.Parallel()
	command := func(k kind, id, name string) input { return input{kind: k, id: id, name: name, expected: -1} }
	expecting := func(in input, version int64) input { in.expected = version; return in }
	known := func(k kind, after int64) input { return input{kind: k, expected: -1, after: after} }
	at := func(version int64) output { return output{version: version} }
	refused := func(code string, version int64) output { return output{code: code, version: version} }
	ann := testdomain.MemberRow{Name: "Ann", Active: true}
	created, renamed := entry{create, "c", "Ann", ""}, entry{rename, "r", "Eve", ""}
	begin := []any{command(create, "c", "Ann"), at(1)}

	for name, c := range map[string]struct {
		right   bool
		answers []any // inputs and outputs, one after the other
		ends    []int64
	}{
		"a repeat":                            {true, []any{command(create, "c", "Ann"), at(1)}, nil},
		"two appends at one version":          {false, []any{command(rename, "r", "Eve"), at(2), command(rename, "s", "Bob"), at(2)}, nil},
		"a command handled twice":             {false, []any{command(rename, "r", "Eve"), at(2), command(rename, "r", "Eve"), at(3)}, nil},
		"a no-op":                             {true, []any{command(reactivate, "r", ""), at(1)}, nil},
		"a no-op on a stale state":            {false, []any{command(deactivate, "d", ""), at(2), command(reactivate, "r", ""), at(1)}, nil},
		"a rejection on a stale state":        {false, []any{command(deactivate, "d", ""), at(2), command(reactivate, "a", ""), at(3), command(rename, "r", "Eve"), refused("member-inactive", 0)}, nil},
		"a version expected":                  {true, []any{expecting(command(rename, "r", "Eve"), 1), at(2)}, nil},
		"a version conflict":                  {true, []any{expecting(command(rename, "r", "Eve"), 0), refused("version-conflict", 1)}, nil},
		"a stale version taken":               {false, []any{command(rename, "r", "Eve"), at(2), expecting(command(rename, "s", "Bob"), 1), at(3)}, nil},
		"a version conflict without one":      {false, []any{expecting(command(rename, "r", "Eve"), 1), refused("version-conflict", 1)}, nil},
		"a history":                           {true, []any{command(rename, "r", "Eve"), at(2), known(history, 0), output{version: 2, events: []entry{created, renamed}}}, nil},
		"a history that lacks the last":       {false, []any{command(rename, "r", "Eve"), at(2), known(history, 0), output{version: 1, events: []entry{created}}}, nil},
		"an old row":                          {true, []any{command(rename, "r", "Eve"), at(2), known(row, 1), output{version: 1, member: ann}}, nil},
		"a row older than its token":          {false, []any{command(rename, "r", "Eve"), at(2), known(row, 2), output{version: 1, member: ann}}, nil},
		"a row from nowhere":                  {false, []any{known(list, 0), output{version: 1, member: testdomain.MemberRow{Name: "Eve", Active: true}}}, nil},
		"a row of the future":                 {false, []any{known(row, 0), output{version: 2, member: ann}}, nil},
		"lost, and never seen":                {true, []any{command(rename, "r", "Eve"), output{unknown: true}, known(history, 0), output{version: 1, events: []entry{created}}}, []int64{never}},
		"lost, and seen":                      {true, []any{command(rename, "r", "Eve"), output{unknown: true}, known(history, 0), output{version: 2, events: []entry{created, renamed}}}, []int64{never}},
		"lost, and seen before it was unseen": {false, []any{command(rename, "r", "Eve"), output{unknown: true}, known(history, 0), output{version: 2, events: []entry{created, renamed}}, known(history, 0), output{version: 1, events: []entry{created}}}, []int64{never}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var operations []porcupine.Operation
			all := append(begin[:2:2], c.answers...)
			for i := 0; i < len(all); i += 2 {
				end := int64(i)*10 + 5
				if n := i/2 - 1; n >= 0 && n < len(c.ends) {
					end = c.ends[n]
				}
				operations = append(operations, porcupine.Operation{Input: all[i], Output: all[i+1], Call: int64(i) * 10, Return: end})
			}
			want := porcupine.Illegal
			if c.right {
				want = porcupine.Ok
			}
			if got := porcupine.CheckOperationsTimeout(model(), operations, time.Minute); got != want {
				t.Errorf("%s, want %s\n%s", got, want, describe(operations))
			}
		})
	}
}
