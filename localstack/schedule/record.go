package schedule

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"daybook/localstack/wire"
)

// definition is what a client says of a schedule.
type definition struct {
	ActionAfterCompletion      string         `json:",omitzero"`
	ClientToken                string         `json:",omitzero"`
	Description                *string        `json:",omitzero"`
	FlexibleTimeWindow         flexibleWindow `json:",omitzero"`
	GroupName                  string
	ScheduleExpression         string
	ScheduleExpressionTimezone string `json:",omitzero"`
	State                      string `json:",omitzero"`
	Target                     target
}

type flexibleWindow struct {
	Mode string
}

// target is a queue and what to send there.
type target struct {
	Arn           string
	RoleArn       string
	Input         string         `json:",omitzero"`
	RetryPolicy   *retryPolicy   `json:",omitzero"`
	SqsParameters *sqsParameters `json:",omitzero"`
}

type retryPolicy struct {
	MaximumEventAgeInSeconds *int `json:",omitzero"`
	MaximumRetryAttempts     *int `json:",omitzero"`
}

type sqsParameters struct {
	MessageGroupID string `json:"MessageGroupId"`
}

// AWS's default retry policy, which is also its most patient.
const (
	defaultAge     = 24 * time.Hour
	defaultRetries = 185
)

// bounds are how long and how often to retry.
func (t target) bounds() (age time.Duration, retries int) {
	age, retries = defaultAge, defaultRetries
	if p := t.RetryPolicy; p != nil && p.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
	}
	if p := t.RetryPolicy; p != nil && p.MaximumRetryAttempts != nil {
		retries = *p.MaximumRetryAttempts
	}
	return age, retries
}

// group is the message group, "" for a queue that has none.
func (t target) group() string {
	if t.SqsParameters == nil {
		return ""
	}
	return t.SqsParameters.MessageGroupID
}

// record is a schedule as it is kept.
type record struct {
	definition
	Name    string
	Created time.Time
	Changed time.Time
	// Done says that it has fired and, by its ActionAfterCompletion, stays.
	Done bool `json:",omitzero"`
}

var (
	validName = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)
	validRole = regexp.MustCompile(`^arn:aws(-[a-z]+)?:iam::\d{12}:role/[\w+=,.@/-]+$`)
	validAt   = regexp.MustCompile(`^at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)$`)
)

// when is the time at which a schedule is due.
func (d definition) when() (time.Time, error) {
	m := validAt.FindStringSubmatch(d.ScheduleExpression)
	if m == nil {
		if strings.HasPrefix(d.ScheduleExpression, "rate(") || strings.HasPrefix(d.ScheduleExpression, "cron(") {
			return time.Time{}, wire.Validation("Recurring schedules are not supported by this engine: %s.", d.ScheduleExpression)
		}
		return time.Time{}, wire.Validation("Invalid Schedule Expression %s.", d.ScheduleExpression)
	}
	zone, err := time.LoadLocation(d.ScheduleExpressionTimezone) // "" is UTC
	if err != nil {
		return time.Time{}, wire.Validation("Invalid ScheduleExpressionTimezone %s.", d.ScheduleExpressionTimezone)
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", m[1], zone)
	if err != nil {
		return time.Time{}, wire.Validation("Invalid Schedule Expression %s.", d.ScheduleExpression)
	}
	return at, nil
}

// check completes a definition with what AWS takes for granted, and returns the
// error of one that can't be.
func (d *definition) check() error {
	d.GroupName = cmp.Or(d.GroupName, DefaultGroup)
	d.State = cmp.Or(d.State, "ENABLED")
	d.ActionAfterCompletion = cmp.Or(d.ActionAfterCompletion, "NONE")
	d.ScheduleExpressionTimezone = cmp.Or(d.ScheduleExpressionTimezone, "UTC")
	switch {
	case d.FlexibleTimeWindow.Mode != "OFF":
		return wire.Validation("FlexibleTimeWindow must have the Mode OFF in this engine.")
	case d.State != "ENABLED" && d.State != "DISABLED":
		return wire.Validation("State %s is neither ENABLED nor DISABLED.", d.State)
	case d.ActionAfterCompletion != "NONE" && d.ActionAfterCompletion != "DELETE":
		return wire.Validation("ActionAfterCompletion %s is neither NONE nor DELETE.", d.ActionAfterCompletion)
	case d.ClientToken != "" && !validName.MatchString(d.ClientToken):
		return wire.Validation("ClientToken does not match ^[a-zA-Z0-9-_]+$ with at most 64 characters.")
	case d.Description != nil && utf8.RuneCountInString(*d.Description) > 512:
		return wire.Validation("Description is longer than 512 characters.")
	}
	return d.Target.check()
}

func (t target) check() error {
	within := func(name string, value *int, low, high int) error {
		if value != nil && (*value < low || *value > high) {
			return wire.Validation("%s is not within %d to %d.", name, low, high)
		}
		return nil
	}
	switch {
	case !strings.HasPrefix(t.Arn, "arn:aws:sqs:"):
		return wire.Validation("The target %s is not supported by this engine: it sends to SQS queues.", t.Arn)
	case !validRole.MatchString(t.RoleArn):
		return wire.Validation("RoleArn %q is not the ARN of a role.", t.RoleArn)
	case strings.HasSuffix(t.Arn, ".fifo") && t.group() == "":
		return wire.Validation("MessageGroupId is required for a FIFO queue.")
	case t.Input == "":
		return wire.Validation("Input is required by this engine.")
	case t.RetryPolicy == nil:
		return nil
	}
	if err := within("MaximumEventAgeInSeconds", t.RetryPolicy.MaximumEventAgeInSeconds, 60, 86_400); err != nil {
		return err
	}
	return within("MaximumRetryAttempts", t.RetryPolicy.MaximumRetryAttempts, 0, 185)
}

func notFound(format string, args ...any) *wire.Error {
	return wire.Errorf(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}
