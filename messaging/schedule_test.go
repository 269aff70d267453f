package messaging

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/process"
)

func someTimers(n *network) *Timers {
	o := options(n)
	o.AttemptTimeout = time.Minute // tests answer late
	return NewTimers(TimersConfig{
		Group: "daybook-dev", Role: "role", Target: "queue",
		Encode: func(_ context.Context, _ aggregate.Command) (async.Message, error) {
			return async.Message{Body: []byte("{\"s\":\"\uFFFE\"}"), Group: "order/7"}, nil
		},
	}, o)
}

func TestWhatASettingSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, `{"ScheduleArn":"arn"}`), nil }}
		timers := someTimers(n)
		if err := timers.Set(t.Context(), process.Timer{Name: "t1", Label: strings.Repeat("ä", 300), At: time.Now().Add(time.Hour)}); err != nil {
			t.Error(err)
		}
		if err := timers.Cancel(t.Context(), "t1"); err != nil {
			t.Error(err)
		}
		set, cancel := n.seen[0], n.seen[1]
		want := `{"GroupName":"daybook-dev","ScheduleExpression":"at(2000-01-01T01:00:00)","ScheduleExpressionTimezone":"UTC","ActionAfterCompletion":"DELETE",` +
			`"FlexibleTimeWindow":{"Mode":"OFF"},"Target":{"Arn":"queue","RoleArn":"role","Input":"{\"s\":\"\\ufffe\"}","SqsParameters":{"MessageGroupId":"order/7"}},` +
			`"Description":"` + strings.Repeat("ä", 256) + `"}`
		if set.Method != "POST" || set.URL.String() != "https://scheduler.eu-central-1.amazonaws.com/schedules/t1" || set.body != want || set.Header.Get("Content-Type") != "application/json" {
			t.Errorf("sent %s %s %s\nwant %s", set.Method, set.URL, set.body, want)
		}
		if cancel.Method != "DELETE" || cancel.URL.String() != "https://scheduler.eu-central-1.amazonaws.com/schedules/t1?groupName=daybook-dev" || cancel.body != "" {
			t.Errorf("sent %s %s %s", cancel.Method, cancel.URL, cancel.body)
		}
	})
}

// A timer's command is its tenant's: the message that a schedule sends says so.
func TestATimerKeepsItsTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{answer: func(int, seen) (*http.Response, error) { return says(200, `{"ScheduleArn":"arn"}`), nil }}
		timers := someTimers(n)
		timers.config.Encode = func(_ context.Context, c aggregate.Command) (async.Message, error) {
			return async.Envelope{Command: c}.Message(events.StreamOf("order", c.ID).In(c.Tenant))
		}
		command := process.Request{Tenant: "acme", Command: "reject-order", ID: "7", CommandID: "c"}
		if err := timers.Set(t.Context(), process.Timer{Name: "t1", At: time.Now().Add(time.Hour), Command: command}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"Input":"{\"v\":3,\"tenant\":\"acme\",`, `"MessageGroupId":"acme:order/7"`} {
			if !strings.Contains(n.seen[0].body, want) {
				t.Errorf("no %s in %s", want, n.seen[0].body)
			}
		}
	})
}

// The answers of Scheduler, and the errors that follow.
func TestSettingErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status   int
		code     string
		late     time.Duration // the request takes
		want     events.Code
		requests int
	}{
		"set before":         {status: 409, code: "ConflictException", requests: 1},
		"passed on its way":  {status: 400, code: "ValidationException", late: 4 * time.Second, want: events.CodeInternal, requests: 3},
		"not valid":          {status: 400, code: "ValidationException", want: events.CodeInternal, requests: 1},
		"no such group":      {status: 404, code: "ResourceNotFoundException", want: events.CodeUnavailable, requests: 1},
		"too many":           {status: 402, code: "ServiceQuotaExceededException", want: events.CodeBusy, requests: 3},
		"a fault of its own": {status: 500, code: "InternalServerException", want: events.CodeUnavailable, requests: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{answer: func(int, seen) (*http.Response, error) {
					time.Sleep(test.late)
					answer := says(test.status, `{"Message":"no"}`)
					answer.Header.Set("X-Amzn-Errortype", test.code)
					return answer, nil
				}}
				timers := someTimers(n)
				err := timers.Set(t.Context(), process.Timer{Name: "t1", At: time.Now()})
				if got := events.CodeOf(err); err == nil && test.want != "" || err != nil && got != test.want || len(n.seen) != test.requests {
					t.Errorf("%v after %d requests, want %q after %d", err, len(n.seen), test.want, test.requests)
				}
			})
		})
	}
}
