package dynamo

import (
	"encoding/json/v2"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"daybook/events"
)

// streamRecord writes a record as Lambda hands it over.
func streamRecord(t fatal, name string, n int, item map[string]types.AttributeValue) string {
	t.Helper()
	keys := map[string]types.AttributeValue{attrStream: item[attrStream], attrCommit: item[attrCommit]}
	return fmt.Sprintf(`{"eventID":"c4ca4238a0b923820dcc509a6f75849%d","eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb",`+
		`"awsRegion":"eu-west-1","dynamodb":{"ApproximateCreationDateTime":1.793697342E9,"Keys":%s,"NewImage":%s,`+
		`"SequenceNumber":"4421584500000000017450439%d","SizeBytes":%d,"StreamViewType":"NEW_IMAGE"},`+
		`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/daybook-events/stream/2026-11-03T00:00:00.000"}`,
		n, name, wire(t, keys), wire(t, item), n, itemSize(item))
}

func streamEvent(records ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// streamed returns a commit and its item.
func streamed(t fatal, n, number int) (events.Commit, map[string]types.AttributeValue) {
	t.Helper()
	c := userCommit(n)
	c.Stream, c.Number, c.Version = "user/käse", int64(number), int64(number*n)
	c.Snapshot = &events.Snapshot{Schema: 1, State: userData(3), Commands: []events.CommandRecord{{Version: 5}}}
	item, size, err := encodeCommit(&c)
	if err != nil {
		t.Fatal(err)
	}
	c.Size = size
	return c, item
}

func TestDecodeStreamEvent(t *testing.T) {
	t.Parallel()
	plain, plainItem := streamed(t, 2, 1)
	packed, packedItem := streamed(t, 60, 2)
	if packedItem[attrCompressed] == nil {
		t.Fatal("the second commit is not compressed")
	}
	plainItem["later"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNULL{Value: true}}}
	records, err := DecodeStreamEvent(streamEvent(
		streamRecord(t, "INSERT", 1, plainItem),
		streamRecord(t, "MODIFY", 2, plainItem),
		streamRecord(t, "REMOVE", 3, packedItem),
		streamRecord(t, "INSERT", 4, packedItem),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := []Record{
		{EventID: "c4ca4238a0b923820dcc509a6f758491", Sequence: "44215845000000000174504391", Stream: "user/käse", Number: 1, Commit: &plain, ApproximateTime: time.Unix(1793697342, 0).UTC()},
		{EventID: "c4ca4238a0b923820dcc509a6f758494", Sequence: "44215845000000000174504394", Stream: "user/käse", Number: 2, Commit: &packed, ApproximateTime: time.Unix(1793697342, 0).UTC()},
	}
	if !reflect.DeepEqual(records, want) {
		t.Errorf("got\n%+v\nwant\n%+v", records, want)
	}
}

func TestDamagedRecordsLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	_, item := streamed(t, 2, 7)
	good := streamRecord(t, "INSERT", 1, item)
	for name, damage := range map[string]struct{ old, new string }{
		"an attribute is missing":      {`"v":{"N":"14"}`, `"w":{"N":"14"}`},
		"an attribute of another type": {`"v":{"N":"14"}`, `"v":{"S":"14"}`},
		"a value that is not a string": {`"v":{"N":"14"}`, `"v":{"N":14}`},
		"an attribute without a type":  {`"v":{"N":"14"}`, `"v":"14"`},
		"bytes that are not base64":    {`"q":{"B":"`, `"q":{"B":"*`},
		"events that are no JSON":      {`[[\"user-created\"`, `[[\"user-created`},
		"events that are not closed":   {`[[\"user-created\"`, `[\"user-created\"`},
		"an unknown kind of record":    {`"eventName":"INSERT"`, `"eventName":"UPSERT"`},
		"no sequence number":           {`"SequenceNumber"`, `"Sequence"`},
		"no image":                     {`"NewImage"`, `"OldImage"`},
		"an image of another commit":   {`"Keys":{"commit":{"N":"7"}`, `"Keys":{"commit":{"N":"8"}`},
		"a time that is not a number":  {`1.793697342E9`, `"today"`},
		"a time beyond all times":      {`1.793697342E9`, `1e300`},
		"no change":                    {`"dynamodb":{`, `"dynamodb":null,"other":{`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, damage.old, damage.new, 1)
			if bad == good {
				t.Fatalf("there is no %s in %s", damage.old, good)
			}
			records, err := DecodeStreamEvent(streamEvent(good, bad, good))
			if err != nil || len(records) != 3 {
				t.Fatalf("%d records, error %v", len(records), err)
			}
			for i, r := range records {
				if damaged := i == 1; (r.Err != nil) != damaged || (r.Commit == nil) != damaged {
					t.Errorf("record %d: commit %v, error %v", i, r.Commit, r.Err)
				}
			}
			if events.CodeOf(records[1].Err) != events.CodeInternal {
				t.Errorf("code %q", events.CodeOf(records[1].Err))
			}
			if name != "no change" && records[1].Stream != "user/käse" {
				t.Errorf("a damaged record is of %q", records[1].Stream)
			}
		})
	}
}

