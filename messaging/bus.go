package messaging

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"

	"daybook/events"
	"daybook/process"
)

// The limits of PutEvents. AWS takes less than 1 MB, all entries of a request
// together; requests are filled up to 256 KB, which is what it took before, and
// what an EventBridge elsewhere may take.
const (
	maxEvents       = 10
	maxEventBytes   = 1<<20 - 1
	putEventsBytes  = 256 << 10
	eventTimeBytes  = 14 // that an entry's time counts for
	partialAttempts = 3
)

// Publisher puts integration events on an event bus of Amazon EventBridge. It is
// safe for concurrent use.
type Publisher struct {
	client *client
	bus    string
}

var _ process.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher on the event bus of that name.
func NewPublisher(bus string, o Options) *Publisher {
	return &Publisher{client: newClient(serviceEvents, o), bus: bus}
}

// The input and the output of PutEvents.
type (
	putEvents struct {
		Entries []eventEntry `json:"Entries"`
	}
	eventEntry struct {
		Bus    string `json:"EventBusName"`
		Source string `json:"Source"`
		Type   string `json:"DetailType"`
		Detail string `json:"Detail"`
		Time   int64  `json:"Time"` // seconds since 1970
	}
	putEventsAnswer struct {
		Failed  int `json:"FailedEntryCount"`
		Entries []struct {
			Code    string `json:"ErrorCode"`
			Message string `json:"ErrorMessage"`
		} `json:"Entries"`
	}
)

// Publish implements process.Publisher with a PutEvents for up to ten events. The
// detail of an event is the CloudEvent in its structured form, without characters
// that a queue behind a rule would refuse; source, detail
// type and time repeat its own, for rules to match. After an event that fails, all
// from it on are put again, so that the last of each of them came in order.
func (p *Publisher) Publish(ctx context.Context, es []process.CloudEvent) error {
	entries := make([]eventEntry, len(es))
	for i, e := range es {
		detail, err := json.Marshal(e)
		if err != nil {
			return events.Wrap(events.CodeInternal, fmt.Errorf("write event %s: %w", e.ID, err), msgInternal)
		}
		entries[i] = eventEntry{Bus: p.bus, Source: e.Source, Type: e.Type, Detail: string(plainJSON(detail)), Time: e.Time.Unix()}
		if entries[i].size() > maxEventBytes {
			return events.Errorf(events.CodeTooLarge, "an integration event has at most %d bytes", maxEventBytes)
		}
	}
	for attempt := 1; len(entries) > 0; {
		n := batchOf(entries)
		done, err := p.put(ctx, entries[:n])
		entries = entries[done:]
		switch {
		case err == nil || done > 0 && events.Transient(err):
			attempt = 1
		case !partial(err) || attempt >= partialAttempts || !p.client.pause(ctx, attempt, err):
			return err
		default:
			attempt++
		}
	}
	return nil
}

// batchOf is how many entries one request takes, at least one.
func batchOf(entries []eventEntry) int {
	size := 0
	for i, e := range entries {
		if size += e.size(); i > 0 && (i == maxEvents || size > putEventsBytes) {
			return i
		}
	}
	return len(entries)
}

// size is what an entry counts for, in bytes.
func (e eventEntry) size() int {
	return eventTimeBytes + len(e.Source) + len(e.Type) + len(e.Detail)
}

// put puts entries in one request, and returns how many of the first were taken
// and the error of the next.
func (p *Publisher) put(ctx context.Context, entries []eventEntry) (int, error) {
	var out putEventsAnswer
	if err := p.client.do(ctx, awsJSON("1.1", "AWSEvents", "PutEvents", putEvents{entries}, &out)); err != nil {
		return 0, err
	}
	if len(out.Entries) != len(entries) {
		return 0, events.Errorf(events.CodeUnavailable, msgUnavailable)
	}
	for i, e := range out.Entries {
		if e.Code != "" {
			r := &refusal{status: 400, code: e.Code, message: e.Message}
			if passing(e.Code) {
				r.status = 500
			}
			return i, wrap(r.meaning(), fmt.Errorf("PutEvents: %w", partialRefusal{r}))
		}
	}
	return len(entries), nil
}

// passing reports whether an entry's error is a fault of EventBridge's own.
func passing(code string) bool {
	return code == "InternalFailure" || code == "InternalException" || code == "ServiceUnavailable"
}

// partialRefusal is the error of an entry in a request that was carried out: no
// attempt of the call has been made again for it.
type partialRefusal struct{ *refusal }

// Unwrap makes the refusal found.
func (r partialRefusal) Unwrap() error { return r.refusal }

// partial reports whether an entry failed that another attempt may fix.
func partial(err error) bool {
	_, ok := errors.AsType[partialRefusal](err)
	return ok && events.Transient(err)
}
