package messaging

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"daybook/aggregate/async"
	"daybook/events"
	"daybook/personal"
)

// The limits of SendMessageBatch.
const (
	maxEntries    = 10
	maxBatchBytes = 1 << 20 // of bodies and attributes, all entries together and each
	maxAttribute  = 1024    // bytes of an attribute's value here; SQS would take more
)

// Queue sends messages to a FIFO queue of Amazon SQS. It is safe for concurrent
// use.
type Queue struct {
	client *client
	url    string
}

var _ async.Queue = (*Queue)(nil)

// NewQueue returns the queue with the given URL.
func NewQueue(url string, o Options) *Queue {
	return &Queue{client: newClient(serviceSQS, o), url: url}
}

// The input and the output of SendMessageBatch.
type (
	sendBatch struct {
		QueueURL string  `json:"QueueUrl"`
		Entries  []entry `json:"Entries"`
	}
	entry struct {
		ID            string               `json:"Id"`
		Body          string               `json:"MessageBody"`
		Group         string               `json:"MessageGroupId"`
		Deduplication string               `json:"MessageDeduplicationId"`
		Attributes    map[string]attribute `json:"MessageAttributes,omitempty"`
	}
	attribute struct {
		Type  string `json:"DataType"`
		Value string `json:"StringValue"`
	}
	sendBatchAnswer struct {
		Successful []struct {
			ID string `json:"Id"`
		} `json:"Successful"`
		Failed []struct {
			ID      string `json:"Id"`
			Code    string `json:"Code"`
			Message string `json:"Message"`
			Sender  bool   `json:"SenderFault"`
		} `json:"Failed"`
	}
)

// errUnsealed is the error of a personal value on its way to where it could be read.
func errUnsealed() error {
	return events.Errorf(events.CodeInternal, "a personal value is not encrypted: wrap the queue and the timers' Encode with package sealed")
}

// Send implements async.Queue with one SendMessageBatch for up to ten
// messages. A message behind one of its group that failed in an earlier request
// is not sent: it would come first.
func (q *Queue) Send(ctx context.Context, ms []async.Message) []error {
	if slices.ContainsFunc(ms, func(m async.Message) bool { return personal.Carries(m.Body) }) {
		return slices.Repeat([]error{errUnsealed()}, len(ms))
	}
	ms = slices.Clone(ms)
	for i := range ms {
		ms[i].Body = plainJSON(ms[i].Body)
	}
	errs := make([]error, len(ms))
	failed := map[string]error{} // by group
	for from := 0; from < len(ms); {
		var at []int
		to := from
		for bytes := 0; to < len(ms) && len(at) < maxEntries; to++ {
			m := ms[to]
			if errs[to] = failed[m.Group]; errs[to] == nil && sizeOf(m) > maxBatchBytes {
				errs[to] = events.Errorf(events.CodeTooLarge, "a queued command has at most %d bytes", maxBatchBytes)
			}
			if errs[to] != nil {
				continue
			}
			if bytes += sizeOf(m); bytes > maxBatchBytes {
				break
			}
			at = append(at, to)
		}
		if len(at) > 0 {
			q.send(ctx, ms, at, errs)
		}
		for _, i := range at {
			if errs[i] != nil && failed[ms[i].Group] == nil {
				failed[ms[i].Group] = events.Wrap(events.CodeUnavailable, errs[i], "an earlier command of the stream could not be queued")
			}
		}
		from = to
	}
	return errs
}

// send sends the messages at the given places in one request, and notes their
// errors.
func (q *Queue) send(ctx context.Context, ms []async.Message, at []int, errs []error) {
	in := sendBatch{QueueURL: q.url, Entries: make([]entry, len(at))}
	for n, i := range at {
		in.Entries[n] = entryOf(strconv.Itoa(i), ms[i])
	}
	var out sendBatchAnswer
	if err := q.client.do(ctx, awsJSON("1.0", "AmazonSQS", "SendMessageBatch", in, &out)); err != nil {
		for _, i := range at {
			errs[i] = err
		}
		return
	}
	told := map[string]error{}
	for _, s := range out.Successful {
		told[s.ID] = nil
	}
	for _, f := range out.Failed {
		r := &refusal{status: 500, code: f.Code, message: f.Message}
		if f.Sender {
			r.status = 400
		}
		told[f.ID] = wrap(r.meaning(), fmt.Errorf("SendMessageBatch: %w", r))
	}
	for _, i := range at {
		err, ok := told[strconv.Itoa(i)]
		if !ok {
			err = events.Errorf(events.CodeUnavailable, msgUnavailable)
		}
		errs[i] = err
	}
}

func entryOf(id string, m async.Message) entry {
	e := entry{ID: id, Body: string(m.Body), Group: m.Group, Deduplication: m.Deduplication}
	for name, value := range m.Attributes {
		if value == "" {
			continue // SQS refuses it
		}
		if e.Attributes == nil {
			e.Attributes = map[string]attribute{}
		}
		e.Attributes[name] = attribute{Type: "String", Value: label(value, maxAttribute)}
	}
	return e
}

// sizeOf is what a message counts towards the limits.
func sizeOf(m async.Message) int {
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len("String") + min(len(value), maxAttribute)
	}
	return size
}
