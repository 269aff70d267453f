package queue

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// sender is who sent every message, as far as anyone can tell here.
const sender = "AIDALOCAL"

// receiveInput is a ReceiveMessage request.
type receiveInput struct {
	queueRef
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

// delivery is a message in an answer.
type delivery struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string `json:",omitempty"`
	MD5OfMessageAttributes string            `json:",omitzero"`
	MessageAttributes      messageAttributes `json:",omitempty"`
}

func (s *Server) receiveMessage(r *http.Request, in receiveInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	var deadline time.Time
	for {
		messages, wait, wake, err := s.receive(r.Context(), in)
		if err != nil {
			return nil, err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(wait)
		}
		left := time.Until(deadline)
		if len(messages) > 0 || left <= 0 {
			return struct {
				Messages []delivery `json:",omitempty"`
			}{messages}, nil
		}
		more, err := s.await(r.Context(), wake, left)
		if err != nil {
			return nil, err
		}
		if !more {
			deadline = time.Now()
		}
	}
}

// await waits until wake is closed or a time has passed, and reports whether there
// is sense in waiting more.
func (s *Server) await(ctx context.Context, wake <-chan struct{}, d time.Duration) (more bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-s.closed:
		return false, nil
	case <-wake:
	case <-timer.C:
	}
	return true, nil
}

func (in *receiveInput) check() error {
	within := func(name string, value *int, low, high int) error {
		if value != nil && (*value < low || *value > high) {
			return invalidParameter(name, strconv.Itoa(*value), fmt.Sprintf("Must be >= %d and <= %d, if provided.", low, high))
		}
		return nil
	}
	if err := within("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, maxBatch); err != nil {
		return err
	}
	if err := within("WaitTimeSeconds", in.WaitTimeSeconds, 0, 20); err != nil {
		return err
	}
	return within("VisibilityTimeout", in.VisibilityTimeout, 0, 43_200)
}

// receive returns what there is to receive now, how long this request may wait
// for more, and what to wait on.
func (s *Server) receive(ctx context.Context, in receiveInput) ([]delivery, time.Duration, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, 0, nil, err
	}
	limit, wait, visibility := 1, q.ReceiveWait, q.VisibilityTimeout
	if in.MaxNumberOfMessages != nil {
		limit = *in.MaxNumberOfMessages
	}
	if in.WaitTimeSeconds != nil {
		wait = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	if err := ctx.Err(); err != nil { // nobody would see what is taken
		return nil, 0, nil, err
	}
	now := time.Now()
	q.expire(now)
	taken, err := s.take(ctx, q, limit, now)
	if err != nil {
		return nil, 0, nil, err
	}
	out := make([]delivery, len(taken))
	for i, m := range taken {
		q.fly(m, rand.Text(), now.Add(visibility))
		out[i] = s.show(q, m, in)
	}
	return out, wait, q.wake, nil
}

// pick is what a receive decides on.
type pick struct {
	taken   []*message // to be handed out
	moved   []*message // received too often
	expired []*message
	groups  []*group // looked at
}

// pick looks for messages: of each group that is not locked the first ones, as
// many as there is room for, then of the next group.
func (q *queue) pick(limit int, dead bool, now time.Time) (p pick) {
	for len(q.ready) > 0 && len(p.taken) < limit {
		g := q.ready[0]
		q.ready = q.ready[1:]
		g.ready = false
		if g.flights > 0 { // it was locked since it was listed, and is listed when it is unlocked
			continue
		}
		p.groups = append(p.groups, g)
		for _, m := range g.messages {
			switch {
			case len(p.taken) == limit:
			case now.Sub(m.sent) >= q.MessageRetentionPeriod:
				p.expired = append(p.expired, m)
				continue
			case dead && m.receives >= q.redrive.limit:
				p.moved = append(p.moved, m)
				continue
			default:
				p.taken = append(p.taken, m)
				continue
			}
			break
		}
	}
	return p
}

