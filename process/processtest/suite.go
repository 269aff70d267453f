package processtest

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
)

// Run is the conformance suite of process.Ledger. open returns an empty ledger;
// Run asks for a new one in each test. Tests run in parallel. The list of parked
// streams may be behind for up to five seconds.
func Run(t *testing.T, open func(t *testing.T) process.Ledger) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"no entries", testNone},
		{"every part of an entry comes back", testRoundTrip},
		{"a save goes over the revision before", testConditions},
		{"many at once, in order", testMany},
		{"entries are apart", testApart},
		{"the largest memory can be parked", testLargest},
		{"an entry over the limit", testTooLarge},
		{"one writer of a revision wins", testRace},
		{"the list of parked streams", testParked},
		{"pages of parked streams", testPages},
		{"canceled", testCanceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&suite{T: t, ledger: open(t)})
		})
	}
}

type suite struct {
	*testing.T
	ledger process.Ledger
}

func key(stream events.Stream) process.Key { return process.Key{Reactor: "manager", Stream: stream} }

func (s *suite) load(k process.Key) *process.Entry {
	s.Helper()
	es, err := s.ledger.Load(s.Context(), []process.Key{k})
	if err != nil || len(es) != 1 {
		s.Fatalf("load of %v: %d entries, %v", k, len(es), err)
	}
	return es[0]
}

func (s *suite) save(e process.Entry, want events.Code) {
	s.Helper()
	if err := s.ledger.Save(s.Context(), e); events.CodeOf(err) != want {
		s.Fatalf("save of %v at revision %d: %v, want code %q", e.Key, e.Revision, err, want)
	}
}

func (s *suite) holds(want process.Entry) {
	s.Helper()
	got := s.load(want.Key)
	if got == nil {
		s.Fatalf("there is no entry of %v", want.Key)
	}
	if !bytes.Equal(got.Memory, want.Memory) || (got.Memory == nil) != (want.Memory == nil) {
		s.Fatalf("the memory is %.100s, want %.100s", got.Memory, want.Memory)
	}
	a, b := *got, want
	a.Memory, b.Memory = nil, nil
	if len(a.Rejections)+len(b.Rejections) == 0 {
		a.Rejections, b.Rejections = nil, nil
	}
	if len(a.Answered)+len(b.Answered) == 0 {
		a.Answered, b.Answered = nil, nil
	}
	if len(a.Timers)+len(b.Timers) == 0 {
		a.Timers, b.Timers = nil, nil
	}
	if !reflect.DeepEqual(a, b) {
		s.Fatalf("got entry\n%+v %+v\nwant\n%+v %+v", a, a.Fault, b, b.Fault)
	}
}

func fault(k process.Key, commit int64) *follow.Fault {
	return &follow.Fault{
		Consumer: k.Reactor, Stream: k.Stream, Commit: commit, Code: "out-of-\"é\"", Text: "a text\nof <two> lines",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC), Attempts: 3,
	}
}

func testNone(s *suite) {
	es, err := s.ledger.Load(s.Context(), []process.Key{key("a/1"), key("a/2")})
	if err != nil || len(es) != 2 || es[0] != nil || es[1] != nil {
		s.Fatalf("got %v, %v", es, err)
	}
	if es, err := s.ledger.Parked(s.Context(), "manager", "", 10); err != nil || len(es) > 0 {
		s.Fatalf("got %v, %v", es, err)
	}
}

