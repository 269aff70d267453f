package connect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/inspect"
)

// Drop deletes the letters of the given ids, all that are There for none, and tells of
// each. An id of which no letter can be received is not-found, after all others were
// dropped.
func (d *DeadLetters) Drop(ctx context.Context, ids []string, tell func(inspect.HandledLetter) error) error {
	ch := d.choose(ids)
	err := d.Each(ctx, nil, func(l Letter) (bool, error) {
		if !ch.takes(&l) {
			return false, nil
		}
		if err := d.Remove(ctx, &l); err != nil {
			return false, fmt.Errorf("dead letter %s: %w", l.ID, err)
		}
		return true, tell(inspect.HandledLetter{Letter: l.Letter, Outcome: inspect.OutcomeDropped})
	})
	if err != nil {
		return err
	}
	return ch.missing()
}

// Redrive sends the letters of the given ids, all that are There for none, to the
// command queue again, in order, and waits up to wait for their outcomes. The letters
// sent are returned with an error too; not-found is as Drop has it.
func (d *DeadLetters) Redrive(ctx context.Context, ids []string, requests inspect.Statuses, wait time.Duration) ([]inspect.HandledLetter, error) {
	r := &resending{choice: d.choose(ids), byOrigin: map[string]*inspect.HandledLetter{}, wait: wait, requests: requests}
	err := d.Each(ctx, func() (bool, error) { return r.more(ctx) }, func(l Letter) (bool, error) { return r.see(ctx, l) })
	if err == nil {
		err = r.missing()
	}
	handled := make([]inspect.HandledLetter, len(r.sent))
	for i, l := range r.sent {
		handled[i] = *l
	}
	return handled, err
}

// choice says which dead letters are meant: those in the queue when it
// began, all or those of the ids.
type choice struct {
	queue *DeadLetters
	ids   map[string]bool // whether a letter of the id came; nil for all
}

// choose chooses those of the ids, all for none.
func (d *DeadLetters) choose(ids []string) *choice {
	ch := &choice{queue: d}
	for _, id := range ids {
		if ch.ids == nil {
			ch.ids = map[string]bool{}
		}
		ch.ids[id] = false
	}
	return ch
}

// takes reports whether the letter is one of them.
func (ch *choice) takes(l *Letter) bool {
	_, named := ch.ids[l.ID]
	if !ch.queue.There(l) || !ch.queue.Of(l) || ch.ids != nil && !named {
		return false
	}
	if named {
		ch.ids[l.ID] = true
	}
	return true
}

// missing is the error of ids of which no letter came.
func (ch *choice) missing() error {
	var missing []string
	for id, came := range ch.ids {
		if !came {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return events.Errorf(events.CodeNotFound, "no dead letter that can be received now has id %s", strings.Join(missing, ", "))
}

// resending redrives dead letters and watches for their outcomes.
type resending struct {
	*choice
	requests inspect.Statuses
	sent     []*inspect.HandledLetter
	byOrigin map[string]*inspect.HandledLetter // by the id in the command queue
	waiting  []*inspect.HandledLetter          // without an outcome
	wait     time.Duration                     // for outcomes
	deadline time.Time                         // of the wait, which begins when all are sent
}

// see sends a letter again, unless this command sent it before: then it failed
// again.
func (r *resending) see(ctx context.Context, l Letter) (taken bool, err error) {
	for _, origin := range l.Origins() {
		if before := r.byOrigin[origin]; before != nil {
			before.Letter, before.Outcome = l.Letter, inspect.OutcomeFailed
			return false, nil
		}
	}
	if !r.takes(&l) {
		return false, nil
	}
	id, err := r.queue.Resend(ctx, &l)
	if id != "" { // it is in the command queue, even if the letter could not be deleted
		line := &inspect.HandledLetter{Letter: l.Letter, Outcome: inspect.OutcomePending}
		r.sent, r.waiting, r.byOrigin[id] = append(r.sent, line), append(r.waiting, line), line
	}
	if err != nil {
		return false, fmt.Errorf("dead letter %s: %w", l.ID, err)
	}
	return true, nil
}

// more looks for outcomes and reports whether to wait for others.
func (r *resending) more(ctx context.Context) (bool, error) {
	now := time.Now()
	if r.deadline.IsZero() {
		r.deadline = now.Add(r.wait)
	}
	for i := 0; i < len(r.waiting) && ctx.Err() == nil; i++ {
		l := r.waiting[i]
		if l.Outcome != inspect.OutcomePending || l.Command == "" {
			continue
		}
		status, err := r.requests.Get(ctx, now, l.Tenant, l.ID)
		if err != nil {
			return false, fmt.Errorf("the outcome of command %s: %w", l.ID, err)
		}
		if status != nil && status.Final() {
			l.Code, l.Text, l.Outcome = "", "", string(status.State)
			if status.Problem != nil {
				l.Code, l.Text = status.Problem.Code, status.Problem.Message
			}
		}
	}
	r.waiting = slices.DeleteFunc(r.waiting, func(l *inspect.HandledLetter) bool { return l.Outcome != inspect.OutcomePending })
	return len(r.waiting) > 0 && now.Before(r.deadline), ctx.Err()
}