// take takes up to limit messages out of the ready groups, counts their receives,
// moves those received too often to the dead-letter queue and drops those that
// are too old, all of it kept before it is seen. The lock is held.
func (s *Server) take(ctx context.Context, q *queue, limit int, now time.Time) ([]*message, error) {
	var dead *queue
	if q.redrive != nil {
		dead = s.byARN(q.redrive.target)
	}
	p := q.pick(limit, dead != nil, now)
	copies := make([]*message, len(p.moved))
	var writes, removals []types.WriteRequest
	for i, m := range p.moved {
		s.sequence++
		moved := *m
		moved.sequence, moved.sent, moved.source, moved.group = s.sequence, now.Truncate(time.Millisecond), s.ARN(q.name), dead.groupOf(m.group.id)
		moved.dedup = m.id // so SQS has it: ids of two messages can't clash in the dead-letter queue
		copies[i] = &moved
		w, err := moved.writes(dead.name, true)
		if err != nil {
			return nil, q.giveBack(p, err)
		}
		writes, removals = append(writes, w...), append(removals, m.gone(q.name, now)...)
	}
	for _, m := range p.taken {
		counted := *m
		counted.count(now)
		w, err := counted.writes(q.name, false)
		if err != nil {
			return nil, q.giveBack(p, err)
		}
		writes = append(writes, w...)
	}
	for _, m := range p.expired {
		removals = append(removals, m.gone(q.name, now)...)
	}
	if err := s.store.write(ctx, append(writes, removals...)); err != nil {
		return nil, q.giveBack(p, err)
	}
	for _, m := range slices.Concat(p.moved, p.expired) {
		q.remove(m)
	}
	for _, m := range copies {
		m.group = dead.groupOf(m.group.id) // an earlier one of them may have made it
		dead.add(m)
	}
	for _, m := range p.taken {
		m.count(now)
	}
	return p.taken, nil
}

// giveBack lists the groups of a pick that came to nothing again.
func (q *queue) giveBack(p pick, err error) error {
	for _, g := range p.groups {
		q.offer(g)
	}
	return err
}

// count counts a receive.
func (m *message) count(now time.Time) {
	if m.receives == 0 {
		m.first = now.Truncate(time.Millisecond)
	}
	m.receives++
}

// show is a message in flight as the request wants to see it.
func (s *Server) show(q *queue, m *message, in receiveInput) delivery {
	out := delivery{
		MessageID: m.id, ReceiptHandle: handle(q.name, m), MD5OfBody: digest(m.body), Body: m.body,
		MessageAttributes: m.attributes.named(in.MessageAttributeNames),
	}
	out.MD5OfMessageAttributes = out.MessageAttributes.digest()
	all := map[string]string{
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"MessageDeduplicationId":           m.dedup,
		"MessageGroupId":                   m.group.id,
		"SenderId":                         sender,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"SequenceNumber":                   sequenceNumber(m.sequence),
	}
	if m.source != "" {
		all["DeadLetterQueueSourceArn"] = m.source
	}
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	if slices.Contains(wanted, "All") {
		out.Attributes = all
		return out
	}
	for _, name := range wanted {
		if value, ok := all[name]; ok {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	return out
}

// named returns the attributes of the names: "All" and ".*" are all of them,
// "foo.*" those that begin with foo.
func (a messageAttributes) named(names []string) messageAttributes {
	some := messageAttributes{}
	for name, value := range a {
		for _, n := range names {
			prefix, any := strings.CutSuffix(n, ".*")
			if n == name || n == "All" || any && strings.HasPrefix(name, prefix) {
				some[name] = value
			}
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some
}

// handle is the receipt handle of a message in flight.
func handle(queue string, m *message) string {
	return base64.RawURLEncoding.EncodeToString([]byte(queue + "/" + strconv.FormatUint(m.sequence, 10) + "/" + m.receipt))
}

// parseHandle is the reverse of handle.
func parseHandle(handle string) (queue string, sequence uint64, receipt string, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil {
		return "", 0, "", false
	}
	parts := strings.Split(string(data), "/")
	if len(parts) != 3 || parts[2] == "" {
		return "", 0, "", false
	}
	sequence, err = strconv.ParseUint(parts[1], 10, 64)
	return parts[0], sequence, parts[2], err == nil
}
