package messaging

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/personal"
	"daybook/process"
)

// The limits of a schedule, and how far ahead it has to be: AWS refuses one that
// is in the past when it gets there.
const (
	maxInput       = 256 << 10 // bytes
	maxDescription = 512       // bytes here; characters for AWS
	leastAhead     = 2 * time.Second
	passedTries    = 3
)

// TimersConfig says which schedules are made.
type TimersConfig struct {
	// Group is the schedule group.
	Group string
	// Role is the ARN of the role that EventBridge Scheduler takes on to send.
	Role string
	// Target is the ARN of the command queue. It deduplicates by content: a
	// schedule's message has no id of its own.
	Target string
	// Encode makes the message of a command; see async.Encode.
	Encode func(context.Context, aggregate.Command) (async.Message, error)
}

// Timers are one-time schedules of Amazon EventBridge Scheduler that send a
// command to the command queue, and are gone when they have. AWS fires within the
// minute of a timer's time. It is safe for concurrent use.
type Timers struct {
	client *client
	config TimersConfig
}

var _ process.Timers = (*Timers)(nil)

// NewTimers returns timers.
func NewTimers(c TimersConfig, o Options) *Timers {
	return &Timers{client: newClient(serviceScheduler, o), config: c}
}

// The input of CreateSchedule.
type (
	createSchedule struct {
		Group       string         `json:"GroupName"`
		Expression  string         `json:"ScheduleExpression"`
		Timezone    string         `json:"ScheduleExpressionTimezone"`
		After       string         `json:"ActionAfterCompletion"`
		Window      flexibleWindow `json:"FlexibleTimeWindow"`
		Target      scheduleTarget `json:"Target"`
		Description string         `json:"Description,omitzero"`
	}
	flexibleWindow struct {
		Mode string `json:"Mode"`
	}
	scheduleTarget struct {
		ARN   string        `json:"Arn"`
		Role  string        `json:"RoleArn"`
		Input string        `json:"Input"`
		SQS   sqsParameters `json:"SqsParameters"`
	}
	sqsParameters struct {
		Group string `json:"MessageGroupId"`
	}
)

// Set implements process.Timers with CreateSchedule. A schedule of the name that
// exists is this timer, set before: another has another name.
func (s *Timers) Set(ctx context.Context, t process.Timer) error {
	message, err := s.config.Encode(ctx, aggregate.Command{
		Tenant: t.Command.Tenant, Name: t.Command.Command, ID: t.Command.ID, Payload: t.Command.Payload, CommandID: t.Command.CommandID,
		Actor: t.Command.Actor, Correlation: t.Command.Correlation, Causation: t.Command.Causation,
		Trace: t.Command.Trace,
	})
	if err != nil {
		return err
	}
	if personal.Carries(message.Body) {
		return errUnsealed()
	}
	if len(message.Body) > maxInput {
		return events.Errorf(events.CodeTooLarge, "the command of a timer has at most %d bytes", maxInput)
	}
	in := createSchedule{
		Group: s.config.Group, Timezone: "UTC", After: "DELETE", Window: flexibleWindow{"OFF"}, Description: label(t.Label, maxDescription),
		Target: scheduleTarget{ARN: s.config.Target, Role: s.config.Role, Input: string(plainJSON(message.Body)), SQS: sqsParameters{message.Group}},
	}
	for try := 1; ; try++ {
		at := due(t.At, time.Now())
		in.Expression = "at(" + at.Format("2006-01-02T15:04:05") + ")"
		r := request{operation: "CreateSchedule", input: in}
		r.Path, r.ContentType = schedulePath(t.Name), []string{"application/json"}
		err := s.client.do(ctx, r)
		switch {
		case err == nil, refused(err, "ConflictException"):
			return nil
		case refused(err, "ValidationException") && try < passedTries && !at.After(time.Now()):
			// It passed on its way.
		default:
			return err
		}
	}
}

// due is a timer's time in whole seconds, not before it and a little ahead.
func due(at, now time.Time) time.Time {
	if soonest := now.Add(leastAhead); at.Before(soonest) {
		at = soonest
	}
	return at.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
}

// Cancel implements process.Timers with DeleteSchedule.
func (s *Timers) Cancel(ctx context.Context, name string) error {
	r := request{operation: "DeleteSchedule"}
	r.Method, r.Path = http.MethodDelete, schedulePath(name)
	r.Query = "groupName=" + strings.ReplaceAll(url.QueryEscape(s.config.Group), "+", "%20")
	err := s.client.do(ctx, r)
	if refused(err, "ResourceNotFoundException") {
		return nil
	}
	return err
}

// validSchedule reports whether Scheduler takes the name: ^[0-9a-zA-Z-_.]+$, at
// most 64 characters. A regular expression would cost every cold start its
// compilation.
func validSchedule(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r))
	})
}

// schedulePath is a timer's path; a name that Scheduler would refuse is hashed.
func schedulePath(name string) string {
	if !validSchedule(name) {
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:])
	}
	return "schedules/" + name
}
