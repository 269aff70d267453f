package simulation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"daybook/functions/names"
)

// workLog keeps the last requests of a run, to say what still works when nothing should.
type workLog struct {
	mu   sync.Mutex
	last [lastRequests]sentRequest
	n    int // how many there have been
}

const lastRequests = 500

// sentRequest is a request and the function or the poller that sent it.
type sentRequest struct {
	by   string
	call *call
}

func (w *workLog) add(l *link, c *call) {
	by := l.name
	if l.instance != nil {
		by = by[:strings.LastIndexByte(by, '-')] // without the instance's number
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[w.n%lastRequests] = sentRequest{by, c}
	w.n++
}

// mostNames bounds the names that a report counts.
const mostNames = 10

// String counts the last requests by name, and names the views and the reactors among
// what they wrote.
func (w *workLog) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.last[:min(w.n, lastRequests)]
	requests, polls, views, reactors := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range all {
		name := r.by + ": " + r.call.operation + r.call.subject()
		if r.call.operation == "GetRecords" {
			polls[name]++
			continue
		}
		requests[name]++
		if !r.call.writes() {
			continue
		}
		for _, t := range append(r.call.parts(), r.call.tables) {
			switch name := t.short(); name {
			case "", names.EventsTable, names.ClaimsTable, names.RequestsTable, names.ControlTable, names.KeysTable:
			case names.ProcessesTable:
				reactor, stream, _ := strings.Cut(t.item(), "/")
				reactors[reactor+" because of "+stream]++
			default:
				views[name]++
			}
		}
	}
	text := fmt.Sprintf("of the last %d requests", len(all))
	for _, part := range []struct {
		title string
		of    map[string]int
	}{
		{"by function and operation:", requests}, {"process managers and outboxes that handled commits:", reactors},
		{"tables of views that were written:", views}, {"reads of the stream:", polls},
	} {
		if len(part.of) > 0 {
			text += "\n" + part.title + counted(part.of)
		}
	}
	return text
}

// counted lists names, the most frequent first.
func counted(of map[string]int) (text string) {
	sorted := slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(of[b]-of[a], strings.Compare(a, b)) })
	for i, name := range sorted {
		if i == mostNames {
			return text + fmt.Sprintf("\n  … and %d more names", len(sorted)-i)
		}
		text += fmt.Sprintf("\n  %5d  %s", of[name], name)
	}
	return text
}

// restless says what still works when the system should be at rest. since is how many
// commits there were when clients and operator had ended, took how long ago that is.
func (c *checker) restless(since int, took time.Duration) {
	if err := c.load(context.Background()); err != nil {
		c.fail(checkRun, "the commits can't be read: %v", err)
	}
	grown := map[string]int{}
	for _, at := range c.order[since:] {
		for _, commit := range c.commits[at.stream] {
			if commit.Number == at.number {
				grown[fmt.Sprint(at.stream, " ", namesOf(commit.Events))]++
			}
		}
	}
	text := fmt.Sprintf("the system still works %v after clients and operator have ended", took.Round(time.Millisecond))
	if n := c.depth(c.base.CommandQueue); n > 0 {
		text += fmt.Sprintf("; %d messages are in its queue", n)
	}
	if len(grown) > 0 {
		text += "\ncommits that were stored meanwhile:" + counted(grown)
	}
	c.fail(checkQuiet, "%s\n%s\nlook for reactors that answer one another, and for a retry that never gives up", text, c.network.work)
	c.contiguous()
}
