package queue

import (
	"strings"
	"time"

	"github.com/tidwall/btree"
)

// dedupInterval is how long a queue remembers deduplication ids.
const dedupInterval = 5 * time.Minute

// message is one message. The server's lock guards what changes of it.
type message struct {
	id         string
	sequence   uint64
	group      *group
	dedup      string
	body       string
	parts      int // further items of the table that it goes on in
	attributes messageAttributes
	sent       time.Time
	source     string // ARN of the queue that it was moved from

	receives int
	first    time.Time // received

	receipt string    // of the last receive; "" when not in flight
	visible time.Time // end of its flight
}

// group is one message group with messages in the queue.
type group struct {
	id       string
	messages []*message // not deleted, in the order of their sequence
	flights  int        // of them in flight: while there are any, the group is locked
	ready    bool       // in the queue's list of groups to receive from
}

// sentMessage is the record of a message by its deduplication key, whether or
// not it is still there.
type sentMessage struct {
	key      string
	id       string
	sequence uint64
	sent     time.Time
}

// queue is one FIFO queue in memory.
type queue struct {
	name string
	settings
	created, changed, purged time.Time

	groups   map[string]*group
	ready    []*group // may have something to receive, each once, first in first served
	messages map[uint64]*message
	flights  *btree.BTreeG[*message] // in flight, the first to end it first
	landing  *time.Timer             // of the first flight to end
	known    map[string]sentMessage  // by deduplication key
	forget   []sentMessage           // known, in the order in which it was sent
	moves    []*move                 // from it, the latest first
	wake     chan struct{}           // closed when there may be something to receive
}

func (s *Server) newQueue(name string, set settings, now time.Time) *queue {
	q := &queue{
		name: name, settings: set, created: now, changed: now, groups: map[string]*group{},
		messages: map[uint64]*message{}, flights: btree.NewBTreeGOptions(flyingBefore, btree.Options{NoLocks: true}), known: map[string]sentMessage{}, wake: make(chan struct{}),
	}
	q.landing = time.AfterFunc(time.Hour, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		q.expire(time.Now())
	})
	q.landing.Stop()
	return q
}

// dedupKey is what a message is known by: its id, within its group if the
// queue's scope is that.
func (q *queue) dedupKey(group, id string) string {
	if q.DeduplicationScope == "messageGroup" {
		return group + "\x00" + id
	}
	return id
}

// duplicate returns what is known of a message that was sent with the same key
// within the interval.
func (q *queue) duplicate(key string, now time.Time) (sentMessage, bool) {
	for len(q.forget) > 0 && now.Sub(q.forget[0].sent) >= dedupInterval {
		old := q.forget[0]
		if q.known[old.key] == old {
			delete(q.known, old.key)
		}
		q.forget = q.forget[1:]
	}
	r, ok := q.known[key]
	return r, ok
}

// remember makes m known by its deduplication id.
func (q *queue) remember(m *message) {
	r := sentMessage{key: q.dedupKey(m.group.id, m.dedup), id: m.id, sequence: m.sequence, sent: m.sent}
	q.known[r.key] = r
	q.forget = append(q.forget, r)
}

// groupOf returns the group of that id, made when it is not there.
func (q *queue) groupOf(id string) *group {
	g := q.groups[id]
	if g == nil {
		g = &group{id: id}
	}
	return g
}

// add puts a message, whose sequence is the highest of all, into its group.
func (q *queue) add(m *message) {
	g := m.group
	q.groups[g.id] = g
	g.messages = append(g.messages, m)
	q.messages[m.sequence] = m
	q.offer(g)
}

// offer lists a group that has messages and none in flight, and wakes who waits.
func (q *queue) offer(g *group) {
	if g.ready || g.flights > 0 || len(g.messages) == 0 {
		return
	}
	g.ready = true
	q.ready = append(q.ready, g)
	close(q.wake)
	q.wake = make(chan struct{})
}

// remove takes a message out of its group.
func (q *queue) remove(m *message) {
	if m.receipt != "" {
		q.land(m)
	}
	g := m.group
	for i, other := range g.messages {
		if other == m {
			if i == 0 { // mostly: keep the slice's room
				g.messages[0] = nil
				g.messages = g.messages[1:]
			} else {
				g.messages = append(g.messages[:i], g.messages[i+1:]...)
			}
			break
		}
	}
	delete(q.messages, m.sequence)
	if len(g.messages) == 0 {
		delete(q.groups, g.id)
	}
	q.offer(g)
}

// fly takes a message into flight until a time.
func (q *queue) fly(m *message, receipt string, until time.Time) {
	m.receipt, m.visible = receipt, until
	m.group.flights++
	q.flights.Set(m)
	q.schedule()
}

// schedule sets the timer to the end of the first flight.
func (q *queue) schedule() {
	if first, ok := q.flights.Min(); ok {
		q.landing.Reset(time.Until(first.visible))
	} else {
		q.landing.Stop()
	}
}

// land ends a message's flight.
func (q *queue) land(m *message) {
	q.flights.Delete(m)
	m.receipt = ""
	m.group.flights--
	q.offer(m.group)
}

// expire ends the flights whose time is over.
func (q *queue) expire(now time.Time) {
	for first, ok := q.flights.Min(); ok && !first.visible.After(now); first, ok = q.flights.Min() {
		q.land(first)
	}
	q.schedule()
}

// inFlight finds a message by its receipt handle: nil for one that is deleted,
// an error for a handle that is of no use any more.
func (q *queue) inFlight(handle string) (*message, error) {
	name, sequence, receipt, ok := parseHandle(handle)
	if !ok || name != q.name {
		return nil, clientError("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	m := q.messages[sequence]
	if m != nil && m.receipt != receipt {
		return nil, invalidParameter("ReceiptHandle", handle, "The receipt handle has expired.")
	}
	return m, nil
}

// flyingBefore orders messages in flight by the time at which they end it.
func flyingBefore(a, b *message) bool {
	if !a.visible.Equal(b.visible) {
		return a.visible.Before(b.visible)
	}
	return a.sequence < b.sequence
}

// isFIFO reports whether a name is one of a FIFO queue.
func isFIFO(name string) bool { return strings.HasSuffix(name, ".fifo") }