func testRoundTrip(s *suite) {
	long := events.Stream("order/" + strings.Repeat("é", 128))
	for _, e := range []process.Entry{
		{Key: key("a/plain"), Commit: 3, Revision: 1},
		{Key: key("a/none"), Revision: 1, Attempts: 2},
		{Key: key("a/sl/a/sh #?&"), Commit: 1 << 60, Revision: 1, Memory: jsontext.Value(`{"b":1,"a":[1.50," \u0000 é"]}`), MemorySchema: 7},
		{Key: key("a/empty"), Commit: 1, Revision: 1, Memory: jsontext.Value(`{}`), MemorySchema: 1},
		{Key: key(long), Commit: 1, Revision: 1, Rejections: []process.Rejection{
			{CommandID: "1", Command: "reserve-stock", ID: "é\"", Code: "out-of-stock"}, {CommandID: "2", Command: "charge"},
		}},
		{Key: key("a/answered"), Commit: 4, Revision: 1, Answered: []process.PastRejection{
			{Commit: 3, Rejection: process.Rejection{CommandID: "1", Command: "reserve-stock", ID: "é\"", Code: "out-of-stock", Message: "only <2>"}},
		}},
		{Key: key("a/parked"), Commit: 4, Revision: 1, Memory: jsontext.Value(`"text"`), MemorySchema: 1, Attempts: 1, Fault: fault(key("a/parked"), 5)},
		{Key: key("a/timers"), Commit: 4, Revision: 1, Timers: map[string]string{"confirmation": "77dd2154-28fb-87ac-bd4b-2472fba67a25", "b": "x"}},
	} {
		s.save(e, "")
		s.holds(e)
	}
}

func testConditions(s *suite) {
	e := process.Entry{Key: key("a/1"), Commit: 1, Revision: 2}
	s.save(e, events.CodeConflict)
	if s.load(e.Key) != nil {
		s.Fatal("a save that failed stored")
	}
	e.Revision, e.Memory, e.MemorySchema, e.Fault, e.Attempts = 1, jsontext.Value(`{"x":1}`), 2, fault(e.Key, 2), 4
	e.Rejections, e.Timers = []process.Rejection{{CommandID: "1"}}, map[string]string{"a": "b"}
	s.save(e, "")
	again := process.Entry{Key: e.Key, Commit: 9, Revision: 1}
	s.save(again, events.CodeConflict)
	again.Revision = 3
	s.save(again, events.CodeConflict)
	s.holds(e)
	again.Revision = 2 // and nothing stays of the one before
	s.save(again, "")
	s.holds(again)
	s.save(e, events.CodeConflict)
	s.save(again, events.CodeConflict)
}

func testMany(s *suite) {
	var keys []process.Key
	for i := range 100 {
		keys = append(keys, key(events.Stream(fmt.Sprintf("a/%d", i))))
		if i%3 > 0 {
			s.save(process.Entry{Key: keys[i], Commit: int64(i), Revision: 1}, "")
		}
	}
	slices.Reverse(keys)
	es, err := s.ledger.Load(s.Context(), keys)
	if err != nil || len(es) != 100 {
		s.Fatalf("got %d, %v", len(es), err)
	}
	for i, e := range es {
		if n := 99 - i; (e != nil) != (n%3 > 0) || e != nil && (e.Key != keys[i] || e.Commit != int64(n)) {
			s.Fatalf("entry %d is %+v", i, e)
		}
	}
}

func testApart(s *suite) {
	one := process.Entry{Key: process.Key{Reactor: "a", Stream: "b/c"}, Commit: 1, Revision: 1, Fault: fault(process.Key{Reactor: "a", Stream: "b/c"}, 2)}
	s.save(one, "")
	for _, k := range []process.Key{{Reactor: "a", Stream: "b/c/d"}, {Reactor: "a-b", Stream: "b/c"}, {Reactor: "b", Stream: "b/c"}} {
		if s.load(k) != nil {
			s.Fatalf("%v has the entry of %v", k, one.Key)
		}
		s.save(process.Entry{Key: k, Commit: 2, Revision: 1}, "")
	}
	s.holds(one)
}

func testLargest(s *suite) {
	e := process.Entry{Key: key("a/1"), Commit: 1, Revision: 1, Memory: noise(process.MaxMemory), MemorySchema: 1}
	s.save(e, "")
	e.Revision, e.Fault, e.Timers = 2, fault(e.Key, 2), map[string]string{}
	for i := range process.MaxTimers {
		e.Timers[fmt.Sprintf("timer-%d", i)] = strings.Repeat("x", 36)
	}
	e.Fault.Text = strings.Repeat("x", 2000)
	for i := range 100 {
		e.Rejections = append(e.Rejections, process.Rejection{CommandID: fmt.Sprint(i), Command: "reserve-stock", ID: strings.Repeat("x", 128)})
	}
	s.save(e, "")
	s.holds(e)
}

