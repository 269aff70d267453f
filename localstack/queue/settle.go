package queue

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// receipt is an entry of the requests that name messages in flight.
type receipt struct {
	ID                string `json:"Id"` // of a batch's entry
	ReceiptHandle     string
	VisibilityTimeout *int
}

// settled is the answer to a batch of receipts.
type settled struct {
	Successful []identified
	Failed     []failed
}

type identified struct {
	ID string `json:"Id"`
}

func (s *Server) deleteMessage(r request) (any, error) { return s.settleOne(r, s.delete) }

func (s *Server) deleteMessageBatch(r request) (any, error) { return s.settleBatch(r, s.delete) }

func (s *Server) changeVisibility(r request) (any, error) { return s.settleOne(r, s.change) }

func (s *Server) changeVisibilityBatch(r request) (any, error) { return s.settleBatch(r, s.change) }

// settling carries out what all receipts ask for and returns an error for each
// (nil for none), or an error of the whole request. The lock is held.
type settling func(ctx context.Context, q *queue, receipts []receipt) ([]error, error)

func (s *Server) settleOne(r request, do settling) (any, error) {
	in, err := decode[struct {
		QueueURL string `json:"QueueUrl"`
		receipt
	}](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, err
	}
	errs, err := do(r.ctx, q, []receipt{in.receipt})
	if err != nil {
		return nil, err
	}
	return struct{}{}, errs[0]
}

func (s *Server) settleBatch(r request, do settling) (any, error) {
	in, err := decode[struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []receipt
	}](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(r receipt) string { return r.ID }); err != nil {
		return nil, err
	}
	errs, err := do(r.ctx, q, in.Entries)
	if err != nil {
		return nil, err
	}
	out := settled{[]identified{}, []failed{}}
	for i, e := range in.Entries {
		if errs[i] == nil {
			out.Successful = append(out.Successful, identified{e.ID})
			continue
		}
		f, err := failure(e.ID, errs[i])
		if err != nil {
			return nil, err
		}
		out.Failed = append(out.Failed, f)
	}
	return out, nil
}

// find returns the message in flight that a receipt names, nil for one that is
// deleted.
func (q *queue) find(r receipt) (*message, error) {
	if r.ReceiptHandle == "" {
		return nil, missing("ReceiptHandle")
	}
	return q.inFlight(r.ReceiptHandle)
}

// delete deletes messages. One that is deleted already is fine.
func (s *Server) delete(ctx context.Context, q *queue, receipts []receipt) ([]error, error) {
	now := time.Now()
	q.expire(now)
	errs := make([]error, len(receipts))
	doomed := map[*message]bool{}
	var writes []types.WriteRequest
	for i, r := range receipts {
		m, err := q.find(r)
		errs[i] = err
		if m == nil || doomed[m] {
			continue
		}
		doomed[m] = true
		writes = append(writes, m.gone(q.name, now)...)
	}
	if err := s.store.write(ctx, writes); err != nil {
		return nil, err
	}
	for m := range doomed {
		q.remove(m)
	}
	return errs, nil
}

// change sets the time from now at which messages in flight become visible.
func (s *Server) change(_ context.Context, q *queue, receipts []receipt) ([]error, error) {
	now := time.Now()
	q.expire(now)
	errs := make([]error, len(receipts))
	for i, r := range receipts {
		errs[i] = q.change(r, now)
	}
	q.expire(now)
	return errs, nil
}

func (q *queue) change(r receipt, now time.Time) error {
	m, err := q.find(r)
	switch {
	case err != nil:
		return err
	case r.VisibilityTimeout == nil:
		return missing("VisibilityTimeout")
	case *r.VisibilityTimeout < 0 || *r.VisibilityTimeout > 43_200:
		return invalidParameter("VisibilityTimeout", fmt.Sprint(*r.VisibilityTimeout), "VisibilityTimeout must be an integer between 0 and 43200.")
	case m == nil:
		return clientError("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight.")
	}
	m.visible = now.Add(time.Duration(*r.VisibilityTimeout) * time.Second)
	heap.Fix(&q.flights, m.place)
	return nil
}
