package messaging

import (
	"encoding/json/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/process"
)

// After an entry that failed, all from it on are put again.
func TestPartialFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []string
		puts    []string // ids of each request
		want    events.Code
	}{
		"the second, then none": {
			answers: []string{`{"FailedEntryCount":1,"Entries":[{"EventId":"1"},{"ErrorCode":"ThrottlingException"},{"EventId":"3"}]}`, `{"FailedEntryCount":0,"Entries":[{},{}]}`},
			puts:    []string{"abc", "bc"},
		},
		"always": {
			answers: []string{`{"Entries":[{},{"ErrorCode":"InternalFailure"},{}]}`, `{"Entries":[{"ErrorCode":"InternalFailure"},{}]}`},
			puts:    []string{"abc", "bc", "bc", "bc"}, want: events.CodeUnavailable,
		},
		"for good": {
			answers: []string{`{"Entries":[{"ErrorCode":"MalformedDetail"},{},{}]}`}, puts: []string{"abc"}, want: events.CodeInternal,
		},
		"rights": {
			answers: []string{`{"Entries":[{"ErrorCode":"AccessDeniedException"},{},{}]}`}, puts: []string{"abc", "abc", "abc"}, want: events.CodeUnavailable,
		},
		"half an answer": {answers: []string{`{"Entries":[{}]}`}, puts: []string{"abc"}, want: events.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answer: func(n int, _ seen) (*http.Response, error) {
					return says(200, test.answers[min(n, len(test.answers))-1]), nil
				}}
				var es []process.CloudEvent
				for _, id := range []string{"a", "b", "c"} {
					es = append(es, process.CloudEvent{ID: id, Source: "s", Type: "t", Subject: "order/7", Time: time.Now(), Data: []byte(`{}`)})
				}
				err := NewPublisher("shop", options(n)).Publish(t.Context(), es)
				if err == nil && test.want != "" || err != nil && events.CodeOf(err) != test.want {
					t.Errorf("%v, want %q", err, test.want)
				}
				var puts []string
				for _, r := range n.seen {
					var in putEvents
					if err := json.Unmarshal([]byte(r.body), &in); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
						t.Fatal(r.body, r.Header, err)
					}
					ids := ""
					for _, e := range in.Entries {
						var detail process.CloudEvent
						if err := json.Unmarshal([]byte(e.Detail), &detail); err != nil || e.Bus != "shop" || e.Source != "s" || e.Type != "t" || e.Time != time.Now().Unix() {
							t.Errorf("entry %+v, %v", e, err)
						}
						ids += detail.ID
					}
					puts = append(puts, ids)
				}
				if !slices.Equal(puts, test.puts) {
					t.Errorf("put %q, want %q", puts, test.puts)
				}
			})
		})
	}
}
