package embedded

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"strconv"
	"sync"
)

// Limits of transactions, from AWS's "Amazon DynamoDB Transactions".
const (
	maxActions          = 100
	maxTransactionBytes = 4 << 20
	maxTokenLen         = 36
)

type transactAction struct {
	ConditionCheck *itemKey
	Delete         *itemKey
	Put            *itemPut
	Update         *itemUpdate
}

type transactWriteRequest struct {
	TransactItems               []transactAction
	ClientRequestToken          *string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (in *transactWriteRequest) check(c *checks) {
	checkTransactItems(c, len(in.TransactItems), in.TransactItems != nil, "actions")
	checkCapacity(c, in.ReturnConsumedCapacity)
	checkMetrics(c, in.ReturnItemCollectionMetrics)
	if t := in.ClientRequestToken; t != nil {
		if *t == "" {
			c.add("''", "clientRequestToken", "Member must have length greater than or equal to 1")
		}
		if len(*t) > maxTokenLen {
			c.add("'"+*t+"'", "clientRequestToken", "Member must have length less than or equal to 36")
		}
	}
	for i := range in.TransactItems {
		in.TransactItems[i].check(c, "transactItems."+strconv.Itoa(i+1)+".member.")
	}
}

// checkTransactItems adds the violations of a number of actions or reads.
func checkTransactItems(c *checks, n int, set bool, what string) {
	switch {
	case !set:
		c.required(false, "transactItems")
	case n == 0:
		c.add("'[]'", "transactItems", "Member must have length greater than or equal to 1")
	case n > maxActions:
		c.add("'["+strconv.Itoa(n)+" "+what+"]'", "transactItems", "Member must have length less than or equal to 100")
	}
}

func (a *transactAction) check(c *checks, at string) {
	key := func(k *itemKey, at string) {
		k.check(c, at)
		checkOnFailure(c, k.ReturnValuesOnConditionCheckFailure, at)
	}
	if a.ConditionCheck != nil {
		key(a.ConditionCheck, at+"conditionCheck.")
		c.required(a.ConditionCheck.ConditionExpression != nil, at+"conditionCheck.conditionExpression")
	}
	if a.Delete != nil {
		key(a.Delete, at+"delete.")
	}
	if a.Update != nil {
		key(&a.Update.itemKey, at+"update.")
		c.required(a.Update.UpdateExpression != nil, at+"update.updateExpression")
	}
	if a.Put != nil {
		a.Put.check(c, at+"put.")
		checkOnFailure(c, a.Put.ReturnValuesOnConditionCheckFailure, at+"put.")
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
	switch {
	case n != 1:
		return action{}, validation("TransactItems can only contain one of Check, Put, Update or Delete")
	case a.Put != nil:
		return a.Put.action()
	case a.Update != nil:
		return a.Update.action()
	case a.Delete != nil:
		return a.Delete.remove()
	}
	return a.ConditionCheck.action(actionCheck)
}

// resolve finds the action's table and key. A key that is not the table's is
// no error of the request but the action's reason to cancel; an empty one is an
// error of the request.
func (a *action) resolve(db *DB) (err error) {
	if a.t, err = db.table(a.table); err != nil {
		return err
	}
	a.key, a.bad = a.locate()
	if a.kind == actionPut {
		return a.t.schema.emptyKey(a.item, "")
	}
	return a.t.schema.emptyKey(a.keys, "")
}

// emptyIndexKey is the error of a put or an update that would leave an attribute
// of an index's key empty whatever the item is: an error of the request, found
// before any condition is evaluated. The table is locked.
func (a *action) emptyIndexKey() error {
	for _, x := range a.t.indexes {
		if a.kind == actionPut {
			if err := x.schema.emptyKey(a.item, x.def.IndexName); err != nil {
				return err
			}
		}
		if a.update == nil {
			continue
		}
		for _, p := range x.schema.all {
			v, ok := a.update.ValueOf(p.Name)
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
		return change{t: a.t}, reasonOf(a.bad)
	}
	old, err := a.evaluate()
	if err == nil && a.kind == actionPut {
		err = a.t.checkIndexKeys(a.item)
	}
	var c change
	if err == nil {
		c, err = a.change(old)
	}
	if err != nil {
		return change{t: a.t, old: old}, reasonOf(err)
	}
	return c, cancellation{code: "None"}
}

// reasonOf is the reason of an action that can't be carried out.
func reasonOf(err error) cancellation {
	e, _ := asAPIError(err)
	if isConditionFailed(e) {
		return cancellation{code: "ConditionalCheckFailed", message: e.message, item: e.item}
	}
	return cancellation{code: "ValidationError", message: e.message}
}

func (db *DB) transactWriteItems(body, out []byte) ([]byte, error) {
	in, err := decode[transactWriteRequest](body)
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
	var in struct{ TransactItems jsontext.Value }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, serialization("The request body is not valid JSON")
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
		size += a.size
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
			chargeOf(&charges, a.t, "Read").addRead(2 * readUnits(a.t.get(a.key).size(), true))
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

type transactGet struct{ Get *itemGet }

type transactGetRequest struct {
	TransactItems          []transactGet
	ReturnConsumedCapacity string
}

func (in *transactGetRequest) check(c *checks) {
	checkTransactItems(c, len(in.TransactItems), in.TransactItems != nil, "reads")
	checkCapacity(c, in.ReturnConsumedCapacity)
	for i, g := range in.TransactItems {
		at := "transactItems." + strconv.Itoa(i+1) + ".member.get"
		if g.Get == nil {
			c.required(false, at)
			continue
		}
		g.Get.check(c, at+".")
	}
}

// reads finds what to read.
func (in *transactGetRequest) reads(db *DB) ([]read, error) {
	reads := make([]read, len(in.TransactItems))
	for i, g := range in.TransactItems {
		var err error
		if reads[i], err = g.Get.parse(); err != nil {
			return nil, err
		}
	}
	for i, g := range in.TransactItems {
		if err := reads[i].resolve(db, g.Get); err != nil {
			return nil, err
		}
		if reads[i].bad != nil {
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

func (db *DB) transactGetItems(in *transactGetRequest, out []byte) ([]byte, error) {
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
	m.out = appendList(m.out, reads, func(out []byte, r read) []byte {
		size += r.row.size()
		chargeOf(&charges, r.t, "Read").addRead(2 * readUnits(r.row.size(), true))
		one := r.appendTo(out)
		return one.close()
	})
	if size > maxTransactionBytes {
		return nil, transactionTooLarge()
	}
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
		if err := reads[i].take(); err != nil {
			reasons[i], failed = reasonOf(err), true
		}
	}
	if failed {
		return cancelled(reasons)
	}
	return nil
}
