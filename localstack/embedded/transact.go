package embedded

import (
	"encoding/json/jsontext"
	"strconv"
	"sync"

	"daybook/localstack/embedded/expr"
)

// Limits of transactions, from AWS's "Amazon DynamoDB Transactions".
const (
	maxActions          = 100
	maxTransactionBytes = 4 << 20
	maxTokenLen         = 36
)

type transactPut struct {
	TableName                           string
	Item                                attributes
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type transactKey struct {
	TableName                           string
	Key                                 attributes
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type transactUpdate struct {
	transactKey
	UpdateExpression *string
}

type transactAction struct {
	ConditionCheck *transactKey
	Delete         *transactKey
	Put            *transactPut
	Update         *transactUpdate
}

type transactWriteRequest struct {
	TransactItems               []transactAction
	ClientRequestToken          *string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// action is one action of a transaction, validated as far as that needs no
// table.
type action struct {
	table     string
	condition *expr.Condition
	onFailure string
	put       *put
	update    *update
	remove    bool
	keyItem   attributes // of a delete or a check

	t   *table
	key string
	bad error // the key is not the table's; the action's reason
}

func (in *transactWriteRequest) check() error {
	var c checks
	switch n := len(in.TransactItems); {
	case in.TransactItems == nil:
		c.required(false, "transactItems")
	case n == 0:
		c.add("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxActions:
		c.add("'["+strconv.Itoa(n)+" actions]'", "transactItems", "Member must have length less than or equal to 100")
	}
	c.oneOf(in.ReturnConsumedCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	c.oneOf(in.ReturnItemCollectionMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	if t := in.ClientRequestToken; t != nil {
		if *t == "" {
			c.add("''", "clientRequestToken", "Member must have length greater than or equal to 1")
		}
		if len(*t) > maxTokenLen {
			c.add("'"+*t+"'", "clientRequestToken", "Member must have length less than or equal to 36")
		}
	}
	for i := range in.TransactItems {
		in.TransactItems[i].check(&c, "transactItems."+strconv.Itoa(i+1)+".member.")
	}
	return c.err()
}

func (a *transactAction) check(c *checks, at string) {
	key := func(k *transactKey, at string) {
		checkTableName(c, k.TableName, at+"tableName")
		c.required(k.Key.set, at+"key")
		checkOnFailure(c, k.ReturnValuesOnConditionCheckFailure, at+"returnValuesOnConditionCheckFailure")
	}
	if a.ConditionCheck != nil {
		key(a.ConditionCheck, at+"conditionCheck.")
		c.required(a.ConditionCheck.ConditionExpression != nil, at+"conditionCheck.conditionExpression")
	}
	if a.Delete != nil {
		key(a.Delete, at+"delete.")
	}
	if a.Update != nil {
		key(&a.Update.transactKey, at+"update.")
		c.required(a.Update.UpdateExpression != nil, at+"update.updateExpression")
	}
	if a.Put != nil {
		checkTableName(c, a.Put.TableName, at+"put.tableName")
		c.required(a.Put.Item.set, at+"put.item")
		checkOnFailure(c, a.Put.ReturnValuesOnConditionCheckFailure, at+"put.returnValuesOnConditionCheckFailure")
	}
}

// parse turns the request's action into one to carry out.
func (a *transactAction) parse() (action, error) {
	n := 0
	for _, set := range []bool{a.ConditionCheck != nil, a.Delete != nil, a.Put != nil, a.Update != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return action{}, validation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	switch {
	case a.Put != nil:
		p, err := parsePut(a.Put.Item, &a.Put.placeholders, a.Put.ConditionExpression)
		return action{table: a.Put.TableName, condition: p.condition, onFailure: a.Put.ReturnValuesOnConditionCheckFailure, put: &p}, err
	case a.Update != nil:
		u, err := parseUpdate(a.Update.Key, &a.Update.placeholders, a.Update.UpdateExpression, a.Update.ConditionExpression)
		return action{table: a.Update.TableName, condition: u.condition, onFailure: a.Update.ReturnValuesOnConditionCheckFailure, update: &u}, err
	case a.Delete != nil:
		return a.Delete.parse(true)
	}
	return a.ConditionCheck.parse(false)
}

func (k *transactKey) parse(remove bool) (action, error) {
	if k.Key.err != nil {
		return action{}, k.Key.err
	}
	condition, err := k.condition(k.ConditionExpression)
	return action{
		table: k.TableName, condition: condition, onFailure: k.ReturnValuesOnConditionCheckFailure,
		remove: remove, keyItem: k.Key,
	}, err
}

// resolve finds the action's table and key. A key that is not the table's is
// no error of the request but the action's reason to cancel; an empty one is an
// error of the request.
func (a *action) resolve(db *DB) (err error) {
	if a.t, err = db.table(a.table); err != nil {
		return err
	}
	switch {
	case a.put != nil:
		a.key, a.bad = a.t.schema.keyOf(a.put.item)
		return a.t.schema.emptyKey(a.put.item, "")
	case a.update != nil:
		a.key, a.bad = a.update.keyIn(a.t)
		return a.t.schema.emptyKey(a.update.key, "")
	default:
		a.key, a.bad = a.t.schema.keyOnly(a.keyItem.item)
		return a.t.schema.emptyKey(a.keyItem.item, "")
	}
}

// emptyIndexKey is the error of a put or an update that would leave an attribute
// of an index's key empty whatever the item is: an error of the request, found
// before any condition is evaluated. The table is locked.
func (a *action) emptyIndexKey() error {
	for _, x := range a.t.indexes {
		if a.put != nil {
			if err := x.schema.emptyKey(a.put.item, x.def.IndexName); err != nil {
				return err
			}
		}
		if a.update == nil || a.update.update == nil {
			continue
		}
		for _, p := range x.schema.all {
			v, ok := a.update.update.ValueOf(p.Name)
			if ok && v.Kind() == p.Kind && checkNotEmpty(p, v, "") != nil {
				return emptyIndexUpdate(p.Kind)
			}
		}
	}
	return nil
}

// decide evaluates the action; the table is locked. A reason other than None
// cancels the transaction.
func (a *action) decide() (change, cancellation) {
	if a.bad != nil {
		return change{t: a.t}, invalidAction(a.bad)
	}
	expressions := []pathed{a.condition}
	if a.update != nil {
		expressions = append(expressions, a.update.update)
	}
	if err := a.t.checkPaths(expressions...); err != nil {
		return change{t: a.t}, invalidAction(err)
	}
	old := a.t.get(a.key)
	if !holds(a.condition, old) {
		r := cancellation{code: "ConditionalCheckFailed", message: "The conditional request failed"}
		if a.onFailure == "ALL_OLD" {
			r.item = old
		}
		return change{t: a.t, old: old}, r
	}
	c := change{t: a.t, key: a.key, old: old}
	var err error
	switch {
	case a.put != nil:
		if err = a.t.checkIndexKeys(a.put.item); err == nil {
			c = a.put.change(a.t, a.key)
		}
	case a.update != nil:
		c, err = a.update.change(a.t, a.key, old)
	case !a.remove:
		c.new = old
	}
	if err != nil {
		return change{t: a.t, old: old}, invalidAction(err)
	}
	return c, cancellation{code: "None"}
}

// invalidAction is the reason of an action that can't be carried out.
func invalidAction(err error) cancellation {
	e, _ := asAPIError(err)
	return cancellation{code: "ValidationError", message: e.message}
}

func (db *DB) transactWriteItems(body, out []byte) ([]byte, error) {
	in, err := checked[transactWriteRequest](body)
	if err != nil {
		return nil, err
	}
	actions, err := in.actions(db)
	if err != nil {
		return nil, err
	}
	var token *tokenUse
	if in.ClientRequestToken != nil {
		if token, err = requestToken(*in.ClientRequestToken, body); err != nil {
			return nil, err
		}
		replayed, err := db.tokens.begin(token, db.now())
		if err != nil {
			return nil, err
		}
		if replayed {
			return db.replay(out, actions, in.ReturnConsumedCapacity)
		}
	}
	charges, pos, err := db.transact(actions, token)
	if err != nil {
		if token != nil {
			db.tokens.end(token, db.now(), false)
		}
		return nil, err
	}
	if err := db.finish(pos); err != nil {
		return nil, err
	}
	m := open(out)
	m.capacities(charges, in.ReturnConsumedCapacity)
	return m.close(), nil
}

// requestToken is the token with a digest of what it stands for: the request's
// actions, whatever else the request says.
func requestToken(token string, body []byte) (*tokenUse, error) {
	in, err := decodeLoose[struct{ TransactItems jsontext.Value }](body)
	if err != nil {
		return nil, err
	}
	if err := in.TransactItems.Canonicalize(); err != nil {
		return nil, serialization("The request body is not valid JSON")
	}
	return newTokenUse(token, in.TransactItems), nil
}

// actions parses the request's actions and finds their items.
func (in *transactWriteRequest) actions(db *DB) ([]action, error) {
	actions := make([]action, 0, len(in.TransactItems))
	for i := range in.TransactItems {
		a, err := in.TransactItems[i].parse()
		if err != nil {
			return nil, err
		}
		actions = append(actions, a)
	}
	type target struct {
		t   *table
		key string
	}
	seen := make(map[target]bool, len(actions))
	size := 0
	for i := range actions {
		a := &actions[i]
		if err := a.resolve(db); err != nil {
			return nil, err
		}
		if a.bad != nil {
			continue
		}
		if seen[target{a.t, a.key}] {
			return nil, validation("Transaction request cannot include multiple operations on one item")
		}
		seen[target{a.t, a.key}] = true
		if a.put != nil {
			size += a.put.size
		}
	}
	if size > maxTransactionBytes {
		return nil, transactionTooLarge()
	}
	return actions, nil
}

func transactionTooLarge() error {
	return validation("The aggregate size of the items in the transaction exceeds the limit of 4 MB")
}

// transact carries out all actions or none.
func (db *DB) transact(actions []action, token *tokenUse) ([]*charge, position, error) {
	tables := make([]*table, len(actions))
	for i := range actions {
		tables[i] = actions[i].t
	}
	unlock, err := lockAll(tables, func(t *table) sync.Locker { return &t.mu })
	if err != nil {
		return nil, position{}, err
	}
	defer unlock()
	changes, err := db.decideAll(actions)
	if err != nil {
		return nil, position{}, err
	}
	charges := chargeWrites(changes)
	for _, c := range charges {
		c.t.meter.write(c.units)
	}
	pos, err := db.commit(token, changes...)
	return charges, pos, err
}

// decideAll evaluates every action, so that the error has a reason for each.
func (db *DB) decideAll(actions []action) ([]change, error) {
	changes := make([]change, len(actions))
	reasons := make([]cancellation, len(actions))
	for i := range actions {
		if err := actions[i].emptyIndexKey(); err != nil {
			return nil, err
		}
	}
	conflict := db.faults.conflict()
	failed := false
	size := 0
	for i := range actions {
		changes[i], reasons[i] = actions[i].decide()
		if conflict && i == 0 && reasons[i].code == "None" {
			reasons[i] = cancellation{code: "TransactionConflict", message: "Transaction is ongoing for the item"}
		}
		failed = failed || reasons[i].code != "None"
		size += max(changes[i].old.size(), changes[i].new.size())
	}
	if failed {
		for _, c := range changes {
			c.t.meter.write(2 * writeUnits(c.old.size()))
		}
		return nil, cancelled(reasons)
	}
	if size > maxTransactionBytes {
		return nil, transactionTooLarge()
	}
	return changes, nil
}

// chargeWrites counts a transaction: twice the units of each item, written or
// checked, and the indexes' own units, which are written after the transaction.
func chargeWrites(changes []change) []*charge {
	var charges []*charge
	for _, c := range changes {
		chargeOf(&charges, c.t, "Write").addWrite(c.t, c.old, c.new, 2)
	}
	return charges
}

func chargeOf(charges *[]*charge, t *table, kind string) *charge {
	for _, c := range *charges {
		if c.t == t {
			return c
		}
	}
	c := &charge{t: t, transaction: kind}
	*charges = append(*charges, c)
	return c
}

// replay answers a request that was carried out before: it costs the reads of
// its items.
func (db *DB) replay(out []byte, actions []action, detail string) ([]byte, error) {
	var charges []*charge
	for i := range actions {
		a := &actions[i]
		err := a.t.withRead(func() error {
			units := 2 * readUnits(a.t.get(a.key).size(), true)
			chargeOf(&charges, a.t, "Read").addTable(units)
			a.t.meter.read(units)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	m := open(out)
	m.capacities(charges, detail)
	return m.close(), nil
}

type transactGet struct {
	Get *struct {
		TableName                string
		Key                      attributes
		ProjectionExpression     *string
		ExpressionAttributeNames map[string]string
	}
}

type transactGetRequest struct {
	TransactItems          []transactGet
	ReturnConsumedCapacity string
}

// read is one read of a transaction.
type read struct {
	t          *table
	key        string
	projection *expr.Projection
	row        row
	bad        error // the key is not the table's
}

func (in *transactGetRequest) check() error {
	var c checks
	switch n := len(in.TransactItems); {
	case in.TransactItems == nil:
		c.required(false, "transactItems")
	case n == 0:
		c.add("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxActions:
		c.add("'["+strconv.Itoa(n)+" reads]'", "transactItems", "Member must have length less than or equal to 100")
	}
	c.oneOf(in.ReturnConsumedCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	for i, g := range in.TransactItems {
		at := "transactItems." + strconv.Itoa(i+1) + ".member.get"
		if g.Get == nil {
			c.required(false, at)
			continue
		}
		checkTableName(&c, g.Get.TableName, at+".tableName")
		c.required(g.Get.Key.set, at+".key")
	}
	return c.err()
}

// reads finds what to read.
func (in *transactGetRequest) reads(db *DB) ([]read, error) {
	reads := make([]read, len(in.TransactItems))
	for i, g := range in.TransactItems {
		if g.Get.Key.err != nil {
			return nil, g.Get.Key.err
		}
		var err error
		if reads[i].projection, err = soleProjection(g.Get.ProjectionExpression, g.Get.ExpressionAttributeNames); err != nil {
			return nil, err
		}
	}
	for i, g := range in.TransactItems {
		var err error
		if reads[i].t, err = db.table(g.Get.TableName); err != nil {
			return nil, err
		}
		if reads[i].key, reads[i].bad = reads[i].t.schema.keyOnly(g.Get.Key.item); reads[i].bad != nil {
			continue
		}
		for _, earlier := range reads[:i] {
			if earlier.t == reads[i].t && earlier.key == reads[i].key {
				return nil, validation("Transaction request cannot include multiple operations on one item")
			}
		}
	}
	return reads, nil
}

func (db *DB) transactGetItems(body, out []byte) ([]byte, error) {
	in, err := checked[transactGetRequest](body)
	if err != nil {
		return nil, err
	}
	reads, err := in.reads(db)
	if err != nil {
		return nil, err
	}
	if err := readAll(reads); err != nil {
		return nil, err
	}
	size := 0
	var charges []*charge
	m := open(out)
	m.add("Responses")
	m.out = append(m.out, '[')
	for i, r := range reads {
		if i > 0 {
			m.out = append(m.out, ',')
		}
		size += r.row.size()
		units := 2 * readUnits(r.row.size(), true)
		chargeOf(&charges, r.t, "Read").addTable(units)
		r.t.meter.read(units)
		answer := open(m.out)
		if r.row != "" {
			answer.add("Item")
			answer.out = r.row.appendProjected(answer.out, r.projection)
		}
		m.out = answer.close()
	}
	if size > maxTransactionBytes {
		return nil, transactionTooLarge()
	}
	m.out = append(m.out, ']')
	m.capacities(charges, in.ReturnConsumedCapacity)
	return m.close(), nil
}

// readAll reads all items at one point of time.
func readAll(reads []read) error {
	tables := make([]*table, len(reads))
	for i := range reads {
		tables[i] = reads[i].t
	}
	unlock, err := lockAll(tables, func(t *table) sync.Locker { return t.mu.RLocker() })
	if err != nil {
		return err
	}
	defer unlock()
	reasons := make([]cancellation, len(reads))
	failed := false
	for i := range reads {
		reasons[i].code = "None"
		if reads[i].bad != nil {
			reasons[i], failed = invalidAction(reads[i].bad), true
			continue
		}
		if err := reads[i].t.checkPaths(reads[i].projection); err != nil {
			reasons[i], failed = invalidAction(err), true
			continue
		}
		reads[i].row = reads[i].t.get(reads[i].key)
	}
	if failed {
		return cancelled(reasons)
	}
	return nil
}
