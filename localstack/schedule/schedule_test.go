package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"daybook/dynamo"
	"daybook/localstack/embedded"
	"daybook/localstack/schedule"
	"daybook/localstack/wire"
)

const (
	group  = "shop"
	queue  = "arn:aws:sqs:us-east-1:000000000000:commands.fifo"
	role   = "arn:aws:iam::000000000000:role/timers"
	layout = "2006-01-02T15:04:05"
)

// rig is a scheduler with a client and what it sent.
type rig struct {
	t      *testing.T
	tables *dynamo.Client
	server *schedule.Server
	c      *scheduler.Client

	mu    sync.Mutex
	begun time.Time
	notes []string                          // "after: body"
	fail  func(body string, sent int) error // sent, this time included
}

func newRig(t *testing.T) *rig {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is kept
	keys := dynamo.StaticCredentials("key", "secret")
	r := &rig{t: t, begun: time.Now(), tables: dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: "http://db", Transport: db.RoundTripper(), Credentials: keys})}
	if err := dynamo.Create(t.Context(), r.tables, "test", schedule.Table()); err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(func() { r.server.Close() })
	return r
}

// start starts the scheduler, as the process does.
func (r *rig) start() {
	r.t.Helper()
	s, err := schedule.Open(r.t.Context(), schedule.Options{
		Client: r.tables, Table: "test-schedules", Groups: []string{group}, Log: slog.New(slog.DiscardHandler),
		Send: func(_ context.Context, arn, group, body string) error {
			if arn != queue || group != "order/7" {
				r.t.Errorf("sent to %s, group %s", arn, group)
			}
			r.mu.Lock()
			r.notes = append(r.notes, fmt.Sprintf("%s: %s", time.Since(r.begun).Round(time.Millisecond), body))
			sent, fail := len(r.notes), r.fail
			r.mu.Unlock()
			if fail != nil {
				return fail(body, sent)
			}
			return nil
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.server = s
	r.c = scheduler.New(scheduler.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://scheduler"), HTTPClient: &http.Client{Transport: wire.Transport(s)},
		Credentials: dynamo.StaticCredentials("key", "secret"), Retryer: aws.NopRetryer{},
	})
}

// input is a schedule that sends its name after d.
func (r *rig) input(name string, d time.Duration) *scheduler.CreateScheduleInput {
	return &scheduler.CreateScheduleInput{
		Name: &name, GroupName: aws.String(group), ClientToken: &name, ActionAfterCompletion: types.ActionAfterCompletionDelete,
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		ScheduleExpression: aws.String("at(" + time.Now().Add(d).UTC().Format(layout) + ")"),
		Target: &types.Target{
			Arn: aws.String(queue), RoleArn: aws.String(role), Input: &name, SqsParameters: &types.SqsParameters{MessageGroupId: aws.String("order/7")},
		},
	}
}

func (r *rig) create(name string, d time.Duration) {
	r.t.Helper()
	if _, err := r.c.CreateSchedule(r.t.Context(), r.input(name, d)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) delete(name string) error {
	_, err := r.c.DeleteSchedule(r.t.Context(), &scheduler.DeleteScheduleInput{Name: &name, GroupName: aws.String(group)})
	return err
}

// names are those of the schedules there are.
func (r *rig) names() (names []string) {
	r.t.Helper()
	pages := scheduler.NewListSchedulesPaginator(r.c, &scheduler.ListSchedulesInput{GroupName: aws.String(group), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for _, s := range page.Schedules {
			names = append(names, *s.Name)
		}
	}
	return names
}

// sent is what was sent so far.
func (r *rig) sent() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

// begin forgets what was sent.
func (r *rig) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes, r.begun = nil, time.Now()
}

func (r *rig) failing(fail func(body string, sent int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

func (r *rig) expect(sent ...string) {
	r.t.Helper()
	if got := r.sent(); !slices.Equal(got, sent) {
		r.t.Errorf("sent\n got %q\nwant %q", got, sent)
	}
}

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		f(t, r)
	})
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestFiresOnceAtItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.create("late", 15*time.Minute)
		r.create("early", 3*time.Second)
		r.create("soon", 3*time.Second)
		r.create("gone", 5*time.Second)
		if err := r.delete("gone"); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(r.names()); got != "[early late soon]" {
			t.Errorf("listed %s", got)
		}
		time.Sleep(time.Hour)
		r.expect("3s: early", "3s: soon", "15m0s: late")
		if left := r.names(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		r.create("late", time.Second) // its name is free again
		time.Sleep(time.Second)
		synctest.Wait()
		r.expect("3s: early", "3s: soon", "15m0s: late", "1h0m1s: late")
	})
}

func TestWithoutActionItStays(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		in := r.input("stays", time.Second)
		in.ActionAfterCompletion, in.ScheduleExpressionTimezone, in.Description = "", aws.String("UTC"), aws.String("a timer")
		if _, err := r.c.CreateSchedule(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(time.Hour)
			r.expect("1s: stays")
			out, err := r.c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: in.Name, GroupName: in.GroupName})
			if err != nil {
				t.Fatal(err)
			}
			if *out.ScheduleExpression != *in.ScheduleExpression || *out.Target.Input != "stays" || *out.Target.SqsParameters.MessageGroupId != "order/7" ||
				out.State != types.ScheduleStateEnabled || out.ActionAfterCompletion != types.ActionAfterCompletionNone || *out.Description != "a timer" ||
				!out.CreationDate.Equal(r.begun) || *out.Arn != "arn:aws:scheduler:us-east-1:000000000000:schedule/shop/stays" {
				t.Errorf("%+v", out)
			}
			r.server.Close()
			r.start()
		}
	})
}

