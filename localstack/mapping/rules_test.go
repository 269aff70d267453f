package mapping

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/internal/sleep"
)

// rule is one of Lambda's rules, played through with a scripted function.
type rule struct {
	name     string
	settings func(*Settings)
	records  int // 1 … records are in the stream at the start
	answer   func(ctx context.Context, call int, sequences []int) (string, error)
	calls    []string
	gone     []string
}

func answers(all ...string) func(context.Context, int, []int) (string, error) {
	return func(_ context.Context, call int, _ []int) (string, error) {
		if call <= len(all) {
			return all[call-1], nil
		}
		return "", nil
	}
}

func report(s *Settings) { s.ReportBatchItemFailures = true }

func retries(n int, bisect, reports bool) func(*Settings) {
	return func(s *Settings) {
		s.MaximumRetryAttempts, s.BisectBatchOnFunctionError, s.ReportBatchItemFailures = n, bisect, reports
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	rules := []rule{
		{name: "batch size", settings: func(s *Settings) { s.BatchSize = 2 }, records: 5, calls: []string{"1 2", "3 4", "5"}},

		{name: "empty answer is success", settings: report, records: 2, answer: answers(""), calls: []string{"1 2"}},
		{name: "null is success", settings: report, records: 2, answer: answers("null"), calls: []string{"1 2"}},
		{name: "empty object is success", settings: report, records: 2, answer: answers("{}"), calls: []string{"1 2"}},
		{name: "null list is success", settings: report, records: 2, answer: answers(`{"batchItemFailures":null}`), calls: []string{"1 2"}},
		{name: "empty list is success", settings: report, records: 2, answer: answers(`{"batchItemFailures":[]}`), calls: []string{"1 2"}},

		{name: "no JSON fails all", settings: report, records: 2, answer: answers(`oops`), calls: []string{"1 2", "1 2"}},
		{name: "a list fails all", settings: report, records: 2, answer: answers(`[]`), calls: []string{"1 2", "1 2"}},
		{name: "list of strings fails all", settings: report, records: 2, answer: answers(`{"batchItemFailures":["2"]}`), calls: []string{"1 2", "1 2"}},
		{name: "wrong key fails all", settings: report, records: 2, answer: answers(`{"batchItemFailures":[{"sequenceNumber":"2"}]}`), calls: []string{"1 2", "1 2"}},
		{name: "null identifier fails all", settings: report, records: 2, answer: answers(`{"batchItemFailures":[{"itemIdentifier":null}]}`), calls: []string{"1 2", "1 2"}},
		{name: "empty identifier fails all", settings: report, records: 2, answer: answers(`{"batchItemFailures":[{"itemIdentifier":""}]}`), calls: []string{"1 2", "1 2"}},
		{name: "unknown identifier fails all", settings: report, records: 2, answer: answers(`{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"9"}]}`), calls: []string{"1 2", "1 2"}},

		{name: "lowest identifier is the checkpoint", settings: report, records: 4,
			answer: answers(`{"batchItemFailures":[{"itemIdentifier":"4"},{"itemIdentifier":"3"}]}`), calls: []string{"1 2 3 4", "3 4"}},
		{name: "reports don't count unless asked for", records: 2, answer: fails(1), calls: []string{"1 2"}},

		{name: "retries are bounded", settings: retries(2, false, false), records: 3, answer: poison(2),
			calls: []string{"1 2 3", "1 2 3", "1 2 3"}, gone: []string{"RetryAttemptsExhausted: 1 2 3 (3)"}},
		{name: "no retries", settings: retries(0, false, false), records: 1, answer: poison(1),
			calls: []string{"1"}, gone: []string{"RetryAttemptsExhausted: 1 (1)"}},
		{name: "retries without bound", settings: retries(-1, false, false), records: 1,
			answer: func(_ context.Context, call int, _ []int) (string, error) {
				if call < 7 {
					return "", errPoison
				}
				return "", nil
			}, calls: []string{"1", "1", "1", "1", "1", "1", "1"}},
		{name: "a partial failure consumes a retry", settings: retries(1, false, true), records: 4, answer: fails(2, 3),
			calls: []string{"1 2 3 4", "2 3 4"}, gone: []string{"RetryAttemptsExhausted: 2 3 4 (2)"}},

		{name: "bisecting isolates the bad record and consumes no retry", settings: retries(1, true, false), records: 8, answer: poison(6),
			calls: []string{"1 2 3 4 5 6 7 8", "1 2 3 4", "5 6 7 8", "5 6", "5", "6", "6", "7 8"},
			gone:  []string{"RetryAttemptsExhausted: 6 (5)"}},
		{name: "a first half of an odd batch is the larger", settings: retries(0, true, false), records: 3, answer: poison(3),
			calls: []string{"1 2 3", "1 2", "3"}, gone: []string{"RetryAttemptsExhausted: 3 (2)"}},
		{name: "a partial failure splits at the checkpoint", settings: retries(0, true, true), records: 4, answer: fails(3),
			calls: []string{"1 2 3 4", "3 4", "3", "4"}, gone: []string{"RetryAttemptsExhausted: 3 (3)"}},
		{name: "a partial failure at the first record halves the batch", settings: retries(0, true, true), records: 4, answer: fails(1),
			calls: []string{"1 2 3 4", "1 2", "1", "2", "3 4"}, gone: []string{"RetryAttemptsExhausted: 1 (3)"}},

		{name: "throttling consumes no retry and splits nothing", settings: retries(0, true, false), records: 2,
			answer: func(_ context.Context, call int, _ []int) (string, error) {
				if call < 4 {
					return "", ErrThrottled
				}
				return "", nil
			}, calls: []string{"1 2", "1 2", "1 2", "1 2"}},
		{name: "a time-out is a failure", settings: retries(0, false, false), records: 1,
			answer: func(ctx context.Context, _ int, _ []int) (string, error) { <-ctx.Done(); return "", nil },
			calls:  []string{"1"}, gone: []string{"RetryAttemptsExhausted: 1 (1)"}},

		{name: "records over the age are discarded when a retry comes to them",
			settings: func(s *Settings) { s.MaximumRecordAge = time.Minute }, records: 2,
			answer: func(ctx context.Context, call int, _ []int) (string, error) {
				return "", sleepThen(ctx, 25*time.Second, errPoison)
			}, calls: []string{"1 2", "1 2", "1 2"}, gone: []string{"RecordAgeExceeded: 1 2 (3)"}},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stream := newStream("s")
				for n := range rule.records {
					stream.put("s", n+1)
				}
				r := newRig(stream, rule.settings)
				r.function.answer = rule.answer
				r.run(t, time.Hour)
				r.expect(t, rule.calls...)
				r.expectGone(t, rule.gone...)
			})
		})
	}
}

