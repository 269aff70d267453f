package simulation

import (
	"context"
	"fmt"
	"sync"
	"time"

	"daybook"
	"daybook/functions"
)

// instance is one instance of a function, with its caches, its clock and its way to
// the services.
type instance struct {
	name    string
	handler functions.Handler
	crashed chan struct{}
	dies    sync.Once

	mu    sync.Mutex
	until time.Time // it is frozen
}

// crash ends the instance: whatever it has begun stays as it is.
func (i *instance) crash() { i.dies.Do(func() { close(i.crashed) }) }

// freeze lets the instance stand still: no answer reaches it for a while.
func (i *instance) freeze(d time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if until := time.Now().Add(d); until.After(i.until) {
		i.until = until
	}
}

// awake is the first time from at on at which the instance takes an answer. What
// waits for it to thaw arrives in the order in which it would have.
func (i *instance) awake(at time.Time) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.until.After(at) {
		return i.until.Add(time.Until(at) / 1000)
	}
	return at
}

// fleet is the instances of one function. Each invocation goes to one of them, drawn
// by its name; a new one takes the place of one that has crashed.
type fleet struct {
	*system
	name  string
	build func(daybook.App, functions.Config) (functions.Handler, error)
	app   daybook.App

	mu    sync.Mutex
	slots []*instance
	born  int
	count int // of invocations that brought no name
}

func (s *system) fleet(name string, size int, build func(daybook.App, functions.Config) (functions.Handler, error)) *fleet {
	return &fleet{system: s, name: name, build: build, app: s.app, slots: make([]*instance, size)}
}

// deploy replaces all instances by ones of another program. Those that are at work
// finish it.
func (f *fleet) deploy(app daybook.App) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.app = app
	clear(f.slots)
}

// instanceFor returns the instance that takes an invocation.
func (f *fleet) instanceFor(id string) (*instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	random, _ := draw(f.network.seed, f.name+" takes "+id)
	slot := &f.slots[random.IntN(len(f.slots))]
	if i := *slot; i != nil {
		select {
		case <-i.crashed:
		default:
			return i, nil
		}
	}
	f.born++
	i := &instance{name: fmt.Sprintf("%s-%d", f.name, f.born), crashed: make(chan struct{})}
	c := f.config(i)
	var err error
	if i.handler, err = f.build(f.app, c); err != nil {
		return nil, err
	}
	*slot = i
	return i, nil
}

// invoke runs the function once. A crash of its instance, and the function's time-out,
// which ends the instance as Lambda does, are errors.
func (f *fleet) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	id := invocationOf(ctx)
	if id == "" {
		f.mu.Lock()
		f.count++
		id = fmt.Sprintf("#%d", f.count)
		f.mu.Unlock()
		ctx = invoked(ctx, id)
	}
	i, err := f.instanceFor(id)
	if err != nil {
		return nil, err
	}
	f.work.Add(1)
	type result struct {
		answer []byte
		err    error
	}
	done := make(chan result, 1)
	go func() {
		defer f.work.Done()
		answer, err := i.handler.Invoke(ctx, payload)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-i.crashed:
		err = errCrashed
	case <-ctx.Done():
		i.crash()
		err = ctx.Err()
	}
	// Each of the invocations that end with the instance ends at an instant of its own.
	random, _ := draw(f.network.seed, f.name+" ends "+id)
	f.network.pause(f.name+" "+id+" ends", time.Duration(random.Int64N(int64(2*time.Millisecond))))
	return nil, err
}
