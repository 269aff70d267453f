package aggregate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
// (Rejected), malformed, unknown-command, version-conflict, already-taken, busy,
// idempotency-key-reused, too-large, unavailable, canceled or internal. After
// unavailable the command may have been accepted or not; sending it again with
// the same command id is safe.
func (h *Handler) Handle(ctx context.Context, c Command) (Result, error) {
	p := h.prepare(c)
	switch {
	case p.err != nil:
	case p.streams != nil:
		h.handleAcross(ctx, p, p.surelyNew)
	default:
		h.handleStream(ctx, p.stream, []*pending{p}, p.surelyNew, false)
	}
	h.observe(ctx, p)
	return p.result, p.err
}

// pending is a command on its way to an outcome.
type pending struct {
	command   Command
	stream    events.Stream
	aggregate Aggregate
	ready     ready
	key       events.Digest // of the command id
	digest    events.Digest
	creates   bool
	surelyNew bool            // its id was just generated, so its stream can't exist
	streams   []events.Stream // all that a command over several names, sorted; nil for one on its own
	keyed     bool            // its command id was given, so that it may be a repeat
	lasts     time.Duration   // for which a repeat is recognised
	once      bool            // a repeat is recognised whatever its stream has seen since
	looked    bool            // the store was asked whether it is spent
	spent     *events.Spent

	result    Result
	err       error
	held      bool // not tried: a command before it on its stream must be retried first
	conflicts int
	loads     int
}

// prepare validates a command and reads its payload, before anything is loaded.
func (h *Handler) prepare(c Command) (p *pending) {
	p = &pending{command: c}
	if err := events.Guard("reading the payload", func() { h.read(p) }); err != nil {
		p.err = err
	}
	return p
}

// read is prepare without its guard.
func (h *Handler) read(p *pending) {
	c := p.command
	description, ok := h.commands[c.Name]
	if !ok {
		p.err = events.Errorf(events.CodeUnknownCommand, "there is no command %q", c.Name)
		return
	}
	p.creates = description.Creates
	p.aggregate = h.aggregates[description.Aggregate]
	generated := c.CommandID == ""
	if generated {
		p.command.CommandID = h.opts.NewID()
	} else if p.err = events.ValidateID("/commandId", c.CommandID); p.err != nil {
		return
	}
	if c.ID == "" && description.Creates {
		p.command.ID = deriveID(description.Aggregate, p.command.CommandID)
		p.surelyNew = generated
	} else if p.err = events.ValidateID("/id", c.ID); p.err != nil {
		return
	}
	if v := c.ExpectedVersion; v != nil && *v < 0 {
		p.err = events.Malformed("/expectedVersion", "must be at least 0")
		return
	}
	p.stream = events.StreamOf(description.Aggregate, p.command.ID)
	if p.ready, p.err = p.aggregate.read(c.Name, c.Payload); p.err != nil {
		return
	}
	p.keyed, p.lasts = !generated, description.IdempotentFor
	p.once = description.OnceOnly && !generated
	p.key = digest(p.command.CommandID)
	p.digest = commandDigest(p.command)
	if description.Across {
		p.streams, p.err = h.streamsOf(p)
	}
}

// meta is what a decision about the command may know.
func (p *pending) meta(version int64, now time.Time) Meta {
	return Meta{ID: p.command.ID, Version: version, Time: now, Actor: p.command.Actor, CommandID: p.command.CommandID}
}

// deriveID makes the id of an aggregate from the id of the command that creates
// it: 128 bits of a SHA-256 in hexadecimal.
func deriveID(aggregate, commandID string) string {
	sum := sha256.Sum256([]byte("daybook id\x00" + aggregate + "\x00" + commandID))
	return hex.EncodeToString(sum[:16])
}

func (h *Handler) observe(ctx context.Context, p *pending) {
	h.opts.Observe(ctx, Observation{
		Command:   p.command.Name,
		Stream:    p.stream,
		CommandID: p.command.CommandID,
		Err:       p.err,
		Replayed:  p.result.Replayed,
		Conflicts: p.conflicts,
		Loads:     p.loads,
	})
}
