package messaging

import (
	"encoding/json/v2"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	awsevents "github.com/aws/aws-lambda-go/events"

	"daybook/aggregate/async"
)

// Lambda's own type writes what DecodeEvent reads.
func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	message := func(id, body string, attributes map[string]string) awsevents.SQSMessage {
		return awsevents.SQSMessage{MessageId: id, Body: body, EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-central-1:1:q.fifo", Attributes: attributes,
			ReceiptHandle: "r", Md5OfBody: "5"}
	}
	payload, err := json.Marshal(awsevents.SQSEvent{Records: []awsevents.SQSMessage{
		message("m-1", `{"v":1}`, map[string]string{"ApproximateReceiveCount": "3", "MessageGroupId": "user/7", "SentTimestamp": "1545082649183", "SequenceNumber": "1"}),
		message("m-2", "rub\nbish", nil),
		message("m-3", "", map[string]string{"ApproximateReceiveCount": "-1", "SentTimestamp": "soon"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeEvent(payload)
	want := []SQSMessage{
		{async.Delivery{ID: "m-1", Body: []byte(`{"v":1}`), Group: "user/7", Receives: 3}, time.UnixMilli(1545082649183).UTC()},
		{async.Delivery{ID: "m-2", Body: []byte("rub\nbish"), Receives: 1}, time.Time{}},
		{async.Delivery{ID: "m-3", Body: []byte{}, Receives: 1}, time.Time{}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

func TestDecodeEventRefuses(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		"", "null,", "[]", `{"Records":7}`, `{"Records":[7]}`, `{"Records":[{}]}`, `{"Records":[{"messageId":"m","eventSource":"aws:s3"}]}`,
		`{"Records":[{"eventSource":"aws:sqs"}]}`, `{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":{}}]}`,
	} {
		if got, err := DecodeEvent([]byte(payload)); err == nil {
			t.Errorf("%s is read as %+v", payload, got)
		}
	}
}

// A body that is not valid text does not hold up the others.
func TestDecodeEventTakesAnyBody(t *testing.T) {
	t.Parallel()
	payload := fmt.Sprintf(`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":"%s"},{"messageId":"n","eventSource":"aws:sqs","body":"sound"}]}`, "\xff\\ud800")
	got, err := DecodeEvent([]byte(payload))
	if err != nil || len(got) != 2 || string(got[1].Body) != "sound" {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add([]byte(`{"Records":[{"messageId":"m","eventSource":"aws:sqs","body":"{}","attributes":{"ApproximateReceiveCount":"1"}}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := DecodeEvent(payload)
		for _, r := range got {
			if err != nil || r.ID == "" || r.Receives < 1 {
				t.Errorf("%+v, %v", r, err)
			}
		}
		if err != nil && got != nil {
			t.Errorf("%+v, %v", got, err)
		}
		// The Lambda library's typed event is the second reading.
		var want awsevents.SQSEvent
		if err != nil || json.Unmarshal(payload, &want) != nil || len(want.Records) != len(got) {
			return
		}
		for i, r := range got {
			if m := want.Records[i]; r.ID != m.MessageId || utf8.ValidString(m.Body) && string(r.Body) != m.Body {
				t.Errorf("record %d is %+v, the library's %+v", i, r, m)
			}
		}
	})
}
