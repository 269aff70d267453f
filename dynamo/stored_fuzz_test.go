package dynamo

import (
	"encoding/json/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/process"
	"daybook/view/driver"
)

// wireAttribute is one attribute of DynamoDB's JSON.
type wireAttribute struct {
	S    *string
	N    *string
	B    []byte
	BOOL *bool
	NULL *bool
	M    map[string]wireAttribute
	L    []wireAttribute
}

func (w wireAttribute) value() types.AttributeValue {
	switch {
	case w.S != nil:
		return &types.AttributeValueMemberS{Value: *w.S}
	case w.N != nil:
		return &types.AttributeValueMemberN{Value: *w.N}
	case w.BOOL != nil:
		return &types.AttributeValueMemberBOOL{Value: *w.BOOL}
	case w.NULL != nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case w.M != nil:
		return &types.AttributeValueMemberM{Value: wireItemOf(w.M)}
	case w.L != nil:
		list := make([]types.AttributeValue, len(w.L))
		for i, e := range w.L {
			list[i] = e.value()
		}
		return &types.AttributeValueMemberL{Value: list}
	}
	return &types.AttributeValueMemberB{Value: w.B}
}

func wireItemOf(all map[string]wireAttribute) map[string]types.AttributeValue {
	item := make(map[string]types.AttributeValue, len(all))
	for name, w := range all {
		item[name] = w.value()
	}
	return item
}

// sentBack decodes an item that may be anything. Its error has a code; what was read
// is written so that it is read as the same, unless it is too large by now or is
// refused as such a thing can't be written.
func sentBack[T any](t *testing.T, item map[string]types.AttributeValue, decode func(map[string]types.AttributeValue) (T, error), encode func(T) (map[string]types.AttributeValue, error)) {
	t.Helper()
	first, err := decode(item)
	if err != nil {
		if events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: %v has code %q", wire(t, item), err, events.CodeOf(err))
		}
		return
	}
	stored, err := encode(first)
	if err != nil {
		if code := events.CodeOf(err); code != events.CodeTooLarge && code != events.CodeInternal && code != events.CodeMalformed {
			t.Errorf("%s: %v has code %q", wire(t, item), err, code)
		}
		return
	}
	second, err := decode(stored)
	if err != nil {
		t.Fatalf("%s\nwas stored as\n%s\nwhich can't be read: %v", wire(t, item), wire(t, stored), err)
	}
	ignore := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(events.Commit{}, "Size"), cmp.Exporter(func(reflect.Type) bool { return true })}
	if diff := cmp.Diff(first, second, ignore); diff != "" {
		t.Errorf("%s\nwas stored as\n%s\nwhich is read as another (-first +second):\n%s", wire(t, item), wire(t, stored), diff)
	}
}

// FuzzStoredItems: an item of any of the tables, as another version or another program
// may have left it, is read or refused, never half of either.
func FuzzStoredItems(f *testing.F) {
	for n := range 3 {
		c, item := streamed(f, n+1, 1)
		f.Add(wire(f, item))
		c.Snapshot = &events.Snapshot{Schema: 1, State: []byte(`{"a":1}`)}
		if item, _, err := encodeCommit(&c); err == nil {
			f.Add(wire(f, item))
		}
	}
	row, err := encodeItem(&driver.Item{
		Key: "=7", Version: 3, Commit: 2, Row: []byte(`{"name":"Ann","n":1.50,"list":[1,{"a":null}]}`), Memo: []byte(`{}`),
		Index: map[string]driver.IndexKey{"by-name": {Partition: "p", Sort: driver.Sort{Kind: driver.SortString, Text: "=Ann"}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	entry, err := encodeEntry(&process.Entry{
		Key: process.Key{Reactor: "enrolment", Stream: "booking/7"}, Revision: 2, Commit: 5, Memory: []byte(`{"a":1}`), MemorySchema: 1,
		Timers: map[string]string{"late": "c"}, Rejections: []process.Rejection{{CommandID: "c", Code: "fully-booked"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	request, err := requestItem(async.Status{
		CommandID: "c", Stream: "member/7", State: async.StateAccepted, Since: time.UnixMilli(1780000000123).UTC(),
		Actor: "ann", Problem: &events.Error{Code: "x", Message: "m"},
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, item := range []map[string]types.AttributeValue{
		row, entry, request, heldItem(events.Held{Key: "member-email/a", Stream: "member/7", Commit: 1}),
		spentItem(events.Spent{ID: "c", Stream: "member/7", Version: 3}),
	} {
		f.Add(wire(f, item))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var raw map[string]wireAttribute
		if json.Unmarshal(body, &raw) != nil {
			return
		}
		item := wireItemOf(raw)
		sentBack(t, item, decodeCommit, func(c events.Commit) (map[string]types.AttributeValue, error) {
			item, _, err := encodeCommit(&c)
			return item, err
		})
		sentBack(t, item, decodeItem, func(it driver.Item) (map[string]types.AttributeValue, error) { return encodeItem(&it) })
		sentBack(t, item, decodeEntry, encodeEntry)
		sentBack(t, item, func(item map[string]types.AttributeValue) (*async.Status, error) { return decodeRequest(item, "") }, func(s *async.Status) (map[string]types.AttributeValue, error) { return requestItem(*s) })
		sentBack(t, item, decodeHeld, func(h events.Held) (map[string]types.AttributeValue, error) { return heldItem(h), nil })
		sentBack(t, item, decodeSpent, func(s events.Spent) (map[string]types.AttributeValue, error) { return spentItem(s), nil })
	})
}
