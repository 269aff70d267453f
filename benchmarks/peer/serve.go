package peer

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// Names of the clients in Go.
const (
	NameDaybook = "daybook"
	NameBare    = "bare-sdk"
	NameAdapter = "event-store-adapter-go"
)

// instance is a process's hold of an event store, as a function has it. Its methods
// prepare a call; the call is what is measured.
type instance interface {
	fill(ctx context.Context, id string, events int) error
	create(id string) (func(context.Context) error, error)
	append(id string, events int) (func(context.Context) error, error)
	// load's call returns how many entries the state counts.
	load(id string, events int) (func(context.Context) (int64, error), error)
}

// repeater is an instance that recognises a command that was sent before: calls for the
// same id send the same command.
type repeater interface {
	repeated(id string) (call func(context.Context) error, err error)
}

// variable is an instance of which a request can ask for another kind.
type variable interface {
	instance
	as(r Request) (instance, error)
}

// client makes instances that share connections.
type client struct {
	fresh func() (instance, error)
	warm  instance
}

// instance returns one that knows no stream.
func (c *client) instance(r Request) (instance, error) {
	of, err := c.fresh()
	if v, ok := of.(variable); ok && err == nil {
		return v.as(r)
	}
	return of, err
}

// Serve works as the client of the given name until in ends.
func Serve(ctx context.Context, name, endpoint, payloadFile string, in io.Reader, out io.Writer) error {
	p, err := readPayloads(payloadFile)
	if err != nil {
		return err
	}
	fresh, err := newInstances(name, endpoint, p)
	if err != nil {
		return err
	}
	c := &client{fresh: fresh}
	if c.warm, err = fresh(); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		reply, err := c.run(ctx, r)
		if err != nil {
			reply.Error = err.Error()
		}
		text, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return lines.Err()
}

func newInstances(name, endpoint string, p payloads) (func() (instance, error), error) {
	switch name {
	case NameDaybook:
		return daybookInstances(endpoint, p), nil
	case NameBare:
		return bareInstances(endpoint, p), nil
	case NameAdapter:
		return adapterInstances(endpoint, p), nil
	}
	return nil, fmt.Errorf("there is no client %q", name)
}

func (c *client) run(ctx context.Context, r Request) (reply Reply, err error) {
	switch r.Op {
	case Fill:
		return c.fill(ctx, r)
	case Contend:
		return c.contend(ctx, r)
	}
	calls := make([]func(context.Context) error, len(r.IDs))
	for i, id := range r.IDs {
		of := c.warm
		if r.Cold {
			if of, err = c.instance(r); err != nil {
				return reply, err
			}
		}
		if calls[i], err = prepare(of, r, id, &reply); err != nil || reply.Unsupported {
			return reply, err
		}
	}
	reply.measure(ctx, calls)
	return reply, nil
}

// prepare returns the call of one operation.
func prepare(of instance, r Request, id string, reply *Reply) (func(context.Context) error, error) {
	switch r.Op {
	case Create:
		return of.create(id)
	case Append:
		return of.append(id, r.Events)
	case Load:
		load, err := of.load(id, r.Events)
		return func(ctx context.Context) (err error) {
			reply.Seen, err = load(ctx)
			return err
		}, err
	case Repeat:
		repeats, ok := of.(repeater)
		if !ok {
			reply.Unsupported = true
			return nil, nil
		}
		return repeats.repeated(id)
	}
	return nil, fmt.Errorf("there is no operation %q", r.Op)
}

func (c *client) fill(ctx context.Context, r Request) (reply Reply, err error) {
	of, err := c.instance(r)
	if err != nil {
		return reply, err
	}
	for _, id := range r.IDs {
		if err := of.fill(ctx, id, r.Events); err != nil {
			return reply, err
		}
		reply.Ops++
	}
	return reply, nil
}

// attempts bounds the attempts of one contended append.
const attempts = 1000

func (c *client) contend(ctx context.Context, r Request) (reply Reply, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := processorTime()
	for range r.Writers {
		of, err := c.fresh()
		if err != nil {
			return reply, err
		}
		wg.Go(func() {
			for range r.Each {
				took, refused, err := insist(ctx, of, r.IDs[0])
				mu.Lock()
				reply.Ops++
				reply.Latency = append(reply.Latency, int64(took))
				reply.Refused += refused
				if err != nil {
					reply.Error = err.Error()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	reply.CPU = int64(processorTime() - begin)
	return reply, nil
}

// insist sends a command until it is accepted.
func insist(ctx context.Context, of instance, id string) (took time.Duration, refused int, err error) {
	begin := time.Now()
	for refused < attempts {
		call, err := of.append(id, 1)
		if err != nil {
			return time.Since(begin), refused, err
		}
		if err = call(ctx); err == nil {
			return time.Since(begin), refused, nil
		}
		refused++
	}
	return time.Since(begin), refused, fmt.Errorf("refused %d times", refused)
}

// measure runs calls and adds what they took.
func (r *Reply) measure(ctx context.Context, calls []func(context.Context) error) {
	cpu := processorTime()
	for _, call := range calls {
		begin := time.Now()
		err := call(ctx)
		r.Latency = append(r.Latency, int64(time.Since(begin)))
		if err != nil {
			r.Refused++
			r.Error = err.Error()
		}
	}
	r.CPU += int64(processorTime() - cpu)
	r.Ops += len(calls)
}

// processorTime is what this process has used, user and system.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // never: the arguments are constant
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
