package cost

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"strings"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
)

// Reference is what storing events of 0.5 KB costs, whatever the application: the
// figures that ways of storing events are compared by.
type Reference struct {
	Name   string          `json:"design"`
	One    float64         `json:"appendOne"` // write units of a commit of one event
	Ten    float64         `json:"appendTen"` // of ten events
	Loads  map[int]float64 `json:"loads"`     // read units of a cold command, by the stream's length in events
	Cached bool            `json:"cached"`    // an instance that knows a stream does not load it
	Basis  Basis           `json:"basis"`
	Note   string          `json:"note,omitzero"`
}

// Lengths are those of the streams that are compared, in events.
func Lengths() []int { return []int{10, 100, 1000, 10000} }

// longestMeasured is the longest stream that is made to be measured; a longer one is
// taken for as long, since a snapshot ends every load.
const longestMeasured = 300

// eventBytes is the size of an event's data.
const eventBytes = 500

// The application that is measured: a note is appended, one event for each text.
type (
	noteState struct {
		Count int    `json:"count"`
		Last  string `json:"last"`
	}
	noteAdded struct {
		Text string `json:"text"`
	}
	addNotes struct {
		Texts []string `json:"texts"`
	}
)

// EventName is stored.
func (noteAdded) EventName() string { return "note-added" }

// CommandName is stored.
func (addNotes) CommandName() string { return "add-notes" }

func referenceApp() daybook.App {
	notes := aggregate.New[noteState]("notes").
		Event(func(s noteState, e noteAdded) noteState { return noteState{s.Count + 1, e.Text} }).
		Command(func(_ noteState, c addNotes) aggregate.Decision {
			emitted := make([]events.Data, len(c.Texts))
			for i, text := range c.Texts {
				emitted[i] = noteAdded{text}
			}
			return aggregate.Emit(emitted...)
		})
	return daybook.App{Name: "reference", Aggregates: []aggregate.Aggregate{notes}}
}

// MeasureReference measures Daybook's own figures.
func MeasureReference(ctx context.Context) (Reference, error) {
	r := Reference{Name: "Daybook", Loads: map[int]float64{}, Cached: true, Basis: BasisMeasured}
	i, err := Open(ctx, referenceApp())
	if err != nil {
		return r, err
	}
	defer func() { _ = i.Close() }() // it is in memory
	sent := 0
	add := func(id string, n int) (Units, error) {
		u, err := i.Used(func() error {
			texts := make([]string, n)
			for t := range texts {
				sent++
				texts[t] = text(sent)
			}
			payload, err := json.Marshal(addNotes{texts})
			if err != nil {
				return err
			}
			_, err = i.Handle(ctx, aggregate.Command{Name: "add-notes", ID: id, Payload: payload, CommandID: fmt.Sprint(id, "-", sent)})
			return err
		})
		return u.Total(), err
	}
	for to, n := range map[*float64]int{&r.One: 1, &r.Ten: 10} {
		u, err := add(fmt.Sprint("n-", n), n)
		if err != nil {
			return r, err
		}
		*to = u.Write
	}
	length := 0
	for _, want := range Lengths() {
		for ; length < min(want, longestMeasured); length++ {
			if _, err := add("long", 1); err != nil {
				return r, err
			}
		}
		if err := i.Cool(); err != nil {
			return r, err
		}
		u, err := add("long", 1)
		if err != nil {
			return r, err
		}
		length++
		r.Loads[want] = u.Read
	}
	return r, nil
}

// text is a text of eventBytes that is no other's: words and numbers, as data have
// them.
func text(n int) string {
	words := strings.Fields("invoice order customer street number total paid open note item amount date country city name")
	var b strings.Builder
	for seed := uint32(n)*2654435761 + 1; b.Len() < eventBytes; seed = seed*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%s %d ", words[(seed>>16)%uint32(len(words))], seed>>20)
	}
	return b.String()[:eventBytes]
}
