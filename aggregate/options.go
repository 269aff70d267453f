package aggregate

import (
	"cmp"
	"context"
	"time"
	"uuid"

	"daybook/events"
	"daybook/internal/jitter"
)

// Options sets what a Handler does; the zero value of each means its default.
type Options struct {
	// Tenants says that the application has tenants: every command has one then, and no
	// command has one otherwise.
	Tenants bool
	// Now is the clock, time.Now by default.
	Now func() time.Time
	// NewID makes commit ids and the ids of commands that came without one:
	// random UUIDs by default.
	NewID func() string
	// CacheBytes bounds the memory for warm streams, 32 MiB by default; a
	// negative value keeps none.
	CacheBytes int
	// Attempts is how often an append is tried at most before busy, 10 by default.
	Attempts int
	// SnapshotBytes is how many bytes of commits gather before a snapshot rides
	// in one, SnapshotBytes by default; a negative value takes none.
	SnapshotBytes int
	// Parallel is how many streams of a batch are handled at once, 16 by default.
	Parallel int
	// Begin, when not nil, is called once for each command before it is handled; it may
	// set the command's Trace. Observe gets the context that it returns, and so do the
	// store's calls for a command that is handled alone.
	Begin func(context.Context, *Command) context.Context
	// Observe is called once for each command handled, with the context it was
	// handled under, from any goroutine.
	Observe func(context.Context, Observation)
}

// SnapshotBytes is the default of Options.SnapshotBytes: the unit of a DynamoDB read.
const SnapshotBytes = 4096

// Observation tells what happened to one command, for metrics and logs.
type Observation struct {
	Command   string // declared name
	Stream    events.Stream
	CommandID string // as sent or generated
	Trace     string // W3C trace context; may be empty
	Err       error  // nil for an accepted command
	Replayed  bool   // the answer was a repeat
	Conflicts int    // appends that another writer was ahead of, while it was handled
	Loads     int    // reads of the stream
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.NewID == nil {
		d.NewID = func() string { return uuid.New().String() }
	}
	d.CacheBytes = cmp.Or(d.CacheBytes, 32<<20)
	if d.Attempts <= 0 {
		d.Attempts = 10
	}
	d.SnapshotBytes = cmp.Or(d.SnapshotBytes, SnapshotBytes)
	if d.Parallel <= 0 {
		d.Parallel = 16
	}
	if d.Begin == nil {
		d.Begin = func(ctx context.Context, _ *Command) context.Context { return ctx }
	}
	if d.Observe == nil {
		d.Observe = func(context.Context, Observation) {}
	}
	return d
}

// backoff is the wait before attempt n (from 1): full jitter under a bound that
// doubles from 5 ms to 200 ms.
func backoff(n int) time.Duration {
	bound := min(5*time.Millisecond<<min(n, 10), 200*time.Millisecond)
	return jitter.Below(bound)
}
