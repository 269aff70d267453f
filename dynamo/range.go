package dynamo

import (
	"context"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo/signed"
	"daybook/events"
	"daybook/view/driver"
)

// Range implements driver.Table: only the key by a GetItem, an index by Queries
// of it until an item was found or the range has ended.
func (t *table) Range(ctx context.Context, r driver.Range) ([]driver.Item, bool, error) {
	if r.Index == "" {
		found, err := t.Get(ctx, []string{r.Partition})
		if err != nil || found[0] == nil {
			return nil, err == nil, err
		}
		return []driver.Item{*found[0]}, true, nil
	}
	q, empty, err := newIndexQuery(r)
	if err != nil || empty {
		return nil, err == nil, err
	}
	in := q.input(t.name)
	var items []driver.Item
	for {
		out, err := queryPage(ctx, t.client, in)
		if err != nil {
			return nil, false, translate(ctx, err)
		}
		if items == nil {
			items = make([]driver.Item, 0, len(out.Items))
		}
		for _, raw := range out.Items {
			it, err := decodeAttributes(raw)
			if err != nil {
				return nil, false, err
			}
			if q.holds(it.Index[r.Index].Sort) {
				items = append(items, it)
			}
		}
		if len(out.LastEvaluatedKey) == 0 || len(items) > 0 {
			return items, len(out.LastEvaluatedKey) == 0, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// queryPage is a Query, without a map for each item where the client offers that.
func queryPage(ctx context.Context, client API, in *dynamodb.QueryInput) (*signed.Page, error) {
	if quick, ok := client.(interface {
		QueryPage(context.Context, *dynamodb.QueryInput) (*signed.Page, error)
	}); ok {
		return quick.QueryPage(ctx, in)
	}
	out, err := client.Query(ctx, in)
	if err != nil {
		return nil, err
	}
	return signed.PageOf(out), nil
}

// indexQuery is a Range as DynamoDB can be asked for it. A key condition has one
// test of the sort key, and BETWEEN includes both ends, so a range with two
// bounds may have to leave out what lies on an open one.
type indexQuery struct {
	r         driver.Range
	low, high *driver.Bound
}

// newIndexQuery returns the query of a range, or that the range holds nothing:
// DynamoDB refuses a lower bound above the upper one, and a start outside the
// bounds.
func newIndexQuery(r driver.Range) (q indexQuery, empty bool, err error) {
	q = indexQuery{r: r, low: r.Low, high: r.High}
	for _, b := range []*driver.Bound{r.Low, r.High} {
		if b == nil {
			continue
		}
		if _, err := sortValue(b.Sort); err != nil {
			return q, false, events.Wrap(events.CodeInternal, err, "an index can't be asked for this")
		}
	}
	// Behind a string comes the same string with a zero byte, so an open lower
	// bound is a closed one.
	if b := q.low; b != nil && q.high != nil && b.Open && b.Sort.Kind == driver.SortString && len(b.Sort.Text) < maxSortSize {
		q.low = &driver.Bound{Sort: driver.Sort{Kind: driver.SortString, Text: b.Sort.Text + "\x00"}}
	}
	if q.low != nil && q.high != nil {
		if c := q.low.Sort.Compare(q.high.Sort); c > 0 || (c == 0 && (q.low.Open || q.high.Open)) {
			return q, true, nil
		}
	}
	if r.After == nil {
		return q, false, nil
	}
	if _, err := sortValue(r.After.Sort); err != nil || r.After.Key == "" {
		return q, false, events.Wrap(events.CodeInternal, err, "an index can't be continued from this")
	}
	switch side := q.side(r.After.Sort); {
	case side == 0:
	case (side < 0) == r.Desc:
		return q, true, nil // behind the last item of the range
	default:
		q.r.After = nil // before its first one
	}
	return q, false, nil
}

// side says whether a sort key lies before what the key condition selects (-1),
// in it (0), or behind it (1).
func (q indexQuery) side(s driver.Sort) int {
	if p := q.r.Prefix; p != "" {
		if strings.HasPrefix(s.Text, p) {
			return 0
		}
		return strings.Compare(s.Text, p)
	}
	if b := q.low; b != nil {
		if c := s.Compare(b.Sort); c < 0 || (c == 0 && b.Open) {
			return -1
		}
	}
	if b := q.high; b != nil {
		if c := s.Compare(b.Sort); c > 0 || (c == 0 && b.Open) {
			return 1
		}
	}
	return 0
}

// holds reports whether a sort key is in the range.
func (q indexQuery) holds(s driver.Sort) bool { return q.side(s) == 0 }

// input is the Query of the index.
func (q indexQuery) input(table string) *dynamodb.QueryInput {
	in := &dynamodb.QueryInput{
		TableName:                 &table,
		IndexName:                 &q.r.Index,
		ScanIndexForward:          ptr(!q.r.Desc),
		Limit:                     ptr(int32(min(max(q.r.Limit, 1), math.MaxInt32))),
		ExpressionAttributeNames:  map[string]string{"#p": attrIndexPartition + q.r.Index},
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: q.r.Partition}},
	}
	condition := "#p = :p"
	if test, values := q.test(); test != "" {
		condition += " AND " + test
		in.ExpressionAttributeNames["#s"] = attrIndexSort + q.r.Index
		for i, v := range values {
			in.ExpressionAttributeValues[[]string{":a", ":b"}[i]] = v
		}
	}
	in.KeyConditionExpression = &condition
	if after := q.r.After; after != nil {
		start, _ := sortValue(after.Sort)
		in.ExclusiveStartKey = map[string]types.AttributeValue{
			attrKey:                        &types.AttributeValueMemberS{Value: after.Key},
			attrIndexPartition + q.r.Index: &types.AttributeValueMemberS{Value: q.r.Partition},
			attrIndexSort + q.r.Index:      start,
		}
	}
	return in
}

// test is the test of the sort key and its values.
func (q indexQuery) test() (string, []types.AttributeValue) {
	operand := func(s driver.Sort) types.AttributeValue {
		v, _ := sortValue(s)
		return v
	}
	switch low, high := q.low, q.high; {
	case q.r.Prefix != "":
		return "begins_with(#s, :a)", []types.AttributeValue{&types.AttributeValueMemberS{Value: q.r.Prefix}}
	case low != nil && high != nil:
		return "#s BETWEEN :a AND :b", []types.AttributeValue{operand(low.Sort), operand(high.Sort)}
	case low != nil && low.Open:
		return "#s > :a", []types.AttributeValue{operand(low.Sort)}
	case low != nil:
		return "#s >= :a", []types.AttributeValue{operand(low.Sort)}
	case high != nil && high.Open:
		return "#s < :a", []types.AttributeValue{operand(high.Sort)}
	case high != nil:
		return "#s <= :a", []types.AttributeValue{operand(high.Sort)}
	}
	return "", nil
}
