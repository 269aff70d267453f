package embedded

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"slices"
	"strconv"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// Limits of batches, from AWS's API reference.
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20
)

// byTable is an object whose members stand for tables, in the request's order.
type byTable[T any] struct {
	set    bool
	tables []tablePart[T]
}

type tablePart[T any] struct {
	name string
	part T
}

// UnmarshalJSONFrom keeps the members' order.
func (b *byTable[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	b.set = true
	if d.PeekKind() != '{' {
		return &json.SemanticError{JSONKind: d.PeekKind()}
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		p := tablePart[T]{name: name.String()}
		if err := json.UnmarshalDecode(d, &p.part, json.RejectUnknownMembers(true)); err != nil {
			return err
		}
		b.tables = append(b.tables, p)
	}
	_, err := d.ReadToken()
	return err
}

func (b *byTable[T]) check(c *checks, capacity string) {
	c.required(b.set, "requestItems")
	if b.set && len(b.tables) == 0 {
		c.unquoted("RequestItems", "Member must have length greater than or equal to 1")
	}
	for _, t := range b.tables {
		checkTableName(c, t.name, "requestItems."+t.name+".key")
	}
	checkCapacity(c, capacity)
}

// rawKey is one key of a BatchGetItem, with its text for UnprocessedKeys.
type rawKey struct {
	attributes
	text jsontext.Value
}

// UnmarshalJSONFrom keeps the text.
func (k *rawKey) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	k.text = bytes.Clone(raw)
	k.set = true
	k.item, k.err = attr.ParseItem(raw)
	return nil
}

