package mapping

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"daybook/internal/jitter"
	"daybook/internal/sleep"
)

// Options configure a Mapping. Source, Function and Settings are required.
type Options struct {
	Name        string // of the mapping, in logs and in the destination
	StreamARN   string
	FunctionARN string
	Source      Source
	Function    Function
	Settings    Settings

	// Destination takes discarded batches; nil only logs them.
	Destination Destination
	// CheckpointFile keeps the checkpoints over a restart; "" keeps none, and a
	// restart begins at the oldest record.
	CheckpointFile string
	// Activity returns a channel that is closed at a shard's next change, so
	// that an idle mapping need not poll often. Nil: there is no such signal.
	Activity func(shard string) <-chan struct{}
	// Poll is how long a shard without records rests when no activity is
	// signalled: by default 250 ms, Lambda's rate, and 2 s with Activity.
	Poll time.Duration
	// Pace is the time between two reads of a shard that find records, in the long run, so
	// that records that come one after the other share a batch; 50 ms by default with
	// Activity. The first eight reads after a rest wait for nothing.
	Pace time.Duration
	// Discover is how often the shards are listed again; 10 s by default.
	Discover time.Duration
	// Grace is how long a batch in the function may go on when the mapping is
	// told to stop; 5 s by default.
	Grace time.Duration
	// Backoff returns the rest after the n-th failure in a row, from 1. By
	// default it doubles from 100 ms to 30 s, with jitter.
	Backoff func(n int) time.Duration
	// Log is where faults go; slog.Default by default.
	Log *slog.Logger
}

// Mapping feeds a function from a stream. Run it once.
type Mapping struct {
	Options
	checkpoints *checkpoints
}

// New returns a mapping, or an error that names what its options lack.
func New(o Options) (*Mapping, error) {
	if o.Source == nil || o.Function == nil {
		return nil, errors.New("an event source mapping needs a source and a function")
	}
	if err := o.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("event source mapping %s: %w", o.Name, err)
	}
	poll, pace := 2*time.Second, 50*time.Millisecond
	if o.Activity == nil {
		o.Activity, poll, pace = func(string) <-chan struct{} { return nil }, 250*time.Millisecond, 0
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	o.Poll, o.Pace, o.Discover, o.Grace = cmp.Or(o.Poll, poll), cmp.Or(o.Pace, pace), cmp.Or(o.Discover, 10*time.Second), cmp.Or(o.Grace, defaultGrace)
	o.Log = cmp.Or(o.Log, slog.Default())
	return &Mapping{o, loadCheckpoints(o.CheckpointFile, o.StreamARN, o.Log)}, nil
}

// defaultGrace is the default of Options.Grace and QueueOptions.Grace.
const defaultGrace = 5 * time.Second

// Run feeds the function until ctx ends. A batch that is in the function then
// may end within the grace period; its records are delivered again if it
// doesn't. Run returns when all workers have ended and the checkpoints are
// written.
func (m *Mapping) Run(ctx context.Context) {
	defer m.checkpoints.flush()
	var workers sync.WaitGroup
	defer workers.Wait()
	ended := make(chan string)
	running := make(map[string]bool)
	for failures := 0; ; {
		wait := m.Discover
		if err := m.start(ctx, &workers, running, ended); err != nil && ctx.Err() == nil {
			failures++
			wait = m.Backoff(failures)
			m.Log.Warn("the stream's shards can't be listed", "mapping", m.Name, "error", err)
		} else {
			failures = 0
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case shard := <-ended: // its children may begin
			delete(running, shard)
		case <-timer.C:
		}
		timer.Stop()
	}
}

// start starts a worker for each shard that has none and whose parent is done.
func (m *Mapping) start(ctx context.Context, workers *sync.WaitGroup, running map[string]bool, ended chan<- string) error {
	shards, err := m.Source.Shards(ctx)
	if err != nil {
		return err
	}
	listed := make(map[string]bool, len(shards))
	for _, s := range shards {
		listed[s.ID] = true
	}
	m.checkpoints.keep(listed)
	for _, s := range shards {
		if running[s.ID] || m.checkpoints.get(s.ID).Done {
			continue
		}
		if listed[s.Parent] && !m.checkpoints.get(s.Parent).Done {
			continue
		}
		running[s.ID] = true
		workers.Go(func() {
			w := worker{delivery: delivery{Mapping: m, shard: s.ID}}
			w.run(ctx)
			select {
			case ended <- s.ID:
			case <-ctx.Done():
			}
		})
	}
	return nil
}

// invoke invokes a function once. It ends with the function's time-out, and the
// grace period after ctx.
func invoke(ctx context.Context, f Function, event []byte, timeout, grace time.Duration) ([]byte, error) {
	ictx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		_ = sleep.For(ictx, grace)
		cancel()
	})()
	answer, err := f(ictx, event)
	if err == nil {
		err = ictx.Err()
	}
	return answer, err
}

// backoff doubles from 100 ms to 30 s, and takes a random part between a half
// and the whole of it.
func backoff(n int) time.Duration {
	full := min(100*time.Millisecond<<min(n-1, 20), 30*time.Second)
	return full/2 + jitter.Below(full/2)
}
