package dynamo

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// TestScanTolerant: a commit that can't be read is told beside the others, where Scan fails;
// and what else is damaged is found by reading the stream.
func TestScanTolerant(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	put := func(item map[string]types.AttributeValue) {
		if _, err := f.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	whole, spoilt, gone := events.Stream("user/whole"), events.Stream("user/spoilt"), events.Stream("user/gone")
	for _, stream := range []events.Stream{whole, spoilt, gone} {
		fill(t, s, stream, 4, false)
	}
	put(commitKey(spoilt, 3))
	put(map[string]types.AttributeValue{attrStream: &types.AttributeValueMemberS{Value: "user/none"}, attrCommit: &types.AttributeValueMemberN{Value: "0.5"}})
	if _, err := f.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.table, Key: commitKey(gone, 2)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Scan(t.Context(), 0, 1, ""); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("Scan: %v", err)
	}
	page, damaged, next, err := s.ScanTolerant(t.Context(), 0, 1, "")
	if err != nil || next != "" || len(page) != 4+3+3 || len(damaged) != 2 {
		t.Fatalf("%d commits, %+v, next %q, %v", len(page), damaged, next, err)
	}
	want := map[events.Stream]events.Damage{
		spoilt:      {Stream: spoilt, Version: 2, Commit: 3, Reason: "commit 3 can't be read: an attribute is missing or has another type"},
		"user/none": {Stream: "user/none", Reason: "a commit can't be read: an attribute is missing or has another type"},
	}
	for _, d := range damaged {
		if found, err := d.Locate(t.Context(), s); err != nil || found == nil || *found != want[d.Stream] {
			t.Errorf("%+v: got %+v, %v", d, found, err)
		}
	}
	found, err := events.FindDamage(t.Context(), s, gone)
	if err != nil || found == nil || *found != (events.Damage{Stream: gone, Version: 1, Commit: 2, Reason: "commit 2 is missing"}) {
		t.Errorf("a gap: %+v, %v", found, err)
	}
	if found, err := events.FindDamage(t.Context(), s, whole); err != nil || found != nil {
		t.Errorf("a whole stream: %+v, %v", found, err)
	}
}