type batchKeys struct {
	Keys                     []rawKey
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type batchGetRequest struct {
	RequestItems           byTable[batchKeys]
	ReturnConsumedCapacity string
}

// getPart is what a BatchGetItem reads from one table.
type getPart struct {
	request    *batchKeys
	t          *table
	projection *expr.Projection
	keys       []string
	left       []jsontext.Value // not read: the answer was full
}

func (db *DB) batchGetItem(in *batchGetRequest, out []byte) ([]byte, error) {
	parts, err := in.parts(db)
	if err != nil {
		return nil, err
	}
	m := open(out)
	m.add("Responses")
	responses := open(m.out)
	var charges []*charge
	size := 0
	for i := range parts {
		p := &parts[i]
		used := &charge{t: p.t}
		responses.key(p.t.name)
		if responses.out, err = p.read(db, responses.out, used, &size); err != nil {
			return nil, err
		}
		charges = append(charges, used)
	}
	m.out = responses.close()
	m.add("UnprocessedKeys")
	m.out = appendUnprocessedKeys(m.out, parts)
	m.capacities(charges, in.ReturnConsumedCapacity)
	return m.close(), nil
}

func (in *batchGetRequest) check(c *checks) {
	in.RequestItems.check(c, in.ReturnConsumedCapacity)
	for _, t := range in.RequestItems.tables {
		at := "RequestItems." + t.name + ".member.Keys"
		switch n := len(t.part.Keys); {
		case t.part.Keys == nil:
			c.required(false, "requestItems."+t.name+".member.keys")
		case n == 0:
			c.unquoted(at, "Member must have length greater than or equal to 1")
		case n > maxBatchGet:
			c.unquoted(at, "Member must have length less than or equal to "+strconv.Itoa(maxBatchGet))
		}
	}
}

// parts validates the request.
func (in *batchGetRequest) parts(db *DB) ([]getPart, error) {
	total := 0
	for _, t := range in.RequestItems.tables {
		total += len(t.part.Keys)
	}
	if total > maxBatchGet {
		return nil, validation("Too many items requested for the BatchGetItem call")
	}
	var parts []getPart
	for i := range in.RequestItems.tables {
		t := &in.RequestItems.tables[i]
		p := getPart{request: &t.part}
		var err error
		if p.projection, err = soleProjection(t.part.ProjectionExpression, t.part.ExpressionAttributeNames); err != nil {
			return nil, err
		}
		for _, k := range t.part.Keys {
			if k.err != nil {
				return nil, k.err
			}
		}
		parts = append(parts, p)
	}
	return parts, in.resolve(db, parts)
}

// resolve finds the tables and keys.
func (in *batchGetRequest) resolve(db *DB, parts []getPart) error {
	for i := range parts {
		p := &parts[i]
		var err error
		if p.t, err = db.table(in.RequestItems.tables[i].name); err != nil {
			return err
		}
		for _, k := range p.request.Keys {
			key, err := p.t.schema.keyOnly(k.item)
			if err != nil {
				return err
			}
			if slices.Contains(p.keys, key) {
				return validation("Provided list of item keys contains duplicates")
			}
			p.keys = append(p.keys, key)
		}
	}
	return nil
}

// read writes the items of one table until the answer is full.
func (p *getPart) read(db *DB, out []byte, used *charge, size *int) ([]byte, error) {
	rows := make([]row, len(p.keys))
	err := p.t.withRead(func() error {
		for i, key := range p.keys {
			rows[i] = p.t.get(key)
		}
		return p.t.checkPaths(p.projection)
	})
	if err != nil {
		return out, err
	}
	var found []row
	for i, r := range rows {
		if *size+r.size() > maxBatchBytes || db.faults.leaveUnprocessed() {
			p.left = append(p.left, p.request.Keys[i].text)
			continue
		}
		*size += r.size()
		used.addRead(readUnits(r.size(), p.request.ConsistentRead))
		if r != "" {
			found = append(found, r)
		}
	}
	return appendList(out, found, func(out []byte, r row) []byte { return r.appendProjected(out, p.projection) }), nil
}

func appendUnprocessedKeys(out []byte, parts []getPart) []byte {
	m := open(out)
	for _, p := range parts {
		if len(p.left) == 0 {
			continue
		}
		m.key(p.t.name)
		k := open(m.out)
		k.add("Keys")
		k.out = appendRaw(k.out, p.left)
		if p.request.ConsistentRead {
			k.add("ConsistentRead")
			k.out = append(k.out, "true"...)
		}
		if p.request.ProjectionExpression != nil {
			k.str("ProjectionExpression", *p.request.ProjectionExpression)
		}
		if len(p.request.ExpressionAttributeNames) > 0 {
			k.add("ExpressionAttributeNames")
			names := open(k.out)
			for placeholder, name := range p.request.ExpressionAttributeNames {
				names.key(placeholder)
				names.out = appendString(names.out, name)
			}
			k.out = names.close()
		}
		m.out = k.close()
	}
	return m.close()
}

func appendRaw(out []byte, list []jsontext.Value) []byte {
	return appendList(out, list, func(out []byte, v jsontext.Value) []byte { return append(out, v...) })
}

// capacities writes the ConsumedCapacity list of an operation on many tables.
func (m *members) capacities(charges []*charge, detail string) {
	if !wanted(detail) {
		return
	}
	m.add("ConsumedCapacity")
	m.out = appendList(m.out, charges, func(out []byte, c *charge) []byte { return c.appendTo(out, detail) })
}

type writeRequest struct {
	PutRequest    *struct{ Item attributes }
	DeleteRequest *struct{ Key attributes }
}

// rawWrite is one write of a BatchWriteItem, with its text for
// UnprocessedItems.
type rawWrite struct {
	writeRequest
	text jsontext.Value
}

// UnmarshalJSONFrom keeps the text.
func (w *rawWrite) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	w.text = bytes.Clone(raw)
	return json.Unmarshal(w.text, &w.writeRequest, json.RejectUnknownMembers(true))
}

