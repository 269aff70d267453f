package dynamo

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// AppendAll implements events.Store with one TransactWriteItems, or, where that
// touches one commit only, with one PutItem: a transaction costs double. The
// SDK gives each call a token, so that an attempt repeated after a lost answer
// does nothing; a call repeated by the caller finds its own commits.
func (s *EventStore) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	t := &transaction{store: s, as: make([]events.Append, len(as)), items: make([]map[string]types.AttributeValue, len(as))}
	copy(t.as, as)
	if err := t.prepare(); err != nil {
		return nil, err
	}
	if len(t.as) == 1 && t.items[0] != nil && !t.claims {
		c, err := s.put(ctx, &t.as[0].Commit, t.items[0])
		return []events.Commit{c}, err
	}
	return t.run(ctx)
}

// place sets what the position says of a commit.
func place(at events.Position, c *events.Commit) {
	c.Stream, c.Number = at.Stream(), at.Number()+1
	c.Version = at.Version() + int64(len(c.Events))
	c.Time = c.Time.UTC().Truncate(time.Millisecond)
}

// transaction is one AppendAll.
type transaction struct {
	store  *EventStore
	as     []events.Append
	items  []map[string]types.AttributeValue // of the commits; nil for a guard
	claims bool                              // the claims table has a part in it
	size   int                               // bytes of all commits

	// idle are the releases that the store refused: their streams don't hold
	// the values, so that there is nothing to do.
	idle map[release]bool
}

// prepare encodes the commits and checks the limits.
func (t *transaction) prepare() error {
	streams := make(map[events.Stream]bool, len(t.as))
	for i := range t.as {
		at, c := t.as[i].At, &t.as[i].Commit
		if streams[at.Stream()] {
			return events.Errorf(events.CodeInternal, "two appends on %s", at.Stream())
		}
		streams[at.Stream()] = true
		if len(c.Events) == 0 {
			continue
		}
		place(at, c)
		var err error
		if t.items[i], c.Size, err = encodeCommit(c); err != nil {
			return err
		}
		t.size += c.Size
	}
	if len(t.as) == 0 {
		return events.Errorf(events.CodeInternal, "nothing to append")
	}
	writes := events.Writes(t.as)
	if t.claims = writes > len(t.as); t.claims {
		if err := t.store.needClaims(); err != nil {
			return err
		}
	}
	if writes > events.MaxWrites || t.size > events.MaxAppendSize {
		return events.Errorf(events.CodeTooLarge, "at most %d items and %d bytes can be written at once", events.MaxWrites, events.MaxAppendSize)
	}
	return nil
}

// run sends the transaction, again without releases that have nothing to do.
func (t *transaction) run(ctx context.Context) ([]events.Commit, error) {
	for {
		writes, taken := t.writes()
		if taken != nil {
			return nil, t.confirm(ctx, taken)
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(writes))}
		for i, w := range writes {
			in.TransactItems[i] = w.item
		}
		_, err := t.store.client.TransactWriteItems(ctx, in)
		if err == nil {
			return t.stored(), nil
		}
		refused, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			return nil, translate(ctx, err)
		}
		v := &verdict{t: t}
		if err := v.read(ctx, writes, refused.CancellationReasons); err != nil {
			return nil, err
		}
		again, err := v.judge(ctx, refused)
		switch {
		case err != nil:
			return nil, err
		case !again:
			return t.stored(), nil
		}
	}
}

// confirm decides about an append whose claims exclude one another. Nothing is
// sent for them; a lost position still comes first.
func (t *transaction) confirm(ctx context.Context, taken *events.TakenError) error {
	v := &verdict{t: t}
	for i := range t.as {
		at := t.as[i].At
		cs, err := t.store.Read(ctx, at.Stream(), at.Number()+1, 1)
		if err != nil {
			return err
		}
		v.winners = append(v.winners, cs...)
	}
	if len(v.winners) > 0 {
		return events.Conflict(v.winners[0], v.winners[1:]...)
	}
	return events.Taken(taken)
}

func (t *transaction) stored() []events.Commit {
	stored := make([]events.Commit, len(t.as))
	for i := range t.as {
		stored[i] = t.as[i].Commit
		if t.items[i] != nil {
			t.store.pages.saw(&stored[i])
		}
	}
	return stored
}

// write is one item of the transaction, and what it is.
type write struct {
	item  types.TransactWriteItem
	at    int          // index of the append whose position it takes or guards; -1
	claim *claimChange // of a value
	once  string       // the key of a once-only command
}

// writes builds the transaction's items. taken says that claims of its own
// exclude one another.
func (t *transaction) writes() (ws []write, taken *events.TakenError) {
	table := &t.store.table
	for i := range t.as {
		w := write{at: i}
		condition, names := ptr("attribute_not_exists(#s)"), map[string]string{"#s": attrStream}
		if item := t.items[i]; item != nil {
			w.item.Put = &types.Put{
				TableName: table, Item: item, ConditionExpression: condition, ExpressionAttributeNames: names,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}
		} else {
			w.item.ConditionCheck = &types.ConditionCheck{
				TableName: table, Key: commitKey(t.as[i].At.Stream(), t.as[i].At.Number()+1), ConditionExpression: condition, ExpressionAttributeNames: names,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}
		}
		ws = append(ws, w)
	}
	changes, taken := t.changes()
	for _, c := range changes {
		ws = append(ws, write{at: -1, claim: c, item: t.claimWrite(c)})
	}
	for i := range t.as {
		c := &t.as[i].Commit
		for _, s := range c.Spends() {
			ws = append(ws, write{at: -1, once: onceKey(s.Stream.Tenant(), s.ID), item: types.TransactWriteItem{Put: &types.Put{
				TableName: &t.store.claims, Item: spentItem(s),
				ConditionExpression:                 ptr("attribute_not_exists(#k) OR #x <= :now"),
				ExpressionAttributeNames:            map[string]string{"#k": attrClaim, "#x": attrExpires},
				ExpressionAttributeValues:           map[string]types.AttributeValue{":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(c.Time.Unix(), 10)}},
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			}}})
		}
	}
	return ws, taken
}

// claimWrite claims or frees a value that is free or the first stream's own.
func (t *transaction) claimWrite(c *claimChange) types.TransactWriteItem {
	condition := ptr("attribute_not_exists(#k) OR #s = :s")
	names := map[string]string{"#k": attrClaim, "#s": attrHolder}
	values := map[string]types.AttributeValue{":s": &types.AttributeValueMemberS{Value: string(c.first)}}
	if c.holder == "" {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.store.claims, Key: claimKey(c.key),
			ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.store.claims, Item: heldItem(events.Held{Key: c.key, Stream: c.holder, Commit: c.number}),
		ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}
