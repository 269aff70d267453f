package schedule

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"daybook/dynamo"
	"daybook/localstack/wire"
)

// DefaultGroup is the schedule group there always is.
const DefaultGroup = "default"

// Options say where a server keeps its schedules and where they go. Client, Table
// and Send are required.
type Options struct {
	Client *dynamo.Client
	// Table is the full name of a table made from Table.
	Table string
	// Send sends a message to the queue of an ARN, without a deduplication id.
	// It may be called again for the same schedule.
	Send func(ctx context.Context, arn, group, body string) error
	// Groups are the schedule groups there are, beside DefaultGroup.
	Groups []string
	// Region and Account appear in ARNs, us-east-1 and 000000000000 by default.
	Region, Account string
	// Backoff returns the rest after the n-th failure of a schedule to be sent,
	// from 1. By default it doubles from 1 s to 10 minutes.
	Backoff func(n int) time.Duration
	// Log takes the few lines worth an operator's attention, slog.Default by
	// default.
	Log *slog.Logger
}

// Server is an embedded EventBridge Scheduler. All methods are safe for
// concurrent use.
type Server struct {
	opts     Options
	store    *store
	groups   map[string]bool
	protocol *wire.Protocol

	// mu is held while a change is decided, kept and made.
	mu        sync.Mutex
	schedules map[string]*schedule     // by group/name
	due       *btree.BTreeG[*schedule] // those that fire, the first to do so first
	timer     *time.Timer              // of the first that is due
	firing    bool
	closed    bool

	background sync.WaitGroup
	ctx        context.Context
	cancel     context.CancelFunc
}

// schedule is a schedule in memory.
type schedule struct {
	record
	key      string
	at       time.Time // of the next try
	begun    time.Time // of the first
	failures int
}

// Open returns a server of the schedules in the table; those that fell due
// meanwhile fire at once.
func Open(ctx context.Context, o Options) (*Server, error) {
	o.Region, o.Account = cmp.Or(o.Region, "us-east-1"), cmp.Or(o.Account, "000000000000")
	o.Log = cmp.Or(o.Log, slog.Default())
	if o.Backoff == nil {
		o.Backoff = func(n int) time.Duration { return min(time.Second<<min(n-1, 20), 10*time.Minute) }
	}
	s := &Server{opts: o, protocol: newProtocol(), store: &store{client: o.Client, table: o.Table}, groups: map[string]bool{DefaultGroup: true}, schedules: map[string]*schedule{}, due: btree.NewBTreeGOptions(dueBefore, btree.Options{NoLocks: true})}
	for _, g := range o.Groups {
		s.groups[g] = true
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.timer = time.AfterFunc(time.Hour, s.fire)
	s.timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.store.scan(ctx, func(key string, r record) error {
		s.hold(&schedule{record: r, key: key})
		return nil
	})
	if err != nil {
		s.cancel()
		return nil, err
	}
	s.wait()
	return s, nil
}

// Close waits for the schedule that is just being sent and fires no more. What
// was not sent is sent after the next start.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.mu.Unlock()
	s.cancel()
	s.background.Wait()
}

// hold puts a schedule into memory, in place of one of its name. The lock is held.
func (s *Server) hold(x *schedule) {
	s.release(x.key)
	s.schedules[x.key] = x
	at, err := x.when()
	if err != nil { // it was checked before it was kept
		s.opts.Log.Error("embedded scheduler: a schedule can't fire", "schedule", x.key, "error", err)
		return
	}
	x.at = at
	if !x.Done && x.State == "ENABLED" {
		s.due.Set(x)
	}
}

// release takes a schedule out of memory. The lock is held.
func (s *Server) release(key string) {
	if x := s.schedules[key]; x != nil {
		s.due.Delete(x)
		delete(s.schedules, key)
	}
}

// wait sets the timer to the first schedule that is due. The lock is held.
func (s *Server) wait() {
	first, ok := s.due.Min()
	if s.closed || s.firing || !ok {
		s.timer.Stop()
		return
	}
	s.timer.Reset(time.Until(first.at))
}

// fire sends what is due, one after the other.
func (s *Server) fire() {
	s.mu.Lock()
	if s.closed || s.firing {
		s.mu.Unlock()
		return
	}
	s.firing = true
	s.background.Add(1)
	defer s.background.Done()
	for x, ok := s.due.Min(); !s.closed && ok && !x.at.After(time.Now()); x, ok = s.due.Min() {
		if x.begun.IsZero() {
			x.begun = time.Now()
		}
		s.mu.Unlock()
		err := s.opts.Send(s.ctx, x.Target.Arn, x.Target.group(), x.Target.Input)
		s.mu.Lock()
		s.sent(x, err)
	}
	s.firing = false
	s.wait()
	s.mu.Unlock()
}

// sent records the outcome of sending a schedule: it is complete, or is retried,
// or is given up. The lock is held.
func (s *Server) sent(x *schedule, err error) {
	if due, ok := s.due.Get(x); !ok || due != x { // it was deleted or changed meanwhile
		return
	}
	if err != nil && s.ctx.Err() != nil { // it is retried after the next start
		return
	}
	age, retries := x.Target.bounds()
	if err != nil && x.failures < retries {
		pause := s.opts.Backoff(x.failures + 1)
		if time.Now().Add(pause).Sub(x.begun) <= age {
			x.failures++
			s.opts.Log.Warn("embedded scheduler: a schedule can't be sent yet", "schedule", x.key, "failures", x.failures, "error", err)
			s.again(x, pause)
			return
		}
	}
	if err != nil {
		s.opts.Log.Error("embedded scheduler: a schedule is given up", "schedule", x.key, "failures", x.failures+1, "error", err)
	}
	if err := s.complete(x); err != nil { // sent again is better than forgotten
		s.opts.Log.Warn("embedded scheduler: a schedule can't be completed", "schedule", x.key, "error", err)
		s.again(x, s.opts.Backoff(1))
	}
}

// again makes a schedule due after a pause. The lock is held.
func (s *Server) again(x *schedule, pause time.Duration) {
	s.due.Delete(x)
	x.at = time.Now().Add(pause)
	s.due.Set(x)
}

// complete removes a schedule, or keeps it as one that is done. The lock is held.
func (s *Server) complete(x *schedule) error {
	if x.ActionAfterCompletion == "DELETE" {
		if err := s.store.remove(s.ctx, x.key); err != nil {
			return err
		}
		s.release(x.key)
		return nil
	}
	done := x.record
	done.Done = true
	if err := s.store.put(s.ctx, x.key, done); err != nil {
		return err
	}
	s.due.Delete(x)
	x.record = done
	return nil
}

// dueBefore orders schedules by the time at which they are due.
func dueBefore(a, b *schedule) bool {
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.key < b.key
}
