package dynamo

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view/driver"
)

// The attributes of an item of a query table, besides those of its row; see the
// table in doc.go.
const (
	attrKey            = "key"
	attrApplied        = "_c"
	attrGuard          = "_v"
	attrMemo           = "_m"
	attrParked         = "_f"
	attrOrder          = "_o"
	attrRaw            = "_r"
	attrIndexPartition = "_p-" // and the name of the index
	attrIndexSort      = "_s-" // and the name of the index
)

// parkedRoom is how many bytes below the limit an item of a query table stays,
// so that its stream can be parked: attrParked, or a change of it, fits.
const parkedRoom = 64

var errItem = errors.New("the item can't be stored")

// encodeItem returns the attributes of an item of a query table. Errors:
// too-large, internal.
func encodeItem(it *driver.Item) (map[string]types.AttributeValue, error) {
	item := map[string]types.AttributeValue{
		attrKey:   &types.AttributeValueMemberS{Value: it.Key},
		attrGuard: numberValue(it.Version),
	}
	if it.Commit != 0 {
		item[attrApplied] = numberValue(it.Commit)
	}
	if it.Parked != 0 {
		item[attrParked] = numberValue(it.Parked)
	}
	if it.Memo != nil {
		item[attrMemo] = &types.AttributeValueMemberS{Value: string(it.Memo)}
	}
	if it.Row != nil {
		if err := encodeRow(item, it.Row); err != nil {
			return nil, events.Wrap(events.CodeInternal, fmt.Errorf("item %q: %w", it.Key, err), "a row can't be stored")
		}
	}
	for name, place := range it.Index {
		sort, err := sortValue(place.Sort)
		if err != nil || place.Partition == "" {
			return nil, events.Wrap(events.CodeInternal, fmt.Errorf("item %q, index %s: %w", it.Key, name, errItem), "a row can't be stored")
		}
		if len(place.Partition) > maxPartitionSize || (place.Sort.Kind == driver.SortString && len(place.Sort.Text) > maxSortSize) {
			return nil, tooLarge("an item")
		}
		item[attrIndexPartition+name] = &types.AttributeValueMemberS{Value: place.Partition}
		item[attrIndexSort+name] = sort
	}
	limit := maxItemSize
	if it.Parked == 0 {
		limit -= parkedRoom
	}
	if itemSize(item) > limit || len(it.Key) > maxPartitionSize {
		return nil, tooLarge("an item")
	}
	return item, nil
}

// encodeRow adds a row to the attributes of its item.
func encodeRow(item map[string]types.AttributeValue, row jsontext.Value) error {
	members, order, err := nativeRow(row)
	if err != nil {
		if row.Kind() != jsontext.KindBeginObject || !row.IsValid() {
			return errors.Join(errItem, err)
		}
		item[attrRaw] = &types.AttributeValueMemberS{Value: string(row)}
		return nil
	}
	for name, v := range members {
		item[attributeName(name)] = v
	}
	if len(order) > 0 {
		item[attrOrder] = &types.AttributeValueMemberB{Value: order}
	}
	return nil
}

// sortValue is a sort key as an attribute.
func sortValue(s driver.Sort) (types.AttributeValue, error) {
	switch s.Kind {
	case driver.SortString:
		if s.Text == "" {
			return nil, errItem
		}
		return &types.AttributeValueMemberS{Value: s.Text}, nil
	case driver.SortNumber:
		n, err := parseNumber(s.Text)
		return &types.AttributeValueMemberN{Value: n.String()}, err
	}
	return nil, errItem
}

// decodeItem reads an item that encodeItem wrote. Its error has code internal.
func decodeItem(item map[string]types.AttributeValue) (driver.Item, error) {
	r := itemReader{members: map[string]types.AttributeValue{}}
	for name, v := range item {
		if member, ok := memberName(name); ok {
			r.members[member] = v
		} else {
			r.own(name, v)
		}
	}
	if r.raw != "" {
		r.item.Row = jsontext.Value(r.raw)
	} else if len(r.members) > 0 {
		text, err := rowText(r.members, r.order)
		if err != nil {
			r.fail(err)
		}
		r.item.Row = text
	}
	if r.item.Key == "" {
		r.fail(errors.New("it has no key"))
	}
	for name, place := range r.item.Index {
		if place.Partition == "" || place.Sort.Kind == 0 {
			delete(r.item.Index, name) // half a place is in no index
		}
	}
	if r.err != nil {
		return driver.Item{}, events.Wrap(events.CodeInternal, fmt.Errorf("item %q: %w", r.item.Key, r.err), "a stored row can't be read")
	}
	return r.item, nil
}

// itemReader gathers the attributes of an item.
type itemReader struct {
	item    driver.Item
	members map[string]types.AttributeValue
	order   []byte
	raw     string
	err     error
}

func (r *itemReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// own takes an attribute that is not a member of the row.
func (r *itemReader) own(name string, v types.AttributeValue) {
	switch name {
	case attrKey:
		r.item.Key = textOf(v)
	case attrMemo:
		r.item.Memo = jsontext.Value(textOf(v))
	case attrRaw:
		r.raw = textOf(v)
	case attrOrder:
		if b, ok := v.(*types.AttributeValueMemberB); ok {
			r.order = b.Value
		}
	case attrApplied:
		r.item.Commit = r.integer(name, v)
	case attrGuard:
		r.item.Version = r.integer(name, v)
	case attrParked:
		r.item.Parked = r.integer(name, v)
	default:
		r.place(name, v)
	}
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (r *itemReader) integer(name string, v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		r.fail(fmt.Errorf("attribute %s is not a number", name))
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		r.fail(fmt.Errorf("attribute %s: %w", name, err))
	}
	return i
}

// place takes one half of the item's place in an index.
func (r *itemReader) place(name string, v types.AttributeValue) {
	index, isPartition := strings.CutPrefix(name, attrIndexPartition)
	if !isPartition {
		var isSort bool
		if index, isSort = strings.CutPrefix(name, attrIndexSort); !isSort {
			return // of a later program
		}
	}
	if r.item.Index == nil {
		r.item.Index = map[string]driver.IndexKey{}
	}
	place := r.item.Index[index]
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		if isPartition {
			place.Partition = v.Value
		} else {
			place.Sort = driver.Sort{Kind: driver.SortString, Text: v.Value}
		}
	case *types.AttributeValueMemberN:
		n, err := parseNumber(v.Value)
		if err != nil || isPartition {
			r.fail(fmt.Errorf("attribute %s has another type", name))
		}
		place.Sort = driver.Sort{Kind: driver.SortNumber, Text: n.String()}
	}
	r.item.Index[index] = place
}
