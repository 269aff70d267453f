package fulfilment_test

import (
	"context"
	"errors"
	"sync/atomic"

	"daybook/aggregate"
	"daybook/events"
	"daybook/process"
	"daybook/process/processtest"
)

// life is that of a process: it ends after some calls to the outside, and then
// nothing that the process does has an effect any more.
type life struct {
	left atomic.Int64 // calls
	end  ending
	hang func(func())
}

// ending is the outcome of the last call.
type ending int

const (
	unsent  ending = iota // it does not take effect
	unheard               // it takes effect, and its answer is lost
	belated               // it takes effect at some later time
)

func (l *life) dead() bool { return l.left.Load() < 0 }

var errDead = events.Errorf(events.CodeUnavailable, "the process is dead")

// call does something to the outside, unless the process is dead.
func call[T any](l *life, do func() (T, error)) (T, error) {
	left := l.left.Add(-1)
	if left >= 0 {
		return do()
	}
	if left == -1 && l.end == unheard {
		_, _ = do()
	}
	if left == -1 && l.end == belated {
		l.hang(func() { _, _ = do() })
	}
	var none T
	return none, errDead
}

func call0(l *life, do func() error) error {
	_, err := call(l, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// mortal is a store as a process reaches it while it lives.
type mortal struct {
	events.Store
	life *life
}

func (m mortal) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	return call(m.life, func() ([]events.Commit, error) { return m.Store.Load(ctx, stream, snapshot) })
}

func (m mortal) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	return call(m.life, func() (events.Commit, error) { return m.Store.Append(ctx, at, c) })
}

func (m mortal) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	return call(m.life, func() ([]events.Commit, error) { return m.Store.AppendAll(ctx, as) })
}

func (m mortal) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	return call(m.life, func() ([]events.Commit, error) { return m.Store.Read(ctx, stream, from, limit) })
}

// mortalLedger is a ledger as a process reaches it while it lives.
type mortalLedger struct {
	*processtest.Memory
	life *life
}

func (m mortalLedger) Load(ctx context.Context, keys []process.Key) ([]*process.Entry, error) {
	return call(m.life, func() ([]*process.Entry, error) { return m.Memory.Load(ctx, keys) })
}

func (m mortalLedger) Save(ctx context.Context, e process.Entry) error {
	return call0(m.life, func() error { return m.Memory.Save(ctx, e) })
}

// timers are those of the world, as a process reaches them while it lives.
type timers struct {
	w    *world
	life *life
}

func (s timers) Set(_ context.Context, t process.Timer) error {
	return call0(s.life, func() error {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.w.timers[t.Name] = t
		return nil
	})
}

func (s timers) Cancel(_ context.Context, name string) error {
	return call0(s.life, func() error {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		delete(s.w.timers, name)
		return nil
	})
}

// commands hands commands to the aggregates.
type commands struct{ handler *aggregate.Handler }

// mortalCommands are commands as a process sends them while it lives.
type mortalCommands struct {
	commands
	life  *life
	clean commands // that handle what hung
}

func (m mortalCommands) Handle(ctx context.Context, r process.Request) error {
	if m.life.left.Add(-1) == -1 && m.life.end == belated {
		m.life.hang(func() { _ = m.clean.Handle(ctx, r) })
	}
	if m.life.dead() {
		return errDead
	}
	return m.commands.Handle(ctx, r)
}

func (c commands) Handle(ctx context.Context, r process.Request) error {
	_, err := c.handler.Handle(ctx, aggregate.Command{
		Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID,
		Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation,
	})
	return err
}

func errorOf(err error) (*events.Error, bool) { return errors.AsType[*events.Error](err) }
