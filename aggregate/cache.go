package aggregate

import (
	"container/list"
	"context"
	"sync"

	"daybook/events"
)

// cache keeps warm streams, least recently used out first, within a bound of
// bytes. It is safe for concurrent use.
type cache struct {
	limit int

	mu    sync.Mutex
	used  int
	items map[events.Stream]*list.Element // of *entry
	order *list.List                      // most recently used in front
}

func newCache(limit int) *cache {
	return &cache{limit: limit, items: map[events.Stream]*list.Element{}, order: list.New()}
}

// entry is one warm stream. The holder of its lock owns all else in it; the
// lock is a channel so that waiting ends with a context.
type entry struct {
	lock   chan struct{}
	stream events.Stream // never changes
	size   int           // bytes accounted for, owned by the cache

	warm     bool  // state is that of position, which existed when it was read
	personal bool  // state may hold personal values
	since    int64 // when it was loaded, Unix milliseconds
	state    state
	position events.Position
	memory   memory
	gathered int   // bytes of commits since the last snapshot
	snapshot int   // bytes of that snapshot
	carrier  int64 // number of the commit that carries it; 0 for none
	clock    int64 // time of the last commit, Unix milliseconds
	bytes    int   // of the events the state was folded from: a measure of its size
}

// acquire returns the entry of stream, locked. Its error has code canceled.
func (c *cache) acquire(ctx context.Context, stream events.Stream) (*entry, error) {
	c.mu.Lock()
	element, ok := c.items[stream]
	if ok {
		c.order.MoveToFront(element)
	} else {
		element = c.order.PushFront(&entry{lock: make(chan struct{}, 1), stream: stream, position: events.Start(stream)})
		c.items[stream] = element
	}
	c.mu.Unlock()
	e := element.Value.(*entry)
	select {
	case e.lock <- struct{}{}:
		return e, nil
	case <-ctx.Done():
		return nil, events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
}

// release unlocks e and accounts for its size. An entry put out while it is in
// use serves on; its stream is then loaded again by the next command.
func (c *cache) release(stream events.Stream, e *entry) {
	size := e.footprint()
	<-e.lock
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.items[stream]
	if !ok || element.Value.(*entry) != e {
		return
	}
	c.used += size - e.size
	e.size = size
	for c.used > c.limit && c.order.Len() > 0 {
		oldest := c.order.Back()
		out := oldest.Value.(*entry)
		c.used -= out.size
		c.order.Remove(oldest)
		delete(c.items, out.stream)
	}
}

// warm reports whether the stream is in the cache, without waiting for it.
func (c *cache) has(stream events.Stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.items[stream]
	return ok
}

// footprint estimates the bytes an entry holds: what its events say, the commands
// it remembers, and the structures around it.
func (e *entry) footprint() int {
	return 512 + len(e.position.Stream()) + e.bytes + e.memory.bytes()
}