func sleepThen(ctx context.Context, d time.Duration, err error) error {
	if e := sleep.For(ctx, d); e != nil {
		return e
	}
	return err
}

// Only the records over the age go to the destination: what is younger in the
// same batch is delivered.
func TestMaximumRecordAgeTakesTheOldRecordsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		stream.put("s", 1, 2)
		time.Sleep(2 * time.Minute)
		stream.put("s", 3)
		r := newRig(stream, func(s *Settings) { s.MaximumRecordAge = time.Minute })
		r.run(t, time.Minute)
		r.expect(t, "3")
		r.expectGone(t, "RecordAgeExceeded: 1 2 (0)")
	})
}

func TestPayloadLimitSplitsTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		for n := range 7 {
			big := record(n + 1)
			big.JSON = append(big.JSON[:len(big.JSON)-1], `,"x":"`+strings.Repeat("x", 2_000_000)+`"}`...)
			stream.add("s", big)
		}
		r := newRig(stream, nil)
		r.run(t, time.Minute)
		r.expect(t, "1 2 3", "4 5 6", "7")
	})
}

func TestBatchingWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		r := newRig(stream, func(s *Settings) { s.BatchSize, s.BatchingWindow = 3, 10*time.Second })
		r.run(t, time.Minute,
			func() { stream.put("s", 1) },
			func() { time.Sleep(4 * time.Second); stream.put("s", 2) }, // goes with 1, ten seconds after it
			func() { time.Sleep(8 * time.Second); stream.put("s", 3, 4, 5) })
		r.expect(t, "1 2", "3 4 5") // the second is full and doesn't wait
		if r.function.at[0] != 10*time.Second || r.function.at[1] != 12*time.Second {
			t.Errorf("invoked at %v, want 10s and 12s", r.function.at)
		}
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		for n, name := range []string{"MODIFY", "INSERT", "REMOVE", "INSERT", "MODIFY"} {
			rec := record(n + 1)
			rec.EventName = name
			stream.add("s", rec)
		}
		r := newRig(stream, func(s *Settings) { s.EventNames = []string{"INSERT"} })
		r.run(t, time.Minute)
		r.expect(t, "2 4")
	})
}

func TestSettingsNamesAllThatIsWrong(t *testing.T) {
	t.Parallel()
	err := Settings{BatchSize: 0, BatchingWindow: -1, MaximumRetryAttempts: -2, MaximumRecordAge: time.Second, EventNames: []string{"UPDATE"}}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"batch size", "batching window", "retry attempts", "record age", "time-out", `"UPDATE"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q doesn't name the %s", err, want)
		}
	}
	if err := DefaultSettings().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}