// A schedule that exists is a conflict, but for the same request again.
func TestClientTokens(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		in := r.input("a", time.Minute)
		for range 2 {
			if _, err := r.c.CreateSchedule(t.Context(), in); err != nil {
				t.Error(err)
			}
		}
		other := *in
		other.ClientToken = aws.String("another")
		if _, err := r.c.CreateSchedule(t.Context(), &other); code(err) != "ConflictException" {
			t.Errorf("another token: %v", err)
		}
		later := r.input("a", time.Hour)
		if _, err := r.c.CreateSchedule(t.Context(), later); code(err) != "ConflictException" {
			t.Errorf("another time: %v", err)
		}
		_, err := r.c.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
			Name: later.Name, GroupName: later.GroupName, FlexibleTimeWindow: later.FlexibleTimeWindow, ScheduleExpression: later.ScheduleExpression,
			Target: later.Target, ActionAfterCompletion: later.ActionAfterCompletion,
		})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		r.expect("1h0m0s: a")
	})
}

// A schedule that fell due while the process was down fires at the next start; one
// that was sent and not removed may fire again.
func TestRestart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.create("due", 10*time.Second)
		r.create("later", 3*24*time.Hour)
		r.server.Close()
		time.Sleep(48 * time.Hour)
		r.expect()
		r.start()
		synctest.Wait()
		r.expect("48h0m0s: due")
		time.Sleep(48 * time.Hour)
		r.expect("48h0m0s: due", "72h0m0s: later")
	})
}

func TestRetries(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.failing(func(body string, sent int) error {
			if body == "passes" && sent > 6 {
				return nil
			}
			return errors.New("not now")
		})
		in := r.input("given-up", time.Second)
		in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}
		if _, err := r.c.CreateSchedule(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		r.create("passes", time.Second)
		time.Sleep(time.Minute)
		r.expect("1s: given-up", "1s: passes", "2s: given-up", "2s: passes", "4s: given-up", "4s: passes", "8s: passes")
		if left := r.names(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// A queue that is away for hours does not lose a schedule; one that never comes
// back loses it after a day.
func TestPatience(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.failing(func(string, int) error { return errors.New("away") })
		r.create("a", time.Second)
		time.Sleep(23 * time.Hour)
		if len(r.names()) != 1 || len(r.sent()) < 100 {
			t.Errorf("after 23 hours and %d attempts: %v", len(r.sent()), r.names())
		}
		time.Sleep(2 * time.Hour)
		if len(r.names()) != 0 {
			t.Errorf("after 25 hours: %v", r.names())
		}
	})
}

// A description has 512 characters, however many bytes.
func TestDescriptionsAreCountedInCharacters(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for n, want := range map[int]string{512: "", 513: "ValidationException"} {
			in := r.input(fmt.Sprint("d", n), time.Hour)
			in.Description = aws.String(strings.Repeat("😀", n))
			if _, err := r.c.CreateSchedule(t.Context(), in); code(err) != want {
				t.Errorf("%d characters: %v", n, err)
			}
		}
	})
}

// Deleted or changed while it is being sent, it is not touched by the outcome.
func TestChangedWhileItIsSent(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.failing(func(_ string, sent int) error {
			if sent == 1 {
				if err := r.delete("a"); err != nil {
					t.Error(err)
				}
				r.create("a", time.Hour)
			}
			return nil
		})
		r.create("a", time.Second)
		time.Sleep(2 * time.Hour)
		r.expect("1s: a", "1h0m1s: a")
	})
}

