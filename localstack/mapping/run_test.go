package mapping

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"daybook/internal/sleep"
)

func TestActivityWakesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		r := newRig(stream, nil)
		r.options.Poll = time.Hour
		r.run(t, time.Second, func() { time.Sleep(time.Minute) }, func() { stream.put("s", 1) })
		r.expect(t, "1")
		if r.function.at[0] != time.Minute {
			t.Errorf("invoked %s after the record came", r.function.at[0]-time.Minute)
		}
		if stream.polls > 3 {
			t.Errorf("%d polls in a minute without records", stream.polls)
		}
	})
}

// Records that come one after the other share batches, and none waits for longer than
// the pace; the first after a rest waits for nothing, and a full page is followed by
// the next one at once.
func TestRecordsOnTheWayShareBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		r := newRig(stream, func(s *Settings) { s.BatchSize = 10 })
		r.options.Pace = 44 * time.Millisecond
		var first []int // sequence numbers of a burst
		for n := range 30 {
			first = append(first, 1000+n)
		}
		r.run(t, time.Second,
			func() {
				for n := range 20 {
					stream.put("s", n)
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(time.Second)
			},
			func() { stream.put("s", first...) },
		)
		ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
		r.expect(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", // eight, and two of the time that they took
			"11 12 13", "14 15 16 17", "18 19",
			"1000 1001 1002 1003 1004 1005 1006 1007 1008 1009", "1010 1011 1012 1013 1014 1015 1016 1017 1018 1019",
			"1020 1021 1022 1023 1024 1025 1026 1027 1028 1029")
		var at []time.Duration
		for _, exact := range r.function.at {
			at = append(at, exact.Round(time.Millisecond)) // the limiter counts in floats
		}
		want := []time.Duration{0, ms(10), ms(20), ms(30), ms(40), ms(50), ms(60), ms(70), ms(80), ms(90), ms(100),
			ms(132), ms(176), ms(220), ms(1200), ms(1200), ms(1200)}
		if !slices.Equal(at, want) {
			t.Errorf("invoked at %v, want %v", at, want)
		}
	})
}

func TestPollsFourTimesASecondWithoutActivity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		r := newRig(stream, nil)
		r.options.Activity = nil
		r.run(t, 10*time.Second+time.Millisecond, func() { stream.put("s", 1) })
		r.expect(t, "1")
		if stream.polls < 39 || stream.polls > 45 {
			t.Errorf("%d polls in ten seconds, want about 40", stream.polls)
		}
	})
}

func TestChildShardsFollowTheirParents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("a", "b<a", "c<a", "d<gone")
		stream.put("a", 1, 2)
		stream.put("b", 3)
		stream.put("c", 4)
		stream.put("d", 5)
		r := newRig(stream, func(s *Settings) { s.BatchSize = 1 })
		r.options.CheckpointFile = filepath.Join(t.TempDir(), "checkpoints")
		r.run(t, time.Minute, func() {
			if want := []string{"1", "2", "5"}; !equalSet(r.function.calls, want) {
				t.Errorf("before the parent was closed: %q, want %q", r.function.calls, want)
			}
		}, func() { stream.close("a"); time.Sleep(30 * time.Second) })
		if want := []string{"1", "2", "3", "4", "5"}; !equalSet(r.function.calls, want) {
			t.Errorf("after the parent was closed: %q, want %q", r.function.calls, want)
		}
		if i := slices.Index(r.function.calls, "2"); i > slices.Index(r.function.calls, "3") || i > slices.Index(r.function.calls, "4") {
			t.Errorf("a child's record came before its parent's: %q", r.function.calls)
		}

		// A parent that is done stays done, and is forgotten when it is not
		// listed any more.
		r.run(t, time.Minute, func() { stream.put("b", 6) })
		if got := r.function.calls[5:]; !slices.Equal(got, []string{"6"}) {
			t.Errorf("after a restart: %q, want 6 only", got)
		}
	})
}

