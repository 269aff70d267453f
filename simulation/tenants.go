package simulation

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"maps"
	"slices"

	"daybook/events"
	"daybook/view"
	"daybook/view/projection"
)

// rowAnswer is a row that a client of a tenant got.
type rowAnswer struct {
	step
	stream  events.Stream // that the row follows, of the client's tenant
	version int64
	body    []byte
}

// readOwn reads the rows of a stream that a client of a tenant has written to.
func (c *client) readOwn(ctx context.Context, op *operation) {
	if c.tenant == "" || !op.accepted {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.rows)) {
		if slices.Equal(c.rows[name].Aggregates, []string{op.command.Aggregate}) {
			c.read(ctx, step{kind: readRow, name: op.name + " reads " + name, view: name, id: op.stream.ID()})
		}
	}
}

// ownAnswers compares the rows that clients got with what the streams of their own tenants
// make of them at that version.
func (c *checker) ownAnswers() {
	if c.deployed {
		return // which of two programs answered is not known
	}
	for _, a := range c.answers {
		if len(c.about[a.stream]) > 0 {
			continue // its personal values were erased at some time, before or after the answer
		}
		c.ownAnswer(c.app.View(a.view), a)
	}
}

func (c *checker) ownAnswer(v view.View, a rowAnswer) {
	fold, err := projection.NewFold(v, c.codec)
	if err != nil {
		c.fail(checkRun, "view %s: %v", a.view, err)
		return
	}
	own := c.commits[a.stream]
	for n, commit := range own {
		if commit.Version > a.version {
			own = own[:n]
			break
		}
	}
	if err := fold.Add(own); err != nil {
		return // the stream is parked, which another check tells
	}
	row, ok, err := fold.Row(a.stream.Tenant(), a.stream.ID())
	said := jsontext.Value(bytes.TrimSpace(a.body))
	if err != nil || !ok || said.Canonicalize() != nil || row.JSON.Canonicalize() != nil || !bytes.Equal(said, row.JSON) {
		c.fail(checkTenants, "%s: the answer at version %d of %s is %s, but its own events make %s", a.step, a.version, a.stream, a.body, row.JSON)
	}
}
