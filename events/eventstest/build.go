package eventstest

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"uuid"

	"daybook/events"
)

// instant is the time of commits in the suite.
var instant = time.Date(2026, 11, 3, 9, 15, 42, 137_000_000, time.UTC)

// newStream names a stream that no other test has.
func newStream() events.Stream { return events.StreamOf("conformance", uuid.New().String()) }

// newCommit returns a commit of n small events, answering one command.
func newCommit(n int) events.Commit {
	id := uuid.New().String()
	c := events.Commit{
		ID: uuid.New().String(), Time: instant, Actor: "someone", Correlation: id, Causation: id,
		Commands: []events.Command{{ID: id, Digest: events.Digest{1, 2, 3, 4, 5, 6, 7, 8}}},
	}
	for i := range n {
		data := jsontext.Value(`{"number":` + strconv.Itoa(i) + `,"name":"Ann"}`)
		c.Events = append(c.Events, events.Event{Name: "thing-happened", Schema: 1, Data: data})
	}
	return c
}

// noise returns a JSON object of about n bytes that no compression makes small.
func noise(n int) jsontext.Value {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := []byte(`{"noise":"`)
	for range n {
		b = append(b, letters[r.IntN(len(letters))])
	}
	return append(b, `"}`...)
}

// fill appends commits of one event after at and returns them as stored. change
// may alter a commit by its number before it is appended.
func fill(ctx context.Context, s events.Store, at events.Position, n int, change func(c *events.Commit, number int64)) ([]events.Commit, error) {
	var cs []events.Commit
	for range n {
		c := newCommit(1)
		c.Commands[0].Version = at.Version() + 1
		if change != nil {
			change(&c, at.Number()+1)
		}
		stored, err := s.Append(ctx, at, c)
		if err != nil {
			return nil, fmt.Errorf("append commit %d: %w", at.Number()+1, err)
		}
		at = events.After(&stored)
		cs = append(cs, stored)
	}
	return cs, nil
}

// same reports the first difference between two commits; sizes are not compared.
func same(want, got *events.Commit) error {
	type field struct {
		name      string
		want, got string
	}
	fields := []field{
		{"stream", string(want.Stream), string(got.Stream)},
		{"number", fmt.Sprint(want.Number), fmt.Sprint(got.Number)},
		{"version", fmt.Sprint(want.Version), fmt.Sprint(got.Version)},
		{"id", want.ID, got.ID},
		{"time", want.Time.String(), got.Time.String()},
		{"actor", want.Actor, got.Actor},
		{"correlation", want.Correlation, got.Correlation},
		{"causation", want.Causation, got.Causation},
		{"trace", want.Trace, got.Trace},
		{"commands", commandsText(want.Commands), commandsText(got.Commands)},
		{"number of events", fmt.Sprint(len(want.Events)), fmt.Sprint(len(got.Events))},
		{"claims", fmt.Sprintf("%q", want.Claims), fmt.Sprintf("%q", got.Claims)},
		{"releases", fmt.Sprintf("%q", want.Releases), fmt.Sprintf("%q", got.Releases)},
		{"snapshot", fmt.Sprint(want.Snapshot != nil), fmt.Sprint(got.Snapshot != nil)},
		{"snapshot distance", fmt.Sprint(want.SnapshotDistance), fmt.Sprint(got.SnapshotDistance)},
	}
	for i := range min(len(want.Events), len(got.Events)) {
		w, g := want.Events[i], got.Events[i]
		fields = append(fields, field{"event " + strconv.Itoa(i), fmt.Sprintf("%s %d %s", w.Name, w.Schema, w.Data), fmt.Sprintf("%s %d %s", g.Name, g.Schema, g.Data)})
	}
	if w, g := want.Snapshot, got.Snapshot; w != nil && g != nil {
		fields = append(fields,
			field{"snapshot schema", fmt.Sprint(w.Schema), fmt.Sprint(g.Schema)},
			field{"snapshot state", string(w.State), string(g.State)},
			field{"snapshot from", fmt.Sprint(w.From), fmt.Sprint(g.From)},
			field{"snapshot commands", fmt.Sprintf("%v", w.Commands), fmt.Sprintf("%v", g.Commands)})
	}
	for _, f := range fields {
		if f.want != f.got {
			return fmt.Errorf("commit %d of %s: %s is %.200q, want %.200q", want.Number, want.Stream, f.name, f.got, f.want)
		}
	}
	return nil
}

// sameAll compares two runs of commits.
func sameAll(want, got []events.Commit) error {
	if len(want) != len(got) {
		return fmt.Errorf("got commits %v, want %v", numbers(got), numbers(want))
	}
	for i := range want {
		if err := same(&want[i], &got[i]); err != nil {
			return err
		}
	}
	return nil
}

func numbers(cs []events.Commit) []int64 {
	ns := make([]int64, 0, len(cs))
	for i := range cs {
		ns = append(ns, cs[i].Number)
	}
	return ns
}

// checkStored compares the whole stream with what it must hold.
func checkStored(ctx context.Context, s events.Store, stream events.Stream, want []events.Commit) error {
	got, err := s.Load(ctx, stream, 0)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return sameAll(want, got)
}

// wantCode reports an error that has not the code it must have.
func wantCode(what string, err error, code events.Code) error {
	if got := events.CodeOf(err); got != code {
		return fmt.Errorf("%s: code %q, want %q (error: %v)", what, got, code, err)
	}
	return nil
}

// firstError returns the first error that is not nil.
func firstError(errs ...error) error {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

// commandsText writes commands with those that are kept.
func commandsText(cs []events.Command) string {
	var b strings.Builder
	for _, c := range cs {
		kept := c.Kept
		c.Kept = nil
		fmt.Fprintf(&b, "%+v", c)
		if kept != nil {
			fmt.Fprintf(&b, " kept %q %s %q", kept.Name, kept.Payload, kept.Stream)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