type batchWriteRequest struct {
	RequestItems                byTable[[]rawWrite]
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// writePart is what a BatchWriteItem does to one table.
type writePart struct {
	t       *table
	actions []action
	left    []jsontext.Value
}

func (db *DB) batchWriteItem(in *batchWriteRequest, out []byte) ([]byte, error) {
	parts, err := in.parts(db)
	if err != nil {
		return nil, err
	}
	var charges []*charge
	var pos position
	for i := range parts {
		p := &parts[i]
		used := &charge{t: p.t}
		charges = append(charges, used)
		for j := range p.actions {
			if db.faults.leaveUnprocessed() {
				p.left = append(p.left, in.RequestItems.tables[i].part[j].text)
				continue
			}
			at, err := db.writePartly(&p.actions[j], used)
			if err != nil {
				return nil, err
			}
			if at != (position{}) {
				pos = at
			}
		}
	}
	if err := db.finish(pos); err != nil {
		return nil, err
	}
	m := open(out)
	m.add("UnprocessedItems")
	left := open(m.out)
	for _, p := range parts {
		if len(p.left) > 0 {
			left.key(p.t.name)
			left.out = appendRaw(left.out, p.left)
		}
	}
	m.out = left.close()
	m.capacities(charges, in.ReturnConsumedCapacity)
	return m.close(), nil
}

// writePartly carries out one of the writes, by itself: a batch is not atomic.
func (db *DB) writePartly(a *action, used *charge) (pos position, err error) {
	err = a.t.withWrite(func() error {
		c, err := a.decideAlone()
		if err != nil {
			return err
		}
		before := used.units
		used.addWrite(a.t, c.old, c.new, 1)
		a.t.meter.write(used.units - before)
		pos, err = db.commit(nil, c)
		return err
	})
	return pos, err
}

func (in *batchWriteRequest) check(c *checks) {
	in.RequestItems.check(c, in.ReturnConsumedCapacity)
	checkMetrics(c, in.ReturnItemCollectionMetrics)
	for _, t := range in.RequestItems.tables {
		if len(t.part) == 0 {
			c.add("'{"+t.name+"=[]}'", "requestItems", "Map value must satisfy constraint: "+
				"[Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
		}
		if len(t.part) > maxBatchWrite {
			c.unquoted("RequestItems."+t.name+".member", "Member must have length less than or equal to "+strconv.Itoa(maxBatchWrite))
		}
		for i, w := range t.part {
			at := "requestItems." + t.name + ".member." + strconv.Itoa(i+1) + ".member."
			c.required(w.PutRequest == nil || w.PutRequest.Item.set, at+"putRequest.item")
			c.required(w.DeleteRequest == nil || w.DeleteRequest.Key.set, at+"deleteRequest.key")
		}
	}
}

// parts validates the request.
func (in *batchWriteRequest) parts(db *DB) ([]writePart, error) {
	total := 0
	for _, t := range in.RequestItems.tables {
		total += len(t.part)
	}
	if total > maxBatchWrite {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	var parts []writePart
	for _, t := range in.RequestItems.tables {
		p := writePart{}
		for _, w := range t.part {
			a, err := w.action()
			if err != nil {
				return nil, err
			}
			p.actions = append(p.actions, a)
		}
		parts = append(parts, p)
	}
	for i := range parts {
		if err := parts[i].resolve(db, in.RequestItems.tables[i].name); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// action validates one write as far as that needs no table.
func (w *rawWrite) action() (action, error) {
	switch {
	case w.PutRequest != nil && w.DeleteRequest != nil:
		return action{}, validation("Supplied WriteRequest has more than one operation set, must contain exactly one of PutRequest and DeleteRequest")
	case w.PutRequest != nil:
		return (&itemPut{Item: w.PutRequest.Item}).action()
	case w.DeleteRequest != nil:
		return (&itemKey{Key: w.DeleteRequest.Key}).remove()
	}
	return action{}, validation("Supplied WriteRequest is empty, must contain exactly one of PutRequest and DeleteRequest")
}

// resolve finds the table and the keys.
func (p *writePart) resolve(db *DB, table string) (err error) {
	if p.t, err = db.table(table); err != nil {
		return err
	}
	var keys []string
	for i := range p.actions {
		a := &p.actions[i]
		a.t = p.t
		if a.kind == actionPut && !p.t.schema.fits(a.item) {
			return keyMismatch()
		}
		if a.key, err = a.locate(); err != nil {
			return err
		}
		if a.kind == actionPut {
			if err := p.t.withRead(func() error { return p.t.checkIndexKeys(a.item) }); err != nil {
				return err
			}
		}
		if slices.Contains(keys, a.key) {
			return validation("Provided list of item keys contains duplicates")
		}
		keys = append(keys, a.key)
	}
	return nil
}
