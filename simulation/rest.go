package simulation

import (
	"context"
	"encoding/json/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
	"daybook/localstack/schedule"
)

// quietFor is how long nothing must have happened before a run is over: longer than
// any back-off, lease and time-out of the system.
const quietFor = 70 * time.Second

// awaitRest lets time go by, on a kind network, until nothing happens any more: what was
// written has been followed, queues are empty, and timers that are due within the
// horizon have fired. It reports whether that came about. A system that works without a
// pause for more than busy requests and answers does not.
func (s *system) awaitRest(ctx context.Context, horizon time.Duration, busy int) bool {
	s.network.faults.calm.Store(true)
	end := time.Now().Add(horizon)
	for quiet, seen, rested := time.Duration(0), -1, s.network.timeline.count(); ; {
		const look = quietFor / 2
		for range look / time.Second {
			time.Sleep(time.Second)
			if s.network.timeline.count()-rested > busy {
				return false
			}
		}
		steps := s.network.timeline.count()
		if steps != seen || s.left() {
			if time.Now().After(end.Add(time.Hour)) {
				return false
			}
			quiet, seen = 0, steps
			continue
		}
		rested = steps
		if quiet += look; quiet < quietFor {
			continue
		}
		due, some := s.nextTimer(ctx)
		if !some || due.After(end) {
			return true
		}
		time.Sleep(time.Until(due) + time.Second)
		quiet = 0
	}
}

// nextTimer is when the first timer fires.
func (s *system) nextTimer(ctx context.Context) (first time.Time, some bool) {
	table := dynamo.TableName(s.base.ViewPrefix, schedule.Table())
	out, err := s.client.Scan(ctx, &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		return first, false
	}
	for _, item := range out.Items {
		text, _ := item["d"].(*types.AttributeValueMemberS)
		var d struct {
			ScheduleExpression string
			Done               bool
		}
		if text == nil || json.Unmarshal([]byte(text.Value), &d) != nil || d.Done {
			continue
		}
		if at, err := time.Parse("at(2006-01-02T15:04:05)", d.ScheduleExpression); err == nil && (!some || at.Before(first)) {
			first, some = at, true
		}
	}
	return first, some
}