func TestErrors(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		changed := func(change func(*scheduler.CreateScheduleInput)) error {
			in := r.input("x", time.Hour)
			change(in)
			_, err := r.c.CreateSchedule(t.Context(), in)
			return err
		}
		_, unknown := r.c.GetSchedule(t.Context(), &scheduler.GetScheduleInput{Name: aws.String("none")})
		_, noUpdate := r.c.UpdateSchedule(t.Context(), &scheduler.UpdateScheduleInput{
			Name: aws.String("none"), FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: "OFF"}, ScheduleExpression: r.input("x", time.Hour).ScheduleExpression, Target: r.input("x", 1).Target,
		})
		for name, test := range map[string]struct {
			err  error
			want string
		}{
			"delete":   {r.delete("none"), "ResourceNotFoundException"},
			"get":      {unknown, "ResourceNotFoundException"},
			"update":   {noUpdate, "ResourceNotFoundException"},
			"group":    {changed(func(in *scheduler.CreateScheduleInput) { in.GroupName = aws.String("none") }), "ResourceNotFoundException"},
			"past":     {changed(func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("at(1999-12-31T23:59:59)") }), "ValidationException"},
			"no date":  {changed(func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("at(2026-02-30T00:00:00)") }), "ValidationException"},
			"rate":     {changed(func(in *scheduler.CreateScheduleInput) { in.ScheduleExpression = aws.String("rate(1 minute)") }), "ValidationException"},
			"zone":     {changed(func(in *scheduler.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Mars/Olympus") }), "ValidationException"},
			"name":     {changed(func(in *scheduler.CreateScheduleInput) { in.Name = aws.String(strings.Repeat("n", 65)) }), "ValidationException"},
			"window":   {changed(func(in *scheduler.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = "FLEXIBLE" }), "ValidationException"},
			"group id": {changed(func(in *scheduler.CreateScheduleInput) { in.Target.SqsParameters = nil }), "ValidationException"},
			"role":     {changed(func(in *scheduler.CreateScheduleInput) { in.Target.RoleArn = aws.String("me") }), "ValidationException"},
			"other target": {changed(func(in *scheduler.CreateScheduleInput) {
				in.Target.Arn = aws.String("arn:aws:lambda:us-east-1:0:function:f")
			}), "ValidationException"},
			"end date": {changed(func(in *scheduler.CreateScheduleInput) { in.EndDate = aws.Time(time.Now()) }), "ValidationException"},
			"retries": {changed(func(in *scheduler.CreateScheduleInput) {
				in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)}
			}), "ValidationException"},
		} {
			if got := code(test.err); got != test.want {
				t.Errorf("%s: %v, want %s", name, test.err, test.want)
			}
		}
	})
}

// After creations, deletions and restarts in any order, a due schedule fires
// once, at its time or at the start after it.
func TestSchedulesFireOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) { // without the deadline, which no bubble has
			r.begin()
			due := map[string]time.Duration{} // after begun
			down := false
			fired := func(now time.Duration) {
				for name, at := range due {
					if at <= now && !down {
						if n := strings.Count(strings.Join(r.sent(), " ")+" ", ": "+name+" "); n != 1 {
							rt.Fatalf("%s, due at %s, was sent %d times at %s: %q", name, at, n, now, r.sent())
						}
						delete(due, name)
					}
				}
			}
			n := 0
			rt.Repeat(map[string]func(*rapid.T){
				"create": func(rt *rapid.T) {
					if !down {
						n++
						name, d := fmt.Sprint("s", n), time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds"))*time.Second
						r.create(name, d)
						due[name] = time.Since(r.begun) + d
					}
				},
				"delete": func(rt *rapid.T) {
					for name := range due {
						if !down {
							if err := r.delete(name); err != nil {
								rt.Fatal(err)
							}
							delete(due, name)
						}
						break
					}
				},
				"stop or start": func(*rapid.T) {
					if down = !down; down {
						r.server.Close()
					} else {
						r.start()
					}
				},
				"wait": func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 30).Draw(rt, "seconds")) * time.Second) },
				"":     func(*rapid.T) { synctest.Wait(); fired(time.Since(r.begun)) },
			})
			if down {
				r.start()
				down = false
			}
			time.Sleep(2 * time.Minute)
			fired(time.Since(r.begun))
			if len(due) > 0 || len(r.names()) > 0 {
				rt.Fatalf("never fired: %v, left: %v", due, r.names())
			}
		})
	})
}
