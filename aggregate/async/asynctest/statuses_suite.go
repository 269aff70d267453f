package asynctest

import (
	"context"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
)

// moment is the time of the suite's statuses. It is far ahead, so that no database
// deletes them for their age.
var moment = time.Date(2126, 11, 3, 9, 15, 42, 137_000_000, time.UTC)

// RunStatuses is the conformance suite of async.Statuses. open returns empty
// ones; it is asked for new ones in each test. Tests run in parallel.
func RunStatuses(t *testing.T, open func(t *testing.T) async.Statuses) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *statusesSuite)
	}{
		{"nothing is known at first", testNothingKnown},
		{"keeps every part of a status", testKeepsAll},
		{"begins once", testBeginsOnce},
		{"an outcome replaces a lower rank only", testRanks},
		{"forgets after a day", testForgets},
		{"one of many begins", testManyBegin},
		{"tenants' commands are different ones", testTenants},
		{"canceled", testStatusesCanceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &statusesSuite{T: t, statuses: open(t)})
		})
	}
}

type statusesSuite struct {
	*testing.T
	statuses async.Statuses
}

func (s *statusesSuite) begin(status async.Status) *async.Status {
	s.Helper()
	known, err := s.statuses.Begin(s.Context(), status)
	if err != nil {
		s.Fatal(err)
	}
	return known
}

func (s *statusesSuite) settle(status async.Status) {
	s.Helper()
	if err := s.statuses.Record(s.Context(), status); err != nil {
		s.Fatal(err)
	}
}

func (s *statusesSuite) get(now time.Time, id string) *async.Status {
	s.Helper()
	known, err := s.statuses.Get(s.Context(), now, "", id)
	if err != nil {
		s.Fatal(err)
	}
	return known
}

// expect compares what is known of a command a second after the moment.
func (s *statusesSuite) expect(want async.Status) {
	s.Helper()
	got := s.get(moment.Add(time.Second), want.CommandID)
	if got == nil || !reflect.DeepEqual(*got, want) {
		s.Errorf("known is %+v, want %+v", got, want)
	}
}

func pendingStatus(id string) async.Status {
	return async.Status{
		CommandID: id, State: async.StatePending, Since: moment, Stream: "user/7", Actor: "ann", Digest: events.Digest{1, 2, 3, 4, 5, 6, 7, 8},
	}
}

// outcomes are statuses of every state after pending, with all that each can
// hold.
func outcomes(id string) []async.Status {
	failed, rejected, accepted := pendingStatus(id), pendingStatus(id), pendingStatus(id)
	failed.State, failed.Problem = async.StateFailed, &events.Error{Code: events.CodeInternal, Message: "the domain's code failed"}
	rejected.State, rejected.Problem = async.StateRejected, &events.Error{
		Code: events.CodeVersionConflict, Message: "at another version", Version: 4, Fields: []events.Field{{Path: "/expectedVersion", Message: "not ä"}},
	}
	accepted.State, accepted.Result = async.StateAccepted, aggregate.Result{
		Stream: "user/7", CommandID: id, Version: 3, Started: true, Others: []events.Token{{Stream: "user/8", Version: 2}, {Stream: "user/a/b", Version: 1}},
	}
	return []async.Status{failed, rejected, accepted}
}

func testNothingKnown(t *testing.T, s *statusesSuite) {
	if known := s.get(moment, "c"); known != nil {
		t.Errorf("known is %+v", known)
	}
}

func testKeepsAll(t *testing.T, s *statusesSuite) {
	for i, status := range append(outcomes("x"), pendingStatus("x")) {
		for _, id := range []string{strconv.Itoa(i), "an id/with ümläuts & more " + strconv.Itoa(i)} {
			status.CommandID = id
			if status.State == async.StateAccepted {
				status.Result.CommandID = id
			}
			s.settle(status)
			s.expect(status)
		}
	}
	bare := async.Status{CommandID: "bare", State: async.StateRejected, Since: moment, Stream: "user/7",
		Problem: &events.Error{Code: "too-late", Rejected: true}}
	s.settle(bare)
	s.expect(bare)
	noop := async.Status{CommandID: "noop", State: async.StateAccepted, Since: moment, Stream: "user/7",
		Result: aggregate.Result{Stream: "user/7", CommandID: "noop"}}
	s.settle(noop)
	s.expect(noop)
}

