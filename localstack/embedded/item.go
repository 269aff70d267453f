package embedded

import (
	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

type putItemRequest struct {
	TableName           string
	Item                attributes
	ConditionExpression *string
	placeholders
	returning
}

type deleteItemRequest struct {
	TableName           string
	Key                 attributes
	ConditionExpression *string
	placeholders
	returning
}

type updateItemRequest struct {
	TableName           string
	Key                 attributes
	UpdateExpression    *string
	ConditionExpression *string
	placeholders
	returning
}

type getItemRequest struct {
	TableName                string
	Key                      attributes
	ConsistentRead           bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ReturnConsumedCapacity   string
}

// put is a put that has been validated as far as that needs no table.
type put struct {
	item      attr.Item
	size      int
	condition *expr.Condition
}

func parsePut(item attributes, p *placeholders, condition *string) (put, error) {
	if item.err != nil {
		return put{}, item.err
	}
	c, err := p.condition(condition)
	if err != nil {
		return put{}, err
	}
	size := item.item.Size()
	if size > maxItemSize {
		return put{}, validation("Item size has exceeded the maximum allowed size")
	}
	return put{item: item.item, size: size, condition: c}, nil
}

// keyIn is the item's key in a table, if all its keys are valid there.
func (p put) keyIn(t *table) (string, error) {
	key, err := t.schema.keyOf(p.item)
	if err != nil {
		return "", err
	}
	return key, t.checkIndexKeys(p.item)
}

// change is what the put does to a table; the table is locked.
func (p put) change(t *table, key string) change {
	old := t.get(key)
	new := newRow(key, p.item, p.size)
	if new == old {
		new = old // share its bytes
	}
	return change{t: t, key: key, old: old, new: new}
}

// checkIndexKeys refuses an item that no index of the table could hold. The
// table is locked.
func (t *table) checkIndexKeys(it attr.Item) error {
	for _, x := range t.indexes {
		if err := checkIndexKeys(x.schema, x.def.IndexName, it); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) putItem(body, out []byte) ([]byte, error) {
	in, err := decode[putItemRequest](body)
	if err != nil {
		return nil, err
	}
	if err := in.returning.checkWrite(in.TableName, "item", in.Item.set); err != nil {
		return nil, err
	}
	if err := in.returning.onlyOld(); err != nil {
		return nil, err
	}
	p, err := parsePut(in.Item, &in.placeholders, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	return db.write(t, out, &in.returning, func() (change, error) {
		key, err := p.keyIn(t)
		if err != nil {
			return change{}, err
		}
		if err := t.checkPaths(p.condition); err != nil {
			return change{}, err
		}
		ch := p.change(t, key)
		if !holds(p.condition, ch.old) {
			return ch, in.failed(ch.old)
		}
		return ch, nil
	}, nil)
}

func (db *DB) deleteItem(body, out []byte) ([]byte, error) {
	in, err := decode[deleteItemRequest](body)
	if err != nil {
		return nil, err
	}
	if err := in.returning.checkWrite(in.TableName, "key", in.Key.set); err != nil {
		return nil, err
	}
	if err := in.returning.onlyOld(); err != nil {
		return nil, err
	}
	if in.Key.err != nil {
		return nil, in.Key.err
	}
	condition, err := in.condition(in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	return db.write(t, out, &in.returning, func() (change, error) {
		key, err := t.schema.keyOnly(in.Key.item)
		if err != nil {
			return change{}, err
		}
		if err := t.checkPaths(condition); err != nil {
			return change{}, err
		}
		old := t.get(key)
		if !holds(condition, old) {
			return change{old: old}, in.failed(old)
		}
		return change{t: t, key: key, old: old}, nil
	}, nil)
}

// write decides one change under the table's lock, commits it, and answers.
func (db *DB) write(t *table, out []byte, r *returning, decide func() (change, error), update *expr.Update) ([]byte, error) {
	var ch change
	var pos position
	used := charge{t: t}
	err := t.withWrite(func() (err error) {
		if ch, err = decide(); err != nil {
			if isConditionFailed(err) {
				t.meter.write(writeUnits(ch.old.size()))
			}
			return err
		}
		used.addWrite(t, ch.old, ch.new, 1)
		t.meter.write(used.units)
		pos, err = db.commit(nil, ch)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := db.finish(pos); err != nil {
		return nil, err
	}
	m := open(out)
	ch.appendReturned(&m, r.ReturnValues, update)
	m.capacity(&used, r.ReturnConsumedCapacity)
	return m.close(), nil
}

// appendReturned writes the Attributes that ReturnValues asks for.
func (c change) appendReturned(m *members, which string, update *expr.Update) {
	r := c.new
	if which == "ALL_OLD" || which == "UPDATED_OLD" {
		r = c.old
	}
	if which == "" || which == "NONE" || r == "" {
		return
	}
	if which == "ALL_OLD" || which == "ALL_NEW" {
		m.add("Attributes")
		m.out = r.appendJSON(m.out)
		return
	}
	if update == nil {
		return
	}
	if touched := update.Touched().Apply(r.item()); len(touched) > 0 {
		m.add("Attributes")
		m.out = appendItem(m.out, touched)
	}
}

// update is an update that has been validated as far as that needs no table.
type update struct {
	key       attr.Item
	update    *expr.Update // nil sets nothing but the key
	condition *expr.Condition
}

func parseUpdate(key attributes, p *placeholders, src, condition *string) (update, error) {
	if key.err != nil {
		return update{}, key.err
	}
	u, err := p.usage()
	if err != nil {
		return update{}, err
	}
	up := update{key: key.item}
	if src != nil {
		if up.update, err = expr.ParseUpdate(*src, u); err != nil {
			return update{}, err
		}
	}
	if up.condition, err = parseCondition(expr.ConditionExpression, condition, u); err != nil {
		return update{}, err
	}
	return up, u.Unused()
}

// keyIn is the item's key in a table, if the update leaves it alone.
func (u update) keyIn(t *table) (string, error) {
	key, err := t.schema.keyOnly(u.key)
	if err != nil || u.update == nil {
		return key, err
	}
	for _, name := range u.update.Attributes() {
		if t.schema.isKey(name) {
			return "", invalidParameter("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return key, nil
}

// change is what the update does to a row; the table is locked.
func (u update) change(t *table, key string, old row) (change, error) {
	var before attr.Item
	if old != "" {
		before = old.item()
	}
	it := before
	if u.update != nil {
		var err error
		if it, err = u.update.Apply(before); err != nil {
			return change{}, err
		}
	}
	if old == "" {
		whole := make(attr.Item, len(it)+len(u.key))
		for name, v := range it {
			whole[name] = v
		}
		for name, v := range u.key {
			whole[name] = v
		}
		it = whole
	}
	size := it.Size()
	if size > maxItemSize {
		return change{}, validation("Item size to update has exceeded the maximum allowed size")
	}
	if err := u.checkIndexKeys(t, it); err != nil {
		return change{}, err
	}
	new := newRow(key, it, size)
	if new == old {
		new = old // share its bytes
	}
	return change{t: t, key: key, old: old, new: new}, nil
}

// checkIndexKeys refuses an item that no index of the table could hold, in the
// words that DynamoDB has for updates. The table is locked.
func (u update) checkIndexKeys(t *table, it attr.Item) error {
	err := t.checkIndexKeys(it)
	if err == nil || u.update == nil {
		return err
	}
	for _, x := range t.indexes {
		for _, p := range x.schema.all {
			v := it[p.Name]
			switch {
			case v.Kind() == 0:
			case v.Kind() == p.Kind && p.Kind != attr.Number && v.Str() == "":
				return emptyIndexUpdate(p.Kind)
			case v.Kind() != p.Kind && u.update.KindOf(p.Name) == 0:
				return validation("The update expression attempted to update the secondary index key to unsupported type")
			}
		}
	}
	return err // a type that the expression alone tells, or a length
}

// emptyIndexUpdate is the error of an update that would empty an index's key.
func emptyIndexUpdate(kind attr.Kind) error {
	return validation("One or more parameter values are not valid. The update expression attempted to update a secondary " +
		"index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty " +
		map[attr.Kind]string{attr.String: "string", attr.Binary: "binary"}[kind] + " value.")
}

func (db *DB) updateItem(body, out []byte) ([]byte, error) {
	in, err := decode[updateItemRequest](body)
	if err != nil {
		return nil, err
	}
	if err := in.returning.checkWrite(in.TableName, "key", in.Key.set); err != nil {
		return nil, err
	}
	u, err := parseUpdate(in.Key, &in.placeholders, in.UpdateExpression, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	return db.write(t, out, &in.returning, func() (change, error) {
		key, err := u.keyIn(t)
		if err != nil {
			return change{}, err
		}
		if err := t.checkPaths(u.update, u.condition); err != nil {
			return change{}, err
		}
		old := t.get(key)
		if !holds(u.condition, old) {
			return change{old: old}, in.failed(old)
		}
		return u.change(t, key, old)
	}, u.update)
}

func (db *DB) getItem(body, out []byte) ([]byte, error) {
	in, err := decode[getItemRequest](body)
	if err != nil {
		return nil, err
	}
	var c checks
	checkTableName(&c, in.TableName, "tableName")
	c.required(in.Key.set, "key")
	c.oneOf(in.ReturnConsumedCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	if err := c.err(); err != nil {
		return nil, err
	}
	if in.Key.err != nil {
		return nil, in.Key.err
	}
	projection, err := soleProjection(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	key, err := t.schema.keyOnly(in.Key.item)
	if err != nil {
		return nil, err
	}
	var r row
	if err := t.withRead(func() error { r = t.get(key); return t.checkPaths(projection) }); err != nil {
		return nil, err
	}
	m := open(out)
	if r != "" {
		m.add("Item")
		m.out = r.appendProjected(m.out, projection)
	}
	used := charge{t: t}
	used.addTable(readUnits(r.size(), in.ConsistentRead))
	t.meter.read(used.units)
	m.capacity(&used, in.ReturnConsumedCapacity)
	return m.close(), nil
}

// soleProjection parses a request's only expression, which may be absent.
func soleProjection(src *string, names map[string]string) (*expr.Projection, error) {
	u, err := expr.NewUsage(expr.Params{Names: names})
	if err != nil {
		return nil, err
	}
	p, err := parseProjection(src, u)
	if err != nil {
		return nil, err
	}
	return p, u.Unused()
}

// appendProjected writes what a projection, nil for everything, keeps.
func (r row) appendProjected(dst []byte, p *expr.Projection) []byte {
	if p == nil {
		return r.appendJSON(dst)
	}
	return appendItem(dst, p.Apply(r.pick(p.Attributes())))
}
