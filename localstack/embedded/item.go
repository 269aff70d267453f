package embedded

import (
	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

type putItemRequest struct {
	itemPut
	returning
}

type deleteItemRequest struct {
	itemKey
	returning
}

type updateItemRequest struct {
	itemUpdate
	returning
}

func (in *putItemRequest) check(c *checks) {
	in.itemPut.check(c, "")
	in.returning.check(c)
	checkOnFailure(c, in.ReturnValuesOnConditionCheckFailure, "")
}

func (in *deleteItemRequest) check(c *checks) { in.itemKey.checkWrite(c, &in.returning) }

func (in *updateItemRequest) check(c *checks) { in.itemKey.checkWrite(c, &in.returning) }

func (k *itemKey) checkWrite(c *checks, r *returning) {
	k.check(c, "")
	r.check(c)
	checkOnFailure(c, k.ReturnValuesOnConditionCheckFailure, "")
}

// itemWrite is a request to write one item.
type itemWrite interface {
	action() (action, error)
	answer() *returning
}

func (in *putItemRequest) action() (action, error) { return in.onlyOld(in.itemPut.action) }

func (in *deleteItemRequest) action() (action, error) { return in.onlyOld(in.itemKey.remove) }

// writeItem decides one change under the table's lock, commits it, and answers.
func writeItem[P itemWrite](db *DB, in P, out []byte) ([]byte, error) {
	a, err := in.action()
	if err != nil {
		return nil, err
	}
	if a.t, err = db.table(a.table); err != nil {
		return nil, err
	}
	var ch change
	var pos position
	used := charge{t: a.t}
	err = a.t.withWrite(func() (err error) {
		if a.key, err = a.locate(); err != nil {
			return err
		}
		if ch, err = a.decideAlone(); err != nil {
			if isConditionFailed(err) {
				a.t.meter.write(writeUnits(ch.old.size()))
			}
			return err
		}
		used.addWrite(a.t, ch.old, ch.new, 1)
		a.t.meter.write(used.units)
		pos, err = db.commit(nil, ch)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := db.finish(pos); err != nil {
		return nil, err
	}
	r := in.answer()
	m := open(out)
	ch.appendReturned(&m, r.ReturnValues, a.update)
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

// itemGet is the read of one item, as requests have it.
type itemGet struct {
	TableName                string
	Key                      attributes
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

func (g *itemGet) check(c *checks, at string) {
	checkTableName(c, g.TableName, at+"tableName")
	c.required(g.Key.set, at+"key")
}

// read is one read of an item.
type read struct {
	t          *table
	key        string
	projection *expr.Projection
	row        row
	bad        error // the key is not the table's
}

// parse validates the read as far as that needs no table.
func (g *itemGet) parse() (r read, err error) {
	if g.Key.err != nil {
		return r, g.Key.err
	}
	r.projection, err = soleProjection(g.ProjectionExpression, g.ExpressionAttributeNames)
	return r, err
}

// resolve finds the table and the key.
func (r *read) resolve(db *DB, g *itemGet) (err error) {
	if r.t, err = db.table(g.TableName); err != nil {
		return err
	}
	r.key, r.bad = r.t.schema.keyOnly(g.Key.item)
	return nil
}

// take reads the item; the table is locked.
func (r *read) take() error {
	if r.bad != nil {
		return r.bad
	}
	r.row = r.t.get(r.key)
	return r.t.checkPaths(r.projection)
}

// appendTo writes an object with the item, empty if there is none.
func (r *read) appendTo(out []byte) members {
	m := open(out)
	if r.row != "" {
		m.add("Item")
		m.out = r.row.appendProjected(m.out, r.projection)
	}
	return m
}

type getItemRequest struct {
	itemGet
	ConsistentRead         bool
	ReturnConsumedCapacity string
}

func (in *getItemRequest) check(c *checks) {
	in.itemGet.check(c, "")
	checkCapacity(c, in.ReturnConsumedCapacity)
}

func (db *DB) getItem(in *getItemRequest, out []byte) ([]byte, error) {
	r, err := in.parse()
	if err != nil {
		return nil, err
	}
	if err := r.resolve(db, &in.itemGet); err != nil {
		return nil, err
	}
	if err := r.t.withRead(r.take); err != nil {
		return nil, err
	}
	m := r.appendTo(out)
	used := charge{t: r.t}
	used.addRead(readUnits(r.row.size(), in.ConsistentRead))
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
