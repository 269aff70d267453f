package mapping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
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
	name, streamARN, functionARN string

	source      Source
	function    Function
	settings    Settings
	destination Destination
	checkpoints *checkpoints
	activity    func(shard string) <-chan struct{}
	poll        time.Duration
	discover    time.Duration
	grace       time.Duration
	backoff     func(int) time.Duration
	log         *slog.Logger
}

// New returns a mapping, or an error that names what its options lack.
func New(o Options) (*Mapping, error) {
	if o.Source == nil || o.Function == nil {
		return nil, errors.New("an event source mapping needs a source and a function")
	}
	if err := o.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("event source mapping %s: %w", o.Name, err)
	}
	m := &Mapping{
		name: o.Name, streamARN: o.StreamARN, functionARN: o.FunctionARN,
		source: o.Source, function: o.Function, settings: o.Settings, destination: o.Destination,
		activity: o.Activity, poll: o.Poll, discover: o.Discover, grace: o.Grace, backoff: o.Backoff, log: o.Log,
	}
	if m.log == nil {
		m.log = slog.Default()
	}
	if m.poll == 0 {
		m.poll = 250 * time.Millisecond
		if m.activity != nil {
			m.poll = 2 * time.Second
		}
	}
	if m.activity == nil {
		m.activity = func(string) <-chan struct{} { return nil }
	}
	if m.discover == 0 {
		m.discover = 10 * time.Second
	}
	if m.grace == 0 {
		m.grace = 5 * time.Second
	}
	if m.backoff == nil {
		m.backoff = backoff
	}
	m.checkpoints = loadCheckpoints(o.CheckpointFile, o.StreamARN, m.log)
	return m, nil
}

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
		wait := m.discover
		if err := m.start(ctx, &workers, running, ended); err != nil && ctx.Err() == nil {
			failures++
			wait = m.backoff(failures)
			m.log.Warn("the stream's shards can't be listed", "mapping", m.name, "error", err)
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
	shards, err := m.source.Shards(ctx)
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

// invocation is the context of one invocation: it ends with the function's
// time-out, and the grace period after ctx.
func invocation(ctx context.Context, timeout, grace time.Duration) (context.Context, context.CancelFunc) {
	ictx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	unhook := context.AfterFunc(ctx, func() {
		_ = sleep(ictx, grace)
		cancel()
	})
	return ictx, func() { unhook(); cancel() }
}

// backoff doubles from 100 ms to 30 s, and takes a random part between a half
// and the whole of it.
func backoff(n int) time.Duration {
	full := min(100*time.Millisecond<<min(n-1, 20), 30*time.Second)
	return full/2 + rand.N(full/2)
}
