package dynamo

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// rawCommit gathers the attributes of a stored commit, from the API or from a
// stream record, before they are understood.
type rawCommit struct {
	stream                     string
	number, version, time      int64
	schema, distance           int64
	id, correlation, causation string
	hasCorrelation             bool
	hasCausation               bool
	actor                      string
	trace                      string
	commands, remembered       []byte
	window                     []byte
	once, claims               []byte
	events, state, compressed  []byte
	kept                       []byte
	snapshot                   bool
	seen                       int // how many of the required attributes
	size                       int
}

// required is the number of attributes that each commit has, whatever its body.
const required = 6

// text takes an attribute of type S.
func (r *rawCommit) text(name, v string) {
	r.size += len(name) + len(v)
	switch name {
	case attrStream:
		r.stream = v
		r.seen++
	case attrID:
		r.id = v
		r.seen++
	case attrActor:
		r.actor = v
	case attrCorrelation:
		r.correlation, r.hasCorrelation = v, true
	case attrCausation:
		r.causation, r.hasCausation = v, true
	case attrEvents:
		r.events = []byte(v)
	case attrState:
		r.state = []byte(v)
	case attrKept:
		r.kept = []byte(v)
	}
}

// binary takes an attribute of type B; it keeps v.
func (r *rawCommit) binary(name string, v []byte) {
	r.size += len(name) + len(v)
	switch name {
	case attrID, attrCorrelation, attrCausation:
		r.uuid(name, v)
	case attrTrace:
		r.trace = events.UnpackTrace(v)
	case attrCommands:
		r.commands = v
		r.seen++
	case attrRemembered:
		r.remembered = v
	case attrWindow:
		r.window = v
	case attrOnce:
		r.once = v
	case attrClaims:
		r.claims = v
	case attrCompressed:
		r.compressed = v
	}
}

func (r *rawCommit) uuid(name string, v []byte) {
	var u uuid.UUID
	if copy(u[:], v) != len(u) || len(v) != len(u) {
		return
	}
	switch name {
	case attrID:
		r.id = u.String()
		r.seen++
	case attrCorrelation:
		r.correlation, r.hasCorrelation = u.String(), true
	case attrCausation:
		r.causation, r.hasCausation = u.String(), true
	}
}

// number64 takes an attribute of type N.
func (r *rawCommit) number64(name, v string) {
	r.size += len(name) + numberSize(v)
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return
	}
	switch name {
	case attrCommit:
		r.number = n
		r.seen++
	case attrVersion:
		r.version = n
		r.seen++
	case attrTime:
		r.time = n
		r.seen++
	case attrSchema:
		r.schema, r.snapshot = n, true
	case attrDistance:
		r.distance = n
	}
}

// decodeCommit reads an item that encodeCommit wrote. Its error has code
// internal: the item was written by another program, or damaged.
func decodeCommit(item map[string]types.AttributeValue) (events.Commit, error) {
	var r rawCommit
	r.take(item)
	return r.commit()
}

// take gathers the attributes of an item of the API.
func (r *rawCommit) take(item map[string]types.AttributeValue) {
	for name, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			r.text(name, v.Value)
		case *types.AttributeValueMemberN:
			r.number64(name, v.Value)
		case *types.AttributeValueMemberB:
			r.binary(name, v.Value)
		default:
			r.size += len(name) + valueSize(v)
		}
	}
}

// commit understands what was gathered.
func (r *rawCommit) commit() (events.Commit, error) {
	if r.seen != required || r.number < 1 {
		return events.Commit{}, r.damaged(errors.New("an attribute is missing or has another type"))
	}
	c := events.Commit{
		Stream: events.Stream(r.stream), Number: r.number, Version: r.version, ID: r.id,
		Time: time.UnixMilli(r.time).UTC(), Actor: r.actor, Trace: r.trace, Size: r.size,
		SnapshotDistance: r.distance,
	}
	var err error
	if c.Commands, err = unpackCommands(r.commands, r.version); err != nil {
		return events.Commit{}, r.damaged(err)
	}
	if err = unpackOnce(r.once, c.Commands); err != nil {
		return events.Commit{}, r.damaged(err)
	}
	if c.Claims, c.Releases, err = unpackClaims(r.claims); err != nil {
		return events.Commit{}, r.damaged(err)
	}
	c.Correlation, c.Causation = firstCommand(c.Commands), firstCommand(c.Commands)
	if r.hasCorrelation {
		c.Correlation = r.correlation
	}
	if r.hasCausation {
		c.Causation = r.causation
	}
	if err := r.body(&c); err != nil {
		return events.Commit{}, r.damaged(err)
	}
	return c, nil
}

// body reads events, snapshot and kept commands, plain or compressed.
func (r *rawCommit) body(c *events.Commit) error {
	if r.compressed == nil && !r.snapshot {
		if es, ok := quickEvents(string(r.events)); ok {
			c.Events = es
			if r.kept == nil {
				return nil
			}
			return decodeKept(jsontext.NewDecoder(bytes.NewBuffer(r.kept)), c.Commands)
		}
	}
	body := joined(r.events, r.state, r.kept)
	if r.compressed != nil {
		var err error
		if body, err = decompress(r.compressed); err != nil {
			return err
		}
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	var err error
	if c.Events, err = decodeEvents(d); err != nil {
		return err
	}
	if r.snapshot {
		if err := r.readSnapshot(d, c); err != nil {
			return err
		}
	}
	return decodeKept(d, c.Commands)
}

func (r *rawCommit) readSnapshot(d *jsontext.Decoder, c *events.Commit) error {
	s := &events.Snapshot{Schema: int(r.schema)}
	state, err := d.ReadValue()
	if err != nil {
		return err
	}
	s.State = bytes.Clone(state)
	if s.Commands, err = unpackRemembered(r.remembered); err != nil {
		return err
	}
	c.Snapshot = s
	return unpackWindow(r.window, s)
}

// decodeEvents reads what encodeEvents wrote.
func decodeEvents(d *jsontext.Decoder) ([]events.Event, error) {
	if err := expectKind(d, jsontext.KindBeginArray); err != nil {
		return nil, err
	}
	var es []events.Event
	for d.PeekKind() == jsontext.KindBeginArray {
		if err := expectKind(d, jsontext.KindBeginArray); err != nil {
			return nil, err
		}
		name, err := readToken(d, jsontext.KindString)
		if err != nil {
			return nil, err
		}
		schema, err := readToken(d, jsontext.KindNumber)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(schema)
		if err != nil {
			return nil, err
		}
		data, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		es = append(es, events.Event{Name: name, Schema: n, Data: bytes.Clone(data)})
		if err := expectKind(d, jsontext.KindEndArray); err != nil {
			return nil, err
		}
	}
	return es, expectKind(d, jsontext.KindEndArray)
}

func expectKind(d *jsontext.Decoder, kind jsontext.Kind) error {
	_, err := readToken(d, kind)
	return err
}

// readToken reads a token of a kind and returns its text.
func readToken(d *jsontext.Decoder, kind jsontext.Kind) (string, error) {
	t, err := d.ReadToken()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	if t.Kind() != kind {
		return "", fmt.Errorf("found %v instead of %v", t.Kind(), kind)
	}
	return t.String(), nil
}

func (r *rawCommit) damaged(err error) error {
	return events.Wrap(events.CodeInternal, &events.DamagedError{Stream: events.Stream(r.stream), Number: max(r.number, 0), Cause: err}, "a stored commit can't be read")
}
