package process

import (
	"encoding/json/jsontext"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"daybook/events"
	"daybook/events/schema"
)

// Outbox declares which events are published as integration events: for other
// systems, versioned and documented apart from the events as they are stored. It
// is built once, by NewOutbox and a chain of calls, and is then safe for
// concurrent use.
//
// Handlers are pure, as a Manager's are. The integration events of a stream are
// published in order, each at least once.
type Outbox[S any] struct {
	*def
	machine   machine[S]
	remember  machine[S] // by event
	published machine[S]
}

// Integration describes an integration event.
type Integration struct {
	Event   string // the stored event that it is made of
	Type    string // of the CloudEvent, with the version: "com.example.shop.order-confirmed.v1"
	Version int    // of its data, from 1
	// DataSchema names the schema of the data in the CloudEvent. Schema returns
	// it as JSON Schema, made from the Go type when first asked for.
	DataSchema string
	Schema     func() jsontext.Value
}

// NewOutbox begins the declaration of an outbox that follows the streams of the
// given aggregates. Its name is stored: ids of integration events are made of it.
// S is what the outbox remembers of a stream, as a Manager does, struct{} for
// nothing.
func NewOutbox[S any](name string, aggregates ...string) *Outbox[S] {
	m := machine[S]{}
	return &Outbox[S]{def: newDef(KindOutbox, name, aggregates, m), machine: m, remember: machine[S]{}, published: machine[S]{}}
}

// Remember declares how an event changes what is remembered of its stream, for
// integration events that say more than the event they are made of. An event may
// be remembered and published: it is remembered first.
func (o *Outbox[S]) Remember[E events.Data](remember func(memory S, e E, m Meta) S) *Outbox[S] {
	o.remembers = true
	if event := handle(o.def, o.remember, remember == nil, func(s S, e E, meta Meta) (S, []Step) { return remember(s, e, meta), nil }); event != "" {
		o.join(event)
	}
	return o
}

// Publish declares that an event is published, under which type of CloudEvent
// ("com.example.shop.order-confirmed"; ".v" and the version follow), in which
// version of the data, from 1, and with which data. T is what consumers see: give
// it a new version when it changes so that they would notice.
func (o *Outbox[S]) Publish[E events.Data, T any](typ string, version int, data func(memory S, e E, m Meta) T) *Outbox[S] {
	event, _ := events.NameOf[E]()
	if !validType(typ) {
		o.fail("type %q is not made of words of a-z, 0-9 and hyphens with dots between, of at most %d characters", typ, maxType)
	}
	if version < 1 {
		o.fail("type %q: versions count from 1, not %d", typ, version)
	}
	typ += ".v" + strconv.Itoa(version)
	derive := sync.OnceValues(schema.Of[T])
	o.checks = append(o.checks, func() error {
		if _, err := derive(); err != nil {
			return fmt.Errorf("type %q: %w", typ, err)
		}
		return nil
	})
	of := Integration{
		Event: event, Type: typ, Version: version, DataSchema: "urn:daybook:" + typ,
		Schema: func() jsontext.Value {
			if s, err := derive(); err == nil {
				return s.JSON()
			}
			return nil
		},
	}
	o.publishes = append(o.publishes, of)
	if handle(o.def, o.published, data == nil, func(s S, e E, meta Meta) (S, []Step) {
		return s, []Step{publication{of: &of, data: data(s, e, meta)}}
	}) != "" {
		o.join(event)
	}
	return o
}

// validType reports whether a type of integration event is made of words of a-z,
// 0-9 and hyphens, with dots between. EventBridge's detail-type has at most 128
// characters.
func validType(typ string) bool {
	for word := range strings.SplitSeq(typ, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-') }) {
			return false
		}
	}
	return len(typ) <= maxType
}

const maxType = 120

// join makes the handler of an event of those that remember and publish it.
func (o *Outbox[S]) join(event string) {
	remember, publish := o.remember[event], o.published[event]
	o.machine[event] = func(s S, e events.Event, meta Meta) (_ S, steps []Step, err error) {
		if remember != nil {
			if s, _, err = remember(s, e, meta); err != nil {
				return s, nil, err
			}
		}
		if publish != nil {
			return publish(s, e, meta)
		}
		return s, nil, nil
	}
}

// Since says that commits accepted before t are history: they are remembered, but
// not published. Without it an outbox that is added to a running system publishes
// everything that ever happened on each stream that something happens on.
func (o *Outbox[S]) Since(t time.Time) *Outbox[S] {
	o.since = t
	return o
}

// MemorySchema sets the version of the memory; see Manager.MemorySchema.
func (o *Outbox[S]) MemorySchema(version int) *Outbox[S] {
	o.setSchema(version)
	return o
}

// publication is the step of publishing an integration event.
type publication struct {
	of   *Integration
	data any
}

func (publication) step() {}
