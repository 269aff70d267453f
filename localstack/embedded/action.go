package embedded

import (
	"maps"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// conditional is what requests to write one item have in common.
type conditional struct {
	TableName                           string
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

// itemPut, itemKey (of a delete or a check) and itemUpdate are writes of one item
// as requests have them, alone or in a transaction.
type itemPut struct {
	Item attributes
	conditional
}

type itemKey struct {
	Key attributes
	conditional
}

type itemUpdate struct {
	itemKey
	UpdateExpression *string
}

func (p *itemPut) check(c *checks, at string) {
	checkTableName(c, p.TableName, at+"tableName")
	c.required(p.Item.set, at+"item")
}

func (k *itemKey) check(c *checks, at string) {
	checkTableName(c, k.TableName, at+"tableName")
	c.required(k.Key.set, at+"key")
}

// action is one write of an item, or the check of one, validated as far as that
// needs no table.
type action struct {
	table     string
	condition *expr.Condition
	onFailure string

	kind   actionKind
	item   attr.Item    // of a put
	size   int          // of that item
	keys   attr.Item    // of all but a put
	update *expr.Update // nil sets nothing but the key

	t   *table
	key string
	bad error // the key is not the table's
}

type actionKind byte

const (
	actionPut actionKind = iota
	actionUpdate
	actionDelete
	actionCheck
)

func (p *itemPut) action() (action, error) {
	if p.Item.err != nil {
		return action{}, p.Item.err
	}
	condition, err := p.condition(p.ConditionExpression)
	if err != nil {
		return action{}, err
	}
	size := p.Item.item.Size()
	if size > maxItemSize {
		return action{}, validation("Item size has exceeded the maximum allowed size")
	}
	return action{
		table: p.TableName, condition: condition, onFailure: p.ReturnValuesOnConditionCheckFailure,
		kind: actionPut, item: p.Item.item, size: size,
	}, nil
}

func (k *itemKey) remove() (action, error) { return k.action(actionDelete) }

func (k *itemKey) action(kind actionKind) (action, error) {
	if k.Key.err != nil {
		return action{}, k.Key.err
	}
	condition, err := k.condition(k.ConditionExpression)
	return action{
		table: k.TableName, condition: condition, onFailure: k.ReturnValuesOnConditionCheckFailure,
		kind: kind, keys: k.Key.item,
	}, err
}

func (u *itemUpdate) action() (action, error) {
	if u.Key.err != nil {
		return action{}, u.Key.err
	}
	used, err := u.usage()
	if err != nil {
		return action{}, err
	}
	a := action{table: u.TableName, onFailure: u.ReturnValuesOnConditionCheckFailure, kind: actionUpdate, keys: u.Key.item}
	if u.UpdateExpression != nil {
		if a.update, err = expr.ParseUpdate(*u.UpdateExpression, used); err != nil {
			return action{}, err
		}
	}
	if a.condition, err = parseCondition(expr.ConditionExpression, u.ConditionExpression, used); err != nil {
		return action{}, err
	}
	return a, used.Unused()
}

// locate finds the item's key, if the action leaves it alone.
func (a *action) locate() (string, error) {
	if a.kind == actionPut {
		return a.t.schema.keyOf(a.item)
	}
	key, err := a.t.schema.keyOnly(a.keys)
	if err != nil || a.update == nil {
		return key, err
	}
	for _, name := range a.update.Attributes() {
		if a.t.schema.isKey(name) {
			return "", invalidParameter("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	return key, nil
}

// decideAlone evaluates an action that is not part of a transaction: what is
// wrong with the item comes before its condition. The table is locked.
func (a *action) decideAlone() (change, error) {
	if a.kind == actionPut {
		if err := a.t.checkIndexKeys(a.item); err != nil {
			return change{}, err
		}
	}
	old, err := a.evaluate()
	if err != nil {
		return change{old: old}, err
	}
	return a.change(old)
}

// evaluate returns the item as it is, and an error unless it meets the action's
// condition. The table is locked.
func (a *action) evaluate() (old row, err error) {
	if err := a.t.checkPaths(a.update, a.condition); err != nil {
		return "", err
	}
	old = a.t.get(a.key)
	switch {
	case holds(a.condition, old):
		return old, nil
	case a.onFailure == "ALL_OLD":
		return old, conditionFailed(old)
	}
	return old, conditionFailed("")
}

// change is what the action does to the item; the table is locked.
func (a *action) change(old row) (change, error) {
	c := change{t: a.t, key: a.key, old: old}
	switch a.kind {
	case actionPut:
		c.new = newRow(a.key, a.item, a.size)
	case actionUpdate:
		it, err := a.updated(old)
		if err != nil {
			return change{}, err
		}
		c.new = newRow(a.key, it, it.Size())
	case actionCheck:
		c.new = old
	}
	if c.new == old {
		c.new = old // share its bytes
	}
	return c, nil
}

// updated is the item after the update; the table is locked.
func (a *action) updated(old row) (it attr.Item, err error) {
	if old != "" {
		it = old.item()
	}
	if a.update != nil {
		if it, err = a.update.Apply(it); err != nil {
			return nil, err
		}
	}
	if old == "" {
		whole := make(attr.Item, len(it)+len(a.keys))
		maps.Copy(whole, it)
		maps.Copy(whole, a.keys)
		it = whole
	}
	if it.Size() > maxItemSize {
		return nil, validation("Item size to update has exceeded the maximum allowed size")
	}
	return it, a.checkUpdatedKeys(it)
}

// checkUpdatedKeys refuses an item that no index of the table could hold, in the
// words that DynamoDB has for updates. The table is locked.
func (a *action) checkUpdatedKeys(it attr.Item) error {
	err := a.t.checkIndexKeys(it)
	if err == nil || a.update == nil {
		return err
	}
	for _, x := range a.t.indexes {
		for _, p := range x.schema.all {
			v := it[p.Name]
			switch {
			case v.Kind() == 0:
			case v.Kind() == p.Kind && p.Kind != attr.Number && v.Str() == "":
				return emptyIndexUpdate(p.Kind)
			case v.Kind() != p.Kind && a.update.KindOf(p.Name) == 0:
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