func TestNoStreamEvent(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{``, `null`, `[]`, `{}`, `{"Records":null}`, `{"Records":{}}`, `{"Records":[{]}`, `{"Records":[{}`, `{"Records":[]`, `{"a":"\ud800"}`} {
		if _, err := DecodeStreamEvent([]byte(payload)); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%q: error %v", payload, err)
		}
	}
	if records, err := DecodeStreamEvent([]byte(`{"Records":[]}`)); err != nil || len(records) != 0 {
		t.Errorf("an empty event: %v, error %v", records, err)
	}
	if records, err := DecodeStreamEvent([]byte(`{"Records":[1,null,{}]}`)); err != nil || len(records) != 3 || records[0].Err == nil {
		t.Errorf("records that are none: %v, error %v", records, err)
	}
}

func FuzzDecodeStreamEvent(f *testing.F) {
	_, item := streamed(f, 2, 1)
	f.Add(streamEvent(streamRecord(f, "INSERT", 1, item)))
	f.Add([]byte(`{"Records":[{"eventName":"INSERT","dynamodb":{"NewImage":{"q":{"B":"AQ=="}}}}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		records, err := DecodeStreamEvent(payload)
		if err != nil && (records != nil || events.CodeOf(err) != events.CodeInternal) {
			t.Fatalf("records %v, error %v", records, err)
		}
		for _, r := range records {
			if (r.Commit == nil) != (r.Err != nil) {
				t.Fatalf("commit %v, error %v", r.Commit, r.Err)
			}
			if r.Err != nil && events.CodeOf(r.Err) != events.CodeInternal {
				t.Fatalf("error %v", r.Err)
			}
		}
		likeTheLibrary(t, payload, records)
	})
}

// likeTheLibrary compares the commits with those that the Lambda library's typed event
// leads to, where it can read the event too.
func likeTheLibrary(t *testing.T, payload []byte, records []Record) {
	t.Helper()
	var e awsevents.DynamoDBEvent
	if json.Unmarshal(payload, &e) != nil {
		return
	}
	e.Records = slices.DeleteFunc(e.Records, func(r awsevents.DynamoDBEventRecord) bool { return r.EventName != "INSERT" })
	if len(records) != len(e.Records) {
		return // a repeated member, of which the library takes another
	}
	for i, r := range records {
		want, err := libraryCommit(&e.Records[i])
		if r.Err == nil && err == nil && !reflect.DeepEqual(*r.Commit, want) {
			t.Errorf("record %d is\n%+v, the library's\n%+v", i, *r.Commit, want)
		}
	}
}

// TestQuickRecords: what the quick reader takes, it reads as the other does; the events
// that Lambda sends it takes.
func TestQuickRecords(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 20 {
		_, item := streamed(t, i%3+1, i+1)
		all = append(all, streamRecord(t, []string{"INSERT", "MODIFY", "REMOVE", "INSERT"}[i%4], i%10, item))
	}
	whole := string(streamEvent(all...))
	if _, ok := quickRecords(whole); !ok {
		t.Error("an ordinary event is declined")
	}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(whole)
		for range rapid.IntRange(0, 3).Draw(t, "changes") { // a cut, or another byte
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				text[at] = rapid.SampledFrom([]byte(`"{}[],:0a\ `)).Draw(t, "byte")
			case 1:
				text = append(text[:at], text[min(at+rapid.IntRange(1, 9).Draw(t, "n"), len(text)):]...)
			case 2:
				text = []byte(string(text[:at]) + " " + string(text[at:]))
			}
			if len(text) == 0 {
				return
			}
		}
		got, ok := quickRecords(string(text))
		if !ok {
			return
		}
		want, err := slowRecords(text)
		if err != nil {
			if strings.Contains(err.Error(), "duplicate") {
				return // the quick reader does not look for duplicate names
			}
			t.Fatalf("taken, but %v:\n%s", err, text)
		}
		if len(got) == 0 && len(want) == 0 {
			return
		}
		for i := range want {
			if (got[i].Err == nil) != (want[i].Err == nil) || got[i].Err != nil && got[i].Err.Error() != want[i].Err.Error() {
				t.Fatalf("record %d: error %v, want %v", i, got[i].Err, want[i].Err)
			}
			got[i].Err, want[i].Err = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v\nof\n%s", got, want, text)
		}
	})
}

// BenchmarkStreamEvent compares with what the Lambda library offers: its typed
// event, and from it the same commits.
func BenchmarkStreamEvent(b *testing.B) {
	var all []string
	for i := range 100 {
		_, item := streamed(b, 1, i+1)
		all = append(all, streamRecord(b, "INSERT", i%10, item))
	}
	payload := streamEvent(all...)
	b.Run("daybook", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		b.ReportAllocs()
		for b.Loop() {
			records, err := DecodeStreamEvent(payload)
			if err != nil || len(records) != 100 || records[99].Err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("awsevents", func(b *testing.B) {
		b.SetBytes(int64(len(payload)))
		b.ReportAllocs()
		for b.Loop() {
			var e awsevents.DynamoDBEvent
			if err := json.Unmarshal(payload, &e); err != nil {
				b.Fatal(err)
			}
			for i := range e.Records {
				if _, err := libraryCommit(&e.Records[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// libraryCommit decodes a commit from the Lambda library's record.
func libraryCommit(r *awsevents.DynamoDBEventRecord) (events.Commit, error) {
	var raw rawCommit
	for name, v := range r.Change.NewImage {
		switch v.DataType() {
		case awsevents.DataTypeString:
			raw.text(name, v.String())
		case awsevents.DataTypeNumber:
			raw.number64(name, v.Number())
		case awsevents.DataTypeBinary:
			raw.binary(name, v.Binary())
		}
	}
	return raw.commit()
}
