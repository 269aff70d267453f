package dynamo

import (
	"encoding/base64"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

// TestScanLeavesOthersAlone: an item that was changed by hand is told by its
// key, and the rest of its page is there.
func TestScanLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	spec := TableSpec{Name: "things-v1", Partition: Key{Name: attrKey, Type: KeyString}}
	f := newFixture(t, spec)
	table := NewTables(f.client, testPrefix).Table("things", 1)
	for _, key := range []string{"a", "b"} {
		if err := table.Put(t.Context(), driver.Write{Item: driver.Item{Key: key, Version: 1, Row: []byte(`{"n":1}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: ptr(TableName(testPrefix, spec)),
		Item: map[string]types.AttributeValue{
			attrKey: &types.AttributeValueMemberS{Value: "damaged"}, attrGuard: &types.AttributeValueMemberS{Value: "x"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	page, next, err := table.Scan(t.Context(), 0, 1, "")
	if err != nil || next != "" || len(page) != 3 {
		t.Fatalf("%d items, cursor %q, %v", len(page), next, err)
	}
	for _, found := range page {
		if bad := found.Item.Key == "damaged"; bad != (events.CodeOf(found.Err) == events.CodeInternal) {
			t.Errorf("item %q: %v", found.Item.Key, found.Err)
		}
	}
}

func TestItemCursors(t *testing.T) {
	t.Parallel()
	scan := textSegment(3, 1_000_000, itemCursor, attrKey)
	want := itemKey("@stream/user/ä@1")
	if got := scan.key(scan.cursor(want)); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v was read as %+v", want, got)
	}
	scan = textSegment(0, 1, itemCursor, attrKey)
	for _, bad := range []string{
		"", "*", "AQ", base64.RawURLEncoding.EncodeToString([]byte{2}), base64.RawURLEncoding.EncodeToString([]byte{2, 0, 1}),
		base64.RawURLEncoding.EncodeToString([]byte{2, 0, 1, 0xff}), base64.RawURLEncoding.EncodeToString([]byte{1, 0, 1, 'a'}),
		base64.RawURLEncoding.EncodeToString([]byte{2, 0x80, 0, 1, 'a'}),
	} {
		if key := scan.key(bad); key != nil {
			t.Errorf("%q was read as %+v", bad, key)
		}
	}
}

type thingAdded struct{}

func (thingAdded) EventName() string { return "thing-added" }

// TestScanIsBilledAsConsistent: Scan promises consistent reads and pays for them.
func TestScanIsBilledAsConsistent(t *testing.T) {
	t.Parallel()
	things := view.New[struct {
		N int64 `json:"n"`
	}]("things", "thing").On(func(r struct {
		N int64 `json:"n"`
	}, _ thingAdded, _ view.Meta) struct {
		N int64 `json:"n"`
	} {
		return r
	})
	f := newFixture(t, ViewTable(things.Describe()))
	table := NewTables(f.client, testPrefix).Table("things", 1)
	if err := table.Put(t.Context(), driver.Write{Item: driver.Item{Key: "a", Version: 1, Row: []byte(`{"n":1}`)}}); err != nil {
		t.Fatal(err)
	}
	ctx, meter := WithMeter(t.Context())
	if _, _, err := table.Scan(ctx, 0, 1, ""); err != nil {
		t.Fatal(err)
	}
	if u := meter.Usage(); u.Requests != 1 || u.ReadUnits != 1 {
		t.Errorf("a scan of one small item cost %+v", u)
	}
}