func testBeginsOnce(t *testing.T, s *statusesSuite) {
	first, other := pendingStatus("c"), pendingStatus("c")
	other.Digest, other.Actor, other.Since = events.Digest{9}, "bob", moment.Add(time.Minute)
	if known := s.begin(first); known != nil {
		t.Errorf("known at first is %+v", known)
	}
	if known := s.begin(other); known == nil || !reflect.DeepEqual(*known, first) {
		t.Errorf("known is %+v, want %+v", known, first)
	}
	s.expect(first)
	for _, outcome := range outcomes("c") {
		s.settle(outcome)
		if known := s.begin(other); known == nil || known.State != outcome.State {
			t.Errorf("known is %+v, want %s", known, outcome.State)
		}
		s.expect(outcome)
	}
}

func testRanks(t *testing.T, s *statusesSuite) {
	all := append([]async.Status{pendingStatus("")}, outcomes("")...)
	for i, first := range all {
		for j, second := range all[1:] {
			id := strconv.Itoa(i) + "-" + strconv.Itoa(j)
			first.CommandID, second.CommandID = id, id
			first.Result.CommandID, second.Result.CommandID = "", ""
			for _, s := range []*async.Status{&first, &second} {
				if s.State == async.StateAccepted {
					s.Result.CommandID = id
				}
			}
			second.Since = moment.Add(time.Millisecond)
			s.settle(first)
			s.settle(second)
			if want := second; first.State.Rank() < second.State.Rank() {
				s.expect(want)
			} else {
				s.expect(first)
			}
		}
	}
}

func testForgets(t *testing.T, s *statusesSuite) {
	const ms = time.Millisecond
	old := outcomes("c")[2]
	s.settle(old)
	end := moment.Add(async.StatusKept)
	if s.get(end.Add(-ms), "c") == nil {
		t.Error("forgotten before a day")
	}
	if known := s.get(end, "c"); known != nil {
		t.Errorf("known after a day: %+v", known)
	}
	again := pendingStatus("c")
	again.Since = end.Add(-ms)
	if s.begin(again) == nil {
		t.Error("begun again before a day")
	}
	again.Since = end
	if known := s.begin(again); known != nil {
		t.Errorf("a forgotten status is known: %+v", known)
	}
	s.settle(old) // of a lower rank is pending, whenever
	lower := outcomes("d")[1]
	s.settle(outcomes("d")[2])
	lower.Since = end
	s.settle(lower)
	if known := s.get(end, "d"); known == nil || known.State != async.StateRejected {
		t.Errorf("a forgotten outcome was not replaced: %+v", known)
	}
}

func testManyBegin(t *testing.T, s *statusesSuite) {
	var begun atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := pendingStatus("c")
			mine.Actor = strconv.Itoa(i)
			known, err := s.statuses.Begin(t.Context(), mine)
			if err != nil {
				t.Error(err)
			}
			if known == nil {
				begun.Add(1)
			}
		})
	}
	wg.Wait()
	if n := begun.Load(); n != 1 {
		t.Errorf("%d began, want 1", n)
	}
}

func testTenants(t *testing.T, s *statusesSuite) {
	var all []async.Status
	for i, tenant := range []string{"", "acme", "globex"} {
		status := outcomes("c")[i]
		status.Tenant, status.Stream = tenant, status.Stream.In(tenant)
		if status.State == async.StateAccepted {
			status.Result.Stream = status.Stream
			for i := range status.Result.Others {
				status.Result.Others[i].Stream = status.Result.Others[i].Stream.In(tenant)
			}
		}
		pending := status
		pending.State, pending.Problem, pending.Result = async.StatePending, nil, aggregate.Result{}
		if known := s.begin(pending); known != nil {
			t.Errorf("tenant %q: known at first is %+v", tenant, known)
		}
		if known := s.begin(pending); known == nil || !reflect.DeepEqual(*known, pending) {
			t.Errorf("tenant %q: known is %+v, want %+v", tenant, known, pending)
		}
		s.settle(status)
		all = append(all, status)
	}
	for _, want := range all {
		got, err := s.statuses.Get(s.Context(), moment, want.Tenant, "c")
		if err != nil || got == nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("known is %+v, %v, want %+v", got, err, want)
		}
	}
	if got, err := s.statuses.Get(s.Context(), moment, "other", "c"); got != nil || err != nil {
		t.Errorf("another tenant's is %+v, %v", got, err)
	}
}

func testStatusesCanceled(t *testing.T, s *statusesSuite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, beginErr := s.statuses.Begin(ctx, pendingStatus("c"))
	_, getErr := s.statuses.Get(ctx, moment, "", "c")
	for _, err := range []error{beginErr, getErr, s.statuses.Record(ctx, outcomes("c")[0])} {
		if events.CodeOf(err) != events.CodeCanceled {
			t.Errorf("error %v, want code canceled", err)
		}
	}
}
