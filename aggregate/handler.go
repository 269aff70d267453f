package aggregate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"slices"
	"time"

	"daybook/events"
)

// Handler handles commands: it loads a stream's state, decides, and appends. It
// keeps warm streams, so one Handler lives as long as its process. It is safe
// for concurrent use.
type Handler struct {
	store      events.Store
	aggregates map[string]Aggregate   // by name
	commands   map[string]Description // by name
	described  []Description
	cache      *cache
	opts       Options
}

// NewHandler returns a handler of the commands of the given aggregates. Faults
// in their declarations, and names declared twice, are returned joined.
func NewHandler(store events.Store, aggregates []Aggregate, opts *Options) (*Handler, error) {
	h := &Handler{
		store:      store,
		aggregates: map[string]Aggregate{},
		commands:   map[string]Description{},
		opts:       opts.withDefaults(),
	}
	h.cache = newCache(h.opts.CacheBytes)
	var errs []error
	for _, a := range aggregates {
		errs = append(errs, a.declared())
		if _, ok := h.aggregates[a.Name()]; ok {
			errs = append(errs, fmt.Errorf("aggregate %q is declared twice: give one of them another name", a.Name()))
		}
		h.aggregates[a.Name()] = a
		for _, c := range a.Describe() {
			if _, ok := h.commands[c.Name]; ok {
				errs = append(errs, fmt.Errorf("command %q is declared twice: give one of them another name", c.Name))
			}
			h.commands[c.Name] = c
			h.described = append(h.described, c)
		}
	}
	_, err := Codec(aggregates)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return h, nil
}

// Codec returns the codec of all events of the given aggregates.
func Codec(aggregates []Aggregate) (*events.Codec, error) {
	var types []events.Type
	for _, a := range aggregates {
		types = append(types, a.Events()...)
	}
	return events.NewCodec(types...)
}

// Describe returns the commands in the order of declaration.
func (h *Handler) Describe() []Description { return slices.Clone(h.described) }

// Handle handles one command. Its error is an *events.Error: a domain rejection
// (Rejected), malformed, tenant-required, unknown-command, version-conflict, already-taken, busy,
// idempotency-key-reused, too-large, unavailable, canceled or internal. After
// unavailable the command may have been accepted or not; sending it again with
// the same command id is safe.
func (h *Handler) Handle(ctx context.Context, c Command) (Result, error) {
	p := h.Prepare(c)
	ctx = h.opts.Begin(ctx, &p.Command)
	switch {
	case p.Err != nil:
	case p.streams != nil:
		h.handleAcross(ctx, p, p.surelyNew)
	default:
		known := unknown
		if p.surelyNew {
			known = absent
		}
		h.handleStream(ctx, p.Stream, []*Attempt{p}, known, false)
	}
	h.observe(ctx, p)
	return p.Result, p.Err
}

// read is Prepare without its guard.
func (h *Handler) read(p *Attempt) {
	c := p.Command
	if p.Err = events.CheckTenant(h.opts.Tenants, c.Tenant); p.Err != nil {
		return
	}
	description, ok := h.commands[c.Name]
	if !ok {
		p.Err = events.Errorf(events.CodeUnknownCommand, "there is no command %q", c.Name)
		return
	}
	p.creates = description.Creates
	p.aggregate = h.aggregates[description.Aggregate]
	p.keeps = p.aggregate.keepsCommand(c.Name)
	generated := c.CommandID == ""
	if generated {
		p.Command.CommandID = h.opts.NewID()
	} else if p.Err = events.ValidateID("/commandId", c.CommandID); p.Err != nil {
		return
	}
	if c.ID == "" && description.Creates {
		p.Command.ID = deriveID(description.Aggregate, p.Command.CommandID)
		p.surelyNew = generated
	} else if p.Err = events.ValidateID("/id", c.ID); p.Err != nil {
		return
	}
	if v := c.ExpectedVersion; v != nil && *v < 0 {
		p.Err = events.Malformed("/expectedVersion", "must be at least 0")
		return
	}
	p.Stream = events.StreamOf(description.Aggregate, p.Command.ID).In(c.Tenant)
	p.Digest = p.Command.Digest()
	var carried jsontext.Value
	if p.ready, carried, p.Err = p.aggregate.read(c.Name, p.Stream, c.Payload); p.Err != nil {
		return
	}
	if carried != nil {
		p.Command.Payload = carried
	}
	p.keyed, p.lasts = !generated, description.IdempotentFor
	p.once = description.OnceOnly && !generated
	p.key = digest(p.Command.CommandID)
	if description.Across {
		p.streams, p.Err = h.streamsOf(p)
	}
}

// meta is what a decision about the command may know.
func (p *Attempt) meta(version int64, now time.Time) Meta {
	return Meta{ID: p.Command.ID, Version: version, Time: now, Actor: p.Command.Actor, CommandID: p.Command.CommandID}
}

// deriveID makes the id of an aggregate from the id of the command that creates
// it: 128 bits of a SHA-256 in hexadecimal.
func deriveID(aggregate, commandID string) string {
	sum := sha256.Sum256([]byte("daybook id\x00" + aggregate + "\x00" + commandID))
	return hex.EncodeToString(sum[:16])
}

func (h *Handler) observe(ctx context.Context, p *Attempt) {
	h.opts.Observe(ctx, Observation{
		Command:   p.Command.Name,
		Stream:    p.Stream,
		CommandID: p.Command.CommandID,
		Trace:     events.TraceParent(p.Command.Trace),
		Err:       p.Err,
		Replayed:  p.Result.Replayed,
		Conflicts: p.conflicts,
		Loads:     p.loads,
	})
}

// StreamOf returns the stream of a declared command to the aggregate of the given
// id, which may be empty for a command that creates: it is then derived from the
// command's id.
func StreamOf(d Description, id, commandID string) events.Stream {
	if id == "" {
		id = deriveID(d.Aggregate, commandID)
	}
	return events.StreamOf(d.Aggregate, id)
}
