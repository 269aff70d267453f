package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// verdict is what the reasons of a cancelled transaction come to.
type verdict struct {
	t       *transaction
	own     bool            // one of the commits is there: the answer was lost
	winners []events.Commit // of the positions that others took
	taken   events.TakenError
	idle    []release
}

// read reads the reasons, which stand in the order of the writes.
func (v *verdict) read(ctx context.Context, ws []write, reasons []types.CancellationReason) error {
	if len(reasons) != len(ws) {
		return nil // what only resembles DynamoDB may give none
	}
	for i, r := range reasons {
		if value(r.Code) != "ConditionalCheckFailed" {
			continue
		}
		var err error
		switch w := ws[i]; {
		case w.at >= 0:
			err = v.position(ctx, &v.t.as[w.at], r.Item)
		case w.claim != nil:
			v.claim(w.claim)
		default:
			err = v.once(ctx, w.once, r.Item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verdict) position(ctx context.Context, a *events.Append, item map[string]types.AttributeValue) error {
	at := events.Commit{Stream: a.At.Stream(), Number: a.At.Number() + 1}
	winner, err := v.t.store.winner(ctx, &at, item)
	if err != nil {
		return err
	}
	if len(a.Commit.Events) > 0 && winner.ID == a.Commit.ID {
		v.own = true
		a.Commit = winner
		return nil
	}
	v.winners = append(v.winners, winner)
	return nil
}

// claim takes in a value that another stream holds. A release with nothing
// before it was of no value of the stream's own: it is left out of the next try.
func (v *verdict) claim(c *claimChange) {
	if c.release != nil {
		v.idle = append(v.idle, *c.release)
		return
	}
	v.taken.Claims = append(v.taken.Claims, c.claims...)
}

func (v *verdict) once(ctx context.Context, key string, item map[string]types.AttributeValue) error {
	if len(item) == 0 {
		err := v.t.store.claimItems(ctx, []string{key}, func(_ string, found map[string]types.AttributeValue) error {
			item = found
			return nil
		})
		if err != nil || len(item) == 0 {
			return err // forgotten meanwhile: the transaction counts as contended
		}
	}
	spent, err := decodeSpent(item)
	if err == nil {
		v.taken.Spent = append(v.taken.Spent, spent)
	}
	return err
}

// judge says whether the transaction is to be sent again; with neither an error
// nor that, its commits are stored. Positions come first: a decision on an
// old state is made again. The other conditions, on guarded and claimed items, do
// not count when the commits are there already.
func (v *verdict) judge(ctx context.Context, refused *types.TransactionCanceledException) (again bool, err error) {
	switch {
	case v.own:
		meterOf(ctx).add(Usage{LostAnswers: 1})
		return false, nil
	case len(v.winners) > 0:
		return false, events.Conflict(v.winners[0], v.winners[1:]...)
	case len(v.taken.Claims)+len(v.taken.Spent) > 0:
		return false, events.Taken(&v.taken)
	case len(v.idle) > 0:
		if v.t.idle == nil {
			v.t.idle = map[release]bool{}
		}
		for _, r := range v.idle {
			v.t.idle[r] = true
		}
		return true, nil
	}
	return false, translate(ctx, refused)
}
