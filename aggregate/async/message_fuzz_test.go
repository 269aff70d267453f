package async_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"daybook/aggregate/async"
	"daybook/events"
)

// FuzzDecode: a message of the queue, which anybody with the right to send may have
// written, is refused with a code or is a command that can be queued again as it is.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"command":"record","id":"7","payload":{"n":1},"commandId":"c","actor":"ann","again":true}`,
		`{"v":2,"command":"record","id":"7","commandId":"c","expectedVersion":3,"condition":{"exists":true,"in":[],"notIn":[2]}}`,
		`{"v":1,"command":"record","id":"7","commandId":"c","correlation":"x","causation":"y","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`,
		`{"v":3,"tenant":"acme","command":"record","id":"7","commandId":"c"}`, `{"v":4}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := async.Decode(body)
		if err != nil {
			if events.CodeOf(err) != events.CodeInternal {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		m, err := first.Message(events.StreamOf("tape", first.Command.ID))
		if err != nil {
			t.Fatalf("%q can't be queued again: %v", body, err)
		}
		second, err := async.Decode(m.Body)
		if err != nil {
			t.Fatalf("%q became %q: %v", body, m.Body, err)
		}
		again, err := second.Message(events.StreamOf("tape", second.Command.ID))
		if err != nil || !bytes.Equal(m.Body, again.Body) {
			t.Errorf("%q became %q, then %q, %v", body, m.Body, again.Body, err)
		}
		first.Command.Payload, second.Command.Payload = nil, nil // compared above: white space may differ
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%q became another (-first +second):\n%s", body, diff)
		}
		if m.Group == "" || len(m.Group) > 128 || m.Deduplication == "" || len(m.Deduplication) > 128 {
			t.Errorf("group %q, deduplication id %q", m.Group, m.Deduplication)
		}
	})
}
