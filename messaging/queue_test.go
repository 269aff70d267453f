package messaging

import (
	"encoding/json/v2"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"daybook/aggregate/async"
	"daybook/events"
)

const queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/daybook-dev-commands.fifo"

// sqs answers SendMessageBatch: taken, but for what fail says of an entry.
func sqs(t *testing.T, fail func(request int, e entry) string) *network {
	return &network{answer: func(n int, r seen) (*http.Response, error) {
		var in sendBatch
		if err := json.Unmarshal([]byte(r.body), &in, json.RejectUnknownMembers(true)); err != nil || in.QueueURL != queueURL {
			t.Errorf("%s: %v", r.body, err)
		}
		out := struct{ Successful, Failed []map[string]any }{}
		for _, e := range in.Entries {
			if code := fail(n, e); code != "" {
				out.Failed = append(out.Failed, map[string]any{"Id": e.ID, "Code": code, "SenderFault": code == "InvalidMessageContents"})
				continue
			}
			out.Successful = append(out.Successful, map[string]any{"Id": e.ID, "MessageId": "m-" + e.ID})
		}
		body, err := json.Marshal(out)
		if err != nil {
			t.Error(err)
		}
		return says(200, string(body)), nil
	}}
}

func never(int, entry) string { return "" }

func messages(n int) []async.Message {
	ms := make([]async.Message, n)
	for i := range ms {
		ms[i] = async.Message{Body: fmt.Appendf(nil, `{"n":%d}`, i), Group: fmt.Sprintf("user/%d", i%3), Deduplication: fmt.Sprintf("c-%d", i)}
	}
	return ms
}

// sentBatches are the entries of each request.
func sentBatches(t *testing.T, n *network) [][]entry {
	t.Helper()
	var all [][]entry
	for _, r := range n.seen {
		var in sendBatch
		if err := json.Unmarshal([]byte(r.body), &in); err != nil {
			t.Fatal(err)
		}
		all = append(all, in.Entries)
	}
	return all
}

func TestSendTenAtATime(t *testing.T) {
	t.Parallel()
	n := sqs(t, never)
	for i, err := range NewQueue(queueURL, options(n)).Send(t.Context(), messages(23)) {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	place := 0
	for i, batch := range sentBatches(t, n) {
		if len(batch) != []int{10, 10, 3}[i] {
			t.Errorf("request %d has %d entries", i, len(batch))
		}
		for _, e := range batch {
			want := entry{ID: fmt.Sprint(place), Body: fmt.Sprintf(`{"n":%d}`, place), Group: fmt.Sprintf("user/%d", place%3), Deduplication: fmt.Sprintf("c-%d", place)}
			if !reflect.DeepEqual(e, want) {
				t.Errorf("entry %+v, want %+v", e, want)
			}
			place++
		}
	}
	if place != 23 {
		t.Errorf("%d messages were sent", place)
	}
}

func TestSendWithinTheSize(t *testing.T) {
	t.Parallel()
	n := sqs(t, never)
	ms := messages(7)
	for i := range ms {
		ms[i].Body = []byte(strings.Repeat("a", 300<<10))
	}
	ms[3].Body = []byte(strings.Repeat("a", maxBatchBytes+1))
	errs := NewQueue(queueURL, options(n)).Send(t.Context(), ms)
	for i, err := range errs {
		if want := map[bool]events.Code{true: events.CodeTooLarge}[i == 3]; events.CodeOf(err) != want {
			t.Errorf("message %d: %v", i, err)
		}
	}
	for i, batch := range sentBatches(t, n) {
		size := 0
		for _, e := range batch {
			size += len(e.Body)
		}
		if size > maxBatchBytes || len(batch) != 3 {
			t.Errorf("request %d has %d entries of %d bytes", i, len(batch), size)
		}
	}
}

func TestEachMessageHasItsError(t *testing.T) {
	t.Parallel()
	n := sqs(t, func(_ int, e entry) string {
		return map[string]string{"1": "InternalError", "4": "InvalidMessageContents"}[e.ID]
	})
	errs := NewQueue(queueURL, options(n)).Send(t.Context(), messages(14))
	for i, err := range errs {
		want := events.Code("")
		switch {
		case i == 1:
			want = events.CodeUnavailable
		case i == 4:
			want = events.CodeInternal
		case i >= 10 && i%3 == 1: // a later request, the group of 1 and 4
			want = events.CodeUnavailable
		}
		if events.CodeOf(err) != want {
			t.Errorf("message %d: %v, want code %q", i, err, want)
		}
	}
	for _, e := range sentBatches(t, n)[1] {
		if e.Group == "user/1" {
			t.Errorf("%s overtakes one that failed", e.ID)
		}
	}
}

func TestARequestThatFailsFailsAllOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: func(int, seen) (*http.Response, error) { return says(503, ""), nil }}
		for i, err := range NewQueue(queueURL, options(n)).Send(t.Context(), messages(12)) {
			if events.CodeOf(err) != events.CodeUnavailable {
				t.Errorf("message %d: %v", i, err)
			}
		}
		if len(n.seen) != 3 { // attempts of the first request; every group of the second has failed
			t.Errorf("%d requests", len(n.seen))
		}
	})
}

func TestAnEntryThatIsNotTold(t *testing.T) {
	t.Parallel()
	n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, `{"Successful":[{"Id":"0"}]}`), nil }}
	errs := NewQueue(queueURL, options(n)).Send(t.Context(), messages(2))
	if errs[0] != nil || events.CodeOf(errs[1]) != events.CodeUnavailable {
		t.Errorf("errors %v", errs)
	}
}

// Two characters that JSON may hold as they are, SQS refuses.
func TestBodiesThatSQSTakes(t *testing.T) {
	t.Parallel()
	n, ms := sqs(t, never), messages(1)
	ms[0].Body = []byte("{\"s\":\"\uFFFE\uFFFFä\"}")
	if errs := NewQueue(queueURL, options(n)).Send(t.Context(), ms); errs[0] != nil {
		t.Fatal(errs[0])
	}
	if got := sentBatches(t, n)[0][0].Body; got != `{"s":"\ufffe\uffffä"}` {
		t.Errorf("sent %s", got)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	n := sqs(t, never)
	m := messages(1)[0]
	m.Attributes = map[string]string{
		"code": "internal", "empty": "", "error": "a\x00b\uFFFFc\xffd\U0001F600", "long": strings.Repeat("ä", 2000),
	}
	if errs := NewQueue(queueURL, options(n)).Send(t.Context(), []async.Message{m}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	want := map[string]attribute{
		"code": {"String", "internal"}, "error": {"String", "a\uFFFDb\uFFFDc\uFFFDd\U0001F600"}, "long": {"String", strings.Repeat("ä", 512)},
	}
	if got := sentBatches(t, n)[0][0].Attributes; !reflect.DeepEqual(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
}
