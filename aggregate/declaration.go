package aggregate

import (
	"cmp"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"daybook/events"
	"daybook/events/schema"
)

// declaration is what a Definition holds besides the type of its state. Its code
// is in a program once, and not again for each state, event and command: a
// function must stay small.
type declaration struct {
	name   string
	schema int
	types  []events.Type
	names  map[reflect.Type]string
	order  []Description
	lasts  time.Duration  // for which the repeat of a command is recognised, unless it says otherwise
	keeps  bool           // accepted commands beside their events
	rules  []func() error // check the state's type and derive the rules of payloads, which a cold start must not pay for
	errs   []error

	codec func() (*events.Codec, error)
}

func newDeclaration(name string, state reflect.Type) *declaration {
	d := &declaration{name: name, schema: 1, lasts: DefaultIdempotentFor, names: map[reflect.Type]string{}}
	d.codec = sync.OnceValues(func() (*events.Codec, error) { return events.NewCodec(d.types...) })
	d.check(events.ValidateName("aggregate", name))
	d.rules = append(d.rules, func() error {
		if path := schema.LostField(state); path != "" {
			return fmt.Errorf("field %s of state %v is not kept by its JSON, so a snapshot would lose it", path, state)
		}
		return nil
	})
	return d
}

func (d *declaration) setIdempotentFor(t time.Duration) {
	d.check(checkIdempotentFor(t))
	d.lasts = t
}

// checkIdempotentFor reports a time that is out of bounds: below it, the status of
// a queued command (async.StatusKept) would tell of an answer that its stream has
// forgotten.
func checkIdempotentFor(t time.Duration) error {
	if t < DefaultIdempotentFor || t > events.OnceOnlyFor {
		return fmt.Errorf("IdempotentFor(%v): a repeat is recognised for %v to %v", t, DefaultIdempotentFor, events.OnceOnlyFor)
	}
	return nil
}

// idempotentFor is the longest time for which a repeat of any command of the
// aggregate is recognised.
func (d *declaration) idempotentFor() time.Duration {
	longest := d.lasts
	for _, c := range d.order {
		longest = max(longest, c.IdempotentFor)
	}
	return longest
}

// keepsCommand reports whether the accepted command is kept beside its events.
func (d *declaration) keepsCommand(name string) bool {
	return d.keeps && !slices.ContainsFunc(d.order, func(c Description) bool { return c.Name == name && c.notKept })
}

func (d *declaration) setSchema(version int) {
	if version < 1 {
		d.check(fmt.Errorf("state schema version %d is below 1", version))
	}
	d.schema = version
}

// event declares an event of a Go type.
func (d *declaration) event(name string, t reflect.Type, upcasters []events.Upcaster) {
	if other, ok := d.names[t]; ok {
		d.check(fmt.Errorf("events %q and %q have the same Go type %v", other, name, t))
	}
	d.names[t] = name
	d.types = append(d.types, events.Type{Name: name, Go: t, Upcasters: upcasters})
}

// command declares a command and returns how to get at the rules of its payload,
// an error of code internal where they can't be derived. They are derived when
// first asked for: a cold start must not pay for commands that it never meets.
func (d *declaration) command(name string, payload reflect.Type, across bool, derive func() (*schema.Schema, error), opts []CommandOption) (Description, func() (*schema.Schema, error)) {
	d.check(events.ValidateName("command", name))
	if slices.ContainsFunc(d.order, func(c Description) bool { return c.Name == name }) {
		d.check(fmt.Errorf("command %q is declared twice: give one of them another name", name))
	}
	rules := sync.OnceValues(func() (*schema.Schema, error) {
		rules, err := derive()
		if err != nil {
			return nil, fmt.Errorf("command %q: %w", name, err)
		}
		return rules, nil
	})
	d.rules = append(d.rules, func() error { _, err := rules(); return err })
	description := Description{Name: name, Aggregate: d.name, Go: payload, Across: across, Schema: func() jsontext.Value {
		if rules, err := rules(); err == nil {
			return rules.JSON()
		}
		return nil
	}}
	for _, opt := range opts {
		opt(&description)
	}
	if description.IdempotentFor != 0 {
		d.check(checkIdempotentFor(description.IdempotentFor))
	}
	d.check(checkAccess(description))
	if description.Erases {
		d.check(d.checkErases(description))
	}
	d.order = append(d.order, description)
	return description, func() (*schema.Schema, error) {
		rules, err := rules()
		if err != nil {
			return nil, events.Wrap(events.CodeInternal, err, "the command's declaration is invalid")
		}
		return rules, nil
	}
}

// checkAccess reports who-may-send options that contradict each other or can't be
// kept.
func checkAccess(c Description) error {
	switch {
	case c.scoped && c.Internal:
		return fmt.Errorf("command %q is internal and has scope %q: nobody sends it over HTTP, so remove one of the two", c.Name, c.Scope)
	case c.scoped && !validScope(c.Scope):
		return fmt.Errorf(`command %q: scope %q must have 1 to 128 letters, digits and characters of ".:/_-"`, c.Name, c.Scope)
	}
	return nil
}

// checkErases reports a command with Erases that can't be sent, or is a second one.
func (d *declaration) checkErases(c Description) error {
	if i := slices.IndexFunc(d.order, func(o Description) bool { return o.Erases }); i >= 0 {
		return fmt.Errorf("commands %q and %q both have Erases: an aggregate has at most one, so remove it from one of them", d.order[i].Name, c.Name)
	}
	if c.Go.Kind() != reflect.Struct || c.Go.NumField() > 0 {
		return fmt.Errorf("command %q has Erases and a payload, but it is sent without one: declare the command without fields", c.Name)
	}
	return nil
}

// validScope reports whether a scope can be given in a token (RFC 6749, 3.3), in a
// setting and in a header without quoting.
func validScope(scope string) bool {
	for _, c := range []byte(scope) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(".:/_-", c) < 0 {
			return false
		}
	}
	return scope != "" && len(scope) <= 128
}

// Name implements Aggregate.
func (d *declaration) Name() string { return d.name }

// Describe implements Aggregate.
func (d *declaration) Describe() []Description {
	order := append([]Description(nil), d.order...)
	for i := range order {
		order[i].IdempotentFor = cmp.Or(order[i].IdempotentFor, d.lasts)
	}
	return order
}

// Events implements Aggregate.
func (d *declaration) Events() []events.Type { return append([]events.Type(nil), d.types...) }

// Err implements Aggregate.
func (d *declaration) Err() error {
	errs := []error{d.declared()}
	for _, check := range d.rules {
		if err := check(); err != nil {
			errs = append(errs, fmt.Errorf("aggregate %q: %w", d.name, err))
		}
	}
	return errors.Join(errs...)
}

func (d *declaration) declared() error {
	_, err := d.codec()
	if err := errors.Join(append([]error{err}, d.errs...)...); err != nil {
		return fmt.Errorf("aggregate %q: %w", d.name, err)
	}
	return nil
}

func (d *declaration) check(err error) {
	if err != nil {
		d.errs = append(d.errs, err)
	}
}