func testTooLarge(s *suite) {
	e := process.Entry{Key: key("a/1"), Commit: 1, Revision: 1, Memory: noise(500 << 10)}
	s.save(e, events.CodeTooLarge)
	if s.load(e.Key) != nil {
		s.Fatal("an entry that is too large was stored")
	}
}

// noise is JSON that hardly compresses.
func noise(size int) jsontext.Value {
	b := []byte(`"`)
	for x := uint64(1); len(b) < size-1; {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = append(b, 'A'+byte(x%26))
	}
	return append(b, '"')
}

func testRace(s *suite) {
	s.save(process.Entry{Key: key("a/1"), Revision: 1}, "")
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.ledger.Save(s.Context(), process.Entry{Key: key("a/1"), Commit: int64(i), Revision: 2})
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			s.Fatalf("writers %d and %d both wrote revision 2", won, i)
		case err == nil:
			won = i
		case events.CodeOf(err) != events.CodeConflict:
			s.Fatalf("writer %d: %v", i, err)
		}
	}
	if won < 0 {
		s.Fatal("no writer won")
	}
	s.holds(process.Entry{Key: key("a/1"), Commit: int64(won), Revision: 2})
}

// lists checks that the list holds exactly these streams, once it has caught up.
func (s *suite) lists(reactor string, after events.Stream, limit int, want ...events.Stream) {
	s.Helper()
	got := []events.Stream{}
	for range 100 {
		es, err := s.ledger.Parked(s.Context(), reactor, after, limit)
		if err != nil {
			s.Fatal(err)
		}
		got = got[:0]
		for _, e := range es {
			if e.Fault == nil || e.Reactor != reactor || e.Fault.Stream != e.Stream || e.Fault.Consumer != reactor {
				s.Fatalf("the list has %+v", e)
			}
			got = append(got, e.Stream)
		}
		if slices.Equal(got, want) {
			return
		}
		time.Sleep(50 * time.Millisecond) // an index may be behind
	}
	s.Fatalf("the list of %s behind %q is %q, want %q", reactor, after, got, want)
}

func testParked(s *suite) {
	for _, id := range []string{"é", "b", "B", "a/x", "a"} {
		k := key(events.StreamOf("order", id))
		s.save(process.Entry{Key: k, Revision: 1, Commit: 1, Fault: fault(k, 2)}, "")
	}
	s.save(process.Entry{Key: key("order/fine"), Revision: 1, Commit: 1}, "")
	other := process.Key{Reactor: "other", Stream: "order/a"}
	s.save(process.Entry{Key: other, Revision: 1, Fault: fault(other, 1)}, "")
	s.lists("manager", "", 100, "order/B", "order/a", "order/a/x", "order/b", "order/é")
	s.lists("other", "", 100, "order/a")
	s.lists("manage", "", 100)
	s.save(process.Entry{Key: key("order/a"), Revision: 2, Commit: 2}, "")
	s.lists("manager", "", 100, "order/B", "order/a/x", "order/b", "order/é")
	s.lists("manager", "order/a", 100, "order/a/x", "order/b", "order/é")
}

func testPages(s *suite) {
	var want []events.Stream
	for i := range 7 {
		k := key(events.Stream(fmt.Sprintf("order/%d", i)))
		want = append(want, k.Stream)
		s.save(process.Entry{Key: k, Revision: 1, Fault: fault(k, 1)}, "")
	}
	s.lists("manager", "", 1000, want...)
	s.lists("manager", "", 3, want[:3]...)
	s.lists("manager", want[2], 3, want[3:6]...)
	s.lists("manager", want[5], 3, want[6:]...)
	s.lists("manager", want[6], 1)
}

func testCanceled(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, err := s.ledger.Load(ctx, []process.Key{key("a/1")})
	_, err2 := s.ledger.Parked(ctx, "manager", "", 1)
	for _, err := range []error{err, err2, s.ledger.Save(ctx, process.Entry{Key: key("a/1"), Revision: 1})} {
		if events.CodeOf(err) != events.CodeCanceled {
			s.Errorf("got %v", err)
		}
	}
}
