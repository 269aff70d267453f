package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// receipt is an entry of the requests that name messages in flight.
type receipt struct {
	ID                string `json:"Id"` // of a batch's entry
	ReceiptHandle     string
	VisibilityTimeout *int
}

// receiptsAnswer is the answer to a batch of receipts.
type receiptsAnswer struct {
	Successful []entryID
	Failed     []failedEntry
}

type entryID struct {
	ID string `json:"Id"`
}

// settling carries out what all receipts ask for and returns an error for each
// (nil for none), or an error of the whole request. The lock is held.
type settling func(s *Server, ctx context.Context, q *queue, receipts []receipt) ([]error, error)

type oneInput struct {
	queueRef
	receipt
}

func settleOne(do settling) operation {
	return onQueue(func(s *Server, ctx context.Context, q *queue, in oneInput) (any, error) {
		errs, err := do(s, ctx, q, []receipt{in.receipt})
		if err != nil {
			return nil, err
		}
		return struct{}{}, errs[0]
	})
}

type batchInput struct {
	queueRef
	Entries []receipt
}

func settleBatch(do settling) operation {
	return onQueue(func(s *Server, ctx context.Context, q *queue, in batchInput) (any, error) {
		if err := checkBatch(in.Entries, func(r receipt) string { return r.ID }); err != nil {
			return nil, err
		}
		errs, err := do(s, ctx, q, in.Entries)
		if err != nil {
			return nil, err
		}
		out := receiptsAnswer{[]entryID{}, []failedEntry{}}
		for i, e := range in.Entries {
			if errs[i] == nil {
				out.Successful = append(out.Successful, entryID{e.ID})
				continue
			}
			f, err := failure(e.ID, errs[i])
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
		}
		return out, nil
	})
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
	var doomed []*message // in the order of their receipts, in which their groups are ready again
	var writes []types.WriteRequest
	for i, r := range receipts {
		m, err := q.find(r)
		errs[i] = err
		if m == nil || slices.Contains(doomed, m) {
			continue
		}
		doomed = append(doomed, m)
		writes = append(writes, m.gone(q.name, now)...)
	}
	if err := s.store.write(ctx, writes); err != nil {
		return nil, err
	}
	for _, m := range doomed {
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
		return clientError("MessageNotInflight", "The message is not in flight.")
	}
	q.flights.Delete(m)
	m.visible = now.Add(time.Duration(*r.VisibilityTimeout) * time.Second)
	q.flights.Set(m)
	return nil
}