func equalSet(a, b []string) bool { return slices.Equal(slices.Sorted(slices.Values(a)), b) }

// A shard that fails doesn't hold up another.
func TestShardsAreIndependent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("a", "b")
		stream.put("a", 1)
		r := newRig(stream, nil)
		r.function.answer = poison(1)
		r.run(t, time.Minute, func() { stream.put("b", 2) })
		if !slices.Contains(r.function.calls, "2") {
			t.Errorf("the other shard's record was never delivered: %q", r.function.calls)
		}
	})
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	restart := func(t *testing.T, between func(r *rig, file string)) *rig {
		stream := newStream("s")
		stream.put("s", 1, 2, 3)
		r := newRig(stream, nil)
		file := filepath.Join(t.TempDir(), "checkpoints")
		r.options.CheckpointFile = file
		r.run(t, time.Second)
		between(r, file)
		stream.put("s", 4)
		r.run(t, time.Second)
		return r
	}
	must := func(t *testing.T, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		between func(r *rig, file string)
		calls   []string
	}{
		{"kept over a restart", func(*rig, string) {}, []string{"1 2 3", "4"}},
		{"lost", func(_ *rig, file string) { must(t, os.Remove(file)) }, []string{"1 2 3", "1 2 3 4"}},
		{"cannot be read", func(_ *rig, file string) { must(t, os.WriteFile(file, []byte("{]"), 0o600)) }, []string{"1 2 3", "1 2 3 4"}},
		{"empty", func(_ *rig, file string) { must(t, os.WriteFile(file, nil, 0o600)) }, []string{"1 2 3", "1 2 3 4"}},
		{"of another stream", func(r *rig, _ string) { r.options.StreamARN = "arn:other" }, []string{"1 2 3", "1 2 3 4"}},
		{"trimmed", func(r *rig, _ string) { r.stream.shard("s").trimmed = 3 }, []string{"1 2 3", "4"}},
		{"cannot be written", func(r *rig, file string) { r.options.CheckpointFile = filepath.Join(file, "below") }, []string{"1 2 3", "1 2 3 4"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				restart(t, test.between).expect(t, test.calls...)
			})
		})
	}
}

// While batches flow the file is written now and then, so that a killed process
// delivers only the last moments again.
func TestCheckpointsAreWrittenOnTheWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		r := newRig(stream, nil)
		r.options.CheckpointFile = filepath.Join(t.TempDir(), "checkpoints")
		r.run(t, time.Second, func() { stream.put("s", 1) }, func() {
			if c := loadCheckpoints(r.options.CheckpointFile, "arn:stream", r.options.Log); c.get("s").After != "1" {
				t.Errorf("the file says %+v after the first batch", c.get("s"))
			}
		})
	})
}

func TestFaultsOfTheSource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faults []error
	}{
		{"expired iterator", []error{ErrExpired}},
		{"trimmed", []error{ErrTrimmed}},
		{"throttled", []error{errors.New("slow down"), errors.New("slow down")}},
		{"gone for a while", []error{ErrGone}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stream := newStream("s")
				stream.put("s", 1, 2)
				stream.faults = test.faults
				r := newRig(stream, nil)
				r.run(t, time.Minute)
				r.expect(t, "1 2")
			})
		})
	}
}

func TestStopLetsTheBatchEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		stream.put("s", 1, 2)
		r := newRig(stream, func(s *Settings) { s.BatchSize = 1 })
		r.options.CheckpointFile = filepath.Join(t.TempDir(), "checkpoints")
		r.function.answer = func(ctx context.Context, _ int, _ []int) (string, error) {
			return "", sleep.For(ctx, 3*time.Second)
		}
		r.run(t, time.Second) // stopped with record 1 in the function
		r.expect(t, "1")
		r.run(t, time.Minute)
		r.expect(t, "1", "2")
	})
}

func TestStopAbandonsTheBatchAfterTheGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		stream.put("s", 1)
		r := newRig(stream, func(s *Settings) { s.MaximumRetryAttempts = 0 })
		r.options.CheckpointFile = filepath.Join(t.TempDir(), "checkpoints")
		r.function.answer = func(ctx context.Context, call int, _ []int) (string, error) {
			if call == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "", nil
		}
		begun := time.Now()
		r.run(t, time.Second)
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("the mapping stopped after %s, want the second and the five of the grace", took)
		}
		r.run(t, time.Second) // delivered again, not discarded
		r.expect(t, "1", "1")
		r.expectGone(t)
	})
}

func TestStopDuringBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		stream.put("s", 1)
		r := newRig(stream, nil)
		r.options.Backoff = func(int) time.Duration { return time.Hour }
		r.function.answer = poison(1)
		begun := time.Now()
		r.run(t, time.Second)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the mapping stopped after %s", took)
		}
	})
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	t.Parallel()
	for n := 1; n < 100; n++ {
		full := 30 * time.Second
		if n < 10 {
			full = 100 * time.Millisecond << (n - 1)
		}
		if d := backoff(n); d < full/2 || d > full {
			t.Errorf("backoff(%d) = %s, want %s to %s", n, d, full/2, full)
		}
	}
}

// With any settings and any bad records, every record is processed
// or discarded, a good one is never discarded when batches are bisected, no bad
// one is processed, and the first deliveries come in order.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(rt, "records")
		bad := rapid.SliceOfDistinct(rapid.IntRange(1, n), rapid.ID[int]).Draw(rt, "bad")
		size := rapid.IntRange(1, 12).Draw(rt, "batch size")
		limit := rapid.IntRange(0, 3).Draw(rt, "retries")
		bisect, reports := rapid.Bool().Draw(rt, "bisect"), rapid.Bool().Draw(rt, "reports")
		processed, discarded := play(t, n, func(s *Settings) {
			retries(limit, bisect, reports)(s)
			s.BatchSize = size
		}, bad)
		for i := 1; i <= n; i++ {
			isBad := slices.Contains(bad, i)
			switch {
			case processed[i] == 0 && !discarded[i]:
				rt.Errorf("record %d is lost", i)
			case isBad && (processed[i] > 0 || !discarded[i]):
				rt.Errorf("bad record %d: processed %d times, discarded %t", i, processed[i], discarded[i])
			case !isBad && bisect && discarded[i]:
				rt.Errorf("good record %d was discarded", i)
			case bisect && !reports && processed[i] > 1:
				rt.Errorf("record %d was processed %d times", i, processed[i])
			}
		}
	})
}

// play returns how often each record was processed, and which were discarded.
func play(t *testing.T, n int, change func(*Settings), bad []int) (processed map[int]int, discarded map[int]bool) {
	processed, discarded = make(map[int]int), make(map[int]bool)
	synctest.Test(t, func(t *testing.T) {
		stream := newStream("s")
		for i := range n {
			stream.put("s", i+1)
		}
		r := newRig(stream, change)
		r.function.answer = func(_ context.Context, _ int, sequences []int) (string, error) {
			for i, at := range sequences {
				if !slices.Contains(bad, at) {
					continue
				}
				if !r.options.Settings.ReportBatchItemFailures {
					return "", errPoison
				}
				for _, done := range sequences[:i] {
					processed[done]++
				}
				return fmt.Sprintf(`{"batchItemFailures":[{"itemIdentifier":"%d"}]}`, at), nil
			}
			for _, done := range sequences {
				processed[done]++
			}
			return "", nil
		}
		r.options.Destination = collect(discarded)
		r.run(t, time.Hour)
	})
	return processed, discarded
}

type collect map[int]bool

func (c collect) Discard(d DiscardedBatch) (string, error) {
	for _, r := range d.Records {
		var n int
		if _, err := fmt.Sscan(r.Sequence, &n); err != nil {
			return "", err
		}
		c[n] = true
	}
	return "", nil
}
