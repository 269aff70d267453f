package dynamo

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo/signed"
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

// pair is one attribute of an item to be written.
type pair struct {
	name  string
	value types.AttributeValue
}

// encodeItem returns the attributes of an item of a query table. Errors:
// too-large, internal.
func encodeItem(it *driver.Item) (map[string]types.AttributeValue, error) {
	pairs, err := encodePairs(it)
	if err != nil {
		return nil, err
	}
	item := make(map[string]types.AttributeValue, len(pairs))
	for _, p := range pairs {
		item[p.name] = p.value
	}
	return item, nil
}

// encodePairs is encodeItem in an order that items of one form have in common.
func encodePairs(it *driver.Item) (item []pair, err error) {
	if err := refuseUnsealed(it.Row, it.Memo); err != nil {
		return nil, err
	}
	item = make([]pair, 0, 16)
	add := func(name string, v types.AttributeValue) { item = append(item, pair{name, v}) }
	add(attrKey, &types.AttributeValueMemberS{Value: it.Key})
	add(attrGuard, numberValue(it.Version))
	if it.Commit != 0 {
		add(attrApplied, numberValue(it.Commit))
	}
	if it.Parked != 0 {
		add(attrParked, numberValue(it.Parked))
	}
	if it.Memo != nil {
		add(attrMemo, &types.AttributeValueMemberS{Value: string(it.Memo)})
	}
	for _, name := range slices.Sorted(maps.Keys(it.Index)) {
		place := it.Index[name]
		sort, err := sortValue(place.Sort)
		if err != nil || place.Partition == "" {
			return nil, events.Wrap(events.CodeInternal, fmt.Errorf("item %q, index %s: %w", it.Key, name, errItem), "a row can't be stored")
		}
		if len(place.Partition) > maxPartitionSize || (place.Sort.Kind == driver.SortString && len(place.Sort.Text) > maxSortSize) {
			return nil, tooLarge("an item")
		}
		add(attrIndexPartition+name, &types.AttributeValueMemberS{Value: place.Partition})
		add(attrIndexSort+name, sort)
	}
	if it.Row != nil {
		if item, err = encodeRow(item, it.Row); err != nil {
			return nil, events.Wrap(events.CodeInternal, fmt.Errorf("item %q: %w", it.Key, err), "a row can't be stored")
		}
	}
	limit := maxItemSize
	if it.Parked == 0 {
		limit -= parkedRoom
	}
	if len(it.Key) > maxPartitionSize || !surelyFits(it) && pairsSize(item) > limit {
		return nil, tooLarge("an item")
	}
	return item, nil
}

// surelyFits reports whether an item is far below the limit: a member of a row takes
// no more than three times its text, a place no more than a partition and a sort key.
func surelyFits(it *driver.Item) bool {
	const place = maxPartitionSize + maxSortSize + 512
	return len(it.Index) <= 20 && 3*len(it.Row)+len(it.Memo)+len(it.Key)+len(it.Index)*place < maxItemSize/2
}

// encodeRow adds a row to the attributes of its item.
func encodeRow(item []pair, row jsontext.Value) ([]pair, error) {
	members, order, err := nativeRow(item, row)
	if err != nil {
		if row.Kind() != jsontext.KindBeginObject || !row.IsValid() {
			return nil, errors.Join(errItem, err)
		}
		return append(item, pair{attrRaw, &types.AttributeValueMemberS{Value: string(row)}}), nil
	}
	if len(order) > 0 {
		members = append(members, pair{attrOrder, &types.AttributeValueMemberB{Value: order}})
	}
	return members, nil
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
	return decodeAttributes(signed.AttributesOf(item))
}

// decodeAttributes is decodeItem for attributes, which it puts in another order.
func decodeAttributes(item []signed.Attribute) (driver.Item, error) {
	r := itemReader{}
	members := item[:0]
	for i := range item {
		if member, ok := memberName(item[i].Name); ok {
			members = append(members, item[i])
			members[len(members)-1].Name = member
		} else {
			r.own(&item[i])
		}
	}
	if r.raw != "" {
		r.item.Row = jsontext.Value(r.raw)
	} else if len(members) > 0 {
		text, err := rowText(members, r.order)
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
	item  driver.Item
	order []byte
	raw   string
	err   error
}

func (r *itemReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// own takes an attribute that is not a member of the row.
func (r *itemReader) own(a *signed.Attribute) {
	switch a.Name {
	case attrKey:
		r.item.Key = a.String()
	case attrMemo:
		r.item.Memo = jsontext.Value(a.String())
	case attrRaw:
		r.raw = a.String()
	case attrOrder:
		r.order = a.Bytes()
	case attrApplied:
		r.item.Commit = r.integer(a)
	case attrGuard:
		r.item.Version = r.integer(a)
	case attrParked:
		r.item.Parked = r.integer(a)
	default:
		r.place(a)
	}
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (r *itemReader) integer(a *signed.Attribute) int64 {
	if a.Kind != signed.KindN {
		r.fail(fmt.Errorf("attribute %s is not a number", a.Name))
		return 0
	}
	i, err := strconv.ParseInt(a.Text, 10, 64)
	if err != nil {
		r.fail(fmt.Errorf("attribute %s: %w", a.Name, err))
	}
	return i
}

// place takes one half of the item's place in an index.
func (r *itemReader) place(a *signed.Attribute) {
	index, isPartition := strings.CutPrefix(a.Name, attrIndexPartition)
	if !isPartition {
		var isSort bool
		if index, isSort = strings.CutPrefix(a.Name, attrIndexSort); !isSort {
			return // of a later program
		}
	}
	if r.item.Index == nil {
		r.item.Index = make(map[string]driver.IndexKey, 2)
	}
	place := r.item.Index[index]
	switch a.Kind {
	case signed.KindS:
		if isPartition {
			place.Partition = a.Text
		} else {
			place.Sort = driver.Sort{Kind: driver.SortString, Text: a.Text}
		}
	case signed.KindN:
		text := a.Text
		if !isPlainInteger(text) {
			n, err := parseNumber(text)
			if err != nil {
				r.fail(fmt.Errorf("attribute %s has another type", a.Name))
			}
			text = n.String()
		}
		if isPartition {
			r.fail(fmt.Errorf("attribute %s has another type", a.Name))
		}
		place.Sort = driver.Sort{Kind: driver.SortNumber, Text: text}
	}
	r.item.Index[index] = place
}
