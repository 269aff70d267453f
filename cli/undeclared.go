package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"slices"

	"daybook/events"
)

// unknownLine is a kind of events in an import that this program can't read.
type unknownLine struct {
	Aggregate string `json:"aggregate"`
	Event     string `json:"event"`
	Schema    int    `json:"schema"`
	Count     int64  `json:"count"`
	Line      int64  `json:"line"` // the first that has one
	Reason    string `json:"reason"`
}

// The reasons why events can't be read.
const (
	reasonAggregate = "the aggregate is not declared"
	reasonEvent     = "the event is not declared"
	reasonSchema    = "the schema version is newer than this program"
)

// eventKind is what makes events alike to a program that reads them.
type eventKind struct {
	aggregate, name string
	schema          int
}

// undeclared counts the events of an import that this program can't read: streams
// that hold them can't be loaded, and no view can follow them.
type undeclared struct {
	newest map[string]map[string]int // schema versions by aggregate and event
	lines  map[eventKind]*unknownLine
}

func (s *session) undeclared() *undeclared {
	u := &undeclared{newest: map[string]map[string]int{}, lines: map[eventKind]*unknownLine{}}
	for _, a := range s.aggregates {
		u.newest[a.Name()] = map[string]int{}
		for _, t := range a.Events() {
			u.newest[a.Name()][t.Name] = t.Schema()
		}
	}
	return u
}

// reason says why events of a kind can't be read, "" for those that can.
func (u *undeclared) reason(k eventKind) string {
	known, ok := u.newest[k.aggregate]
	if !ok {
		return reasonAggregate
	}
	newest, ok := known[k.name]
	switch {
	case !ok:
		return reasonEvent
	case k.schema > newest:
		return reasonSchema
	}
	return ""
}

// look counts the events of a line. It skips a line that is not a commit: storing
// it reports the error.
func (u *undeclared) look(number int64, text []byte) {
	var l struct {
		Stream events.Stream `json:"stream"`
		Events []struct {
			Name   string `json:"name"`
			Schema int    `json:"schema"`
		} `json:"events"`
	}
	if json.Unmarshal(text, &l) != nil {
		return
	}
	if _, err := events.ParseStored(string(l.Stream)); err != nil {
		return
	}
	for _, e := range l.Events {
		if events.ValidateName("event", e.Name) != nil {
			continue
		}
		k := eventKind{l.Stream.Aggregate(), e.Name, e.Schema}
		if known := u.lines[k]; known != nil {
			known.Count++
		} else if reason := u.reason(k); reason != "" {
			u.lines[k] = &unknownLine{k.aggregate, k.name, k.schema, 1, number, reason}
		}
	}
}

// list is what was counted, in the order of the import.
func (u *undeclared) list() []unknownLine {
	var all []unknownLine
	for _, l := range u.lines {
		all = append(all, *l)
	}
	slices.SortFunc(all, func(a, b unknownLine) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Schema, b.Schema))
	})
	return all
}

// write lists what was counted on standard output.
func (u *undeclared) write(o *output) {
	t := o.table("AGGREGATE", "EVENT", "SCHEMA", "COUNT", "FIRST LINE", "REASON")
	for _, l := range u.list() {
		t.row(l, l.Aggregate, l.Event, l.Schema, l.Count, l.Line, l.Reason)
	}
	t.flush()
}

// refuse lists what was counted and returns the error that ends the import.
func (i *importer) refuse(stored string) error {
	i.unknown.write(i.out)
	return &exitError{exitFound, fmt.Errorf("%s: it holds events that this program can't read; build this program from the code that declares them, or say -allow-unknown", stored)}
}

// inspect reads the file from where the import goes on, and refuses it whole
// before anything is stored.
func (i *importer) inspect(ctx context.Context, f io.ReadSeeker) error {
	if i.allowUnknown {
		return nil
	}
	in := bufio.NewReaderSize(f, 1<<20)
	for number := i.at.Lines + 1; ctx.Err() == nil; number++ {
		text, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if stream, streamErr := streamOfLine(text); streamErr == nil && i.takes(stream) {
			i.unknown.look(number, text)
		}
		if err != nil {
			break
		}
	}
	if len(i.unknown.lines) > 0 {
		return i.refuse("nothing was imported from " + i.at.File)
	}
	_, err := f.Seek(i.at.Offset, io.SeekStart)
	return errors.Join(ctx.Err(), err)
}

// takes reports whether a stream is to be imported.
func (i *importer) takes(stream events.Stream) bool {
	return (i.tenant == "" || i.tenant == stream.Tenant() || stream.Tenant() == "") && (len(i.aggregates) == 0 || slices.Contains(i.aggregates, stream.Aggregate()))
}
