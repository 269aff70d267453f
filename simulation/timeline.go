package simulation

import (
	"cmp"
	"container/heap"
	"sync"
	"testing/synctest"
	"time"
)

// timeline orders everything that passes between parts of the system. A request and
// its answer are each an event with an instant of its own; the schedule lets one
// event happen, waits until all that it set off waits for further events or for time,
// and goes on with the next. So one task runs at a time, and the order does not
// depend on Go's scheduler: neither when several tasks wake at one instant, which
// testing/synctest leaves open.
type timeline struct {
	changed chan struct{} // has one element when there may be an earlier event
	stopped chan struct{}
	ended   sync.WaitGroup

	mu      sync.Mutex
	pending eventHeap
	steps   int
}

// event is something that happens at an instant. Of two at one instant the one whose
// name is first happens first; events of one instant and name happen together.
type event struct {
	at      time.Time
	name    string
	reached chan struct{} // closed when it happens
	index   int           // in the heap; -1 when it is not there
	twins   int           // how many events of this instant and name there were
}

func newTimeline() *timeline {
	s := &timeline{changed: make(chan struct{}, 1), stopped: make(chan struct{})}
	s.ended.Go(s.run)
	return s
}

// at enters an event. The caller waits for its channel.
func (s *timeline) at(at time.Time, name string) *event {
	e := &event{at: at, name: name, reached: make(chan struct{})}
	s.mu.Lock()
	heap.Push(&s.pending, e)
	first := s.pending[0] == e
	s.mu.Unlock()
	if first {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return e
}

// forget takes an event out that nobody waits for.
func (s *timeline) forget(e *event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.index >= 0 {
		heap.Remove(&s.pending, e.index)
	}
}

// stop ends the schedule; nothing that is left happens.
func (s *timeline) stop() {
	close(s.stopped)
	s.ended.Wait()
}

func (s *timeline) run() {
	for {
		wait, some := s.next()
		switch {
		case !some:
			select {
			case <-s.changed:
			case <-s.stopped:
				return
			}
		case wait > 0:
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-s.changed:
			case <-s.stopped:
				timer.Stop()
				return
			}
			timer.Stop()
		default:
			synctest.Wait() // timers of this instant have done what they do
			s.happen()
			synctest.Wait()
		}
	}
}

// next returns how long it is to the first event.
func (s *timeline) next() (wait time.Duration, some bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return 0, false
	}
	return time.Until(s.pending[0].at), true
}

// happen lets the first event happen, with its twins.
func (s *timeline) happen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 || s.pending[0].at.After(time.Now()) {
		return
	}
	s.steps++
	first := s.pending[0]
	var all []*event
	for len(s.pending) > 0 && s.pending[0].at.Equal(first.at) && s.pending[0].name == first.name {
		all = append(all, heap.Pop(&s.pending).(*event))
	}
	for _, e := range all {
		e.twins = len(all) - 1
		close(e.reached)
	}
}

// count returns how many events have happened; those of one instant and name are one.
func (s *timeline) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps
}

// eventHeap implements heap.Interface.
type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return cmp.Less(h[i].name, h[j].name)
}

func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
