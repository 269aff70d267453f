package eventstest

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"math"
	"slices"

	"daybook/events"
)

// noStream wants a stream that does not exist to be empty.
func noStream(ctx context.Context, s events.Store) error {
	stream := newStream()
	for _, snapshot := range []int{0, 1} {
		if cs, err := s.Load(ctx, stream, snapshot); err != nil || len(cs) > 0 {
			return fmt.Errorf("load: %d commits, error %v", len(cs), err)
		}
	}
	if cs, err := s.Read(ctx, stream, 1, 10); err != nil || len(cs) > 0 {
		return fmt.Errorf("read: %d commits, error %v", len(cs), err)
	}
	return nil
}

// orderAcrossPages reads a stream that is larger than what a database hands
// over at once (1 MB in DynamoDB).
func orderAcrossPages(ctx context.Context, s events.Store) error {
	stream, data := newStream(), noise(50_000)
	want, err := fill(ctx, s, events.Start(stream), 60, func(c *events.Commit, number int64) {
		if number%2 == 0 {
			c.Events[0].Data = data
		}
	})
	if err != nil {
		return err
	}
	for _, snapshot := range []int{0, 7} {
		got, err := s.Load(ctx, stream, snapshot)
		if err != nil {
			return err
		}
		if err := sameAll(want, got); err != nil {
			return fmt.Errorf("load with snapshot %d: %w", snapshot, err)
		}
	}
	got, err := s.Read(ctx, stream, 1, 100)
	if err != nil {
		return err
	}
	return sameAll(want, got)
}

// loadStopsAtSnapshot wants the newest snapshot of the schema version asked for
// and all after it, whatever other snapshots there are.
func loadStopsAtSnapshot(ctx context.Context, s events.Store) error {
	const length = 70
	schemas := map[int64]int{1: 4, 9: 1, 10: 2, 45: 1, 46: 3, 60: 2, 68: 2, length: 5}
	stream := newStream()
	all, err := fill(ctx, s, events.Start(stream), length, func(c *events.Commit, number int64) {
		if schema, ok := schemas[number]; ok {
			c.Snapshot = &events.Snapshot{Schema: schema, State: jsontext.Value(fmt.Sprintf(`{"n":%d}`, number)), Commands: remembered(2)}
		}
	})
	if err != nil {
		return err
	}
	for snapshot, first := range map[int]int{0: 1, 1: 45, 2: 68, 3: 46, 4: 1, 5: length, 6: 1} {
		got, err := s.Load(ctx, stream, snapshot)
		if err != nil {
			return fmt.Errorf("load with snapshot %d: %w", snapshot, err)
		}
		if err := sameAll(all[first-1:], got); err != nil {
			return fmt.Errorf("load with snapshot %d: %w", snapshot, err)
		}
	}
	return nil
}

// readPages reads parts of a stream.
func readPages(ctx context.Context, s events.Store) error {
	stream := newStream()
	all, err := fill(ctx, s, events.Start(stream), 10, func(c *events.Commit, number int64) {
		if number == 5 {
			c.Snapshot = &events.Snapshot{Schema: 1, State: jsontext.Value(`{}`)}
		}
	})
	if err != nil {
		return err
	}
	for _, page := range []struct {
		from        int64
		limit       int
		first, last int // the commits that must come, 0 for none
	}{
		{1, 3, 1, 3}, {4, 3, 4, 6}, {8, 3, 8, 10}, {9, 3, 9, 10}, {10, 1, 10, 10}, {10, 2, 10, 10},
		{11, 5, 0, 0}, {math.MaxInt64, 5, 0, 0}, {1, 10, 1, 10}, {1, 11, 1, 10}, {1, 100_000, 1, 10}, {2, math.MaxInt, 2, 10},
	} {
		got, err := s.Read(ctx, stream, page.from, page.limit)
		if err != nil {
			return fmt.Errorf("read %d from %d: %w", page.limit, page.from, err)
		}
		want := all[:0]
		if page.first > 0 {
			want = all[page.first-1 : page.last]
		}
		if err := sameAll(want, got); err != nil {
			return fmt.Errorf("read %d from %d: %w", page.limit, page.from, err)
		}
	}
	return nil
}

// commitsByNumber asks for some commits, also such as there are none of, right
// after each append.
func commitsByNumber(ctx context.Context, s events.Store) error {
	stream := newStream()
	var all []events.Commit
	at := events.Start(stream)
	for number := int64(1); number <= 12; number++ {
		cs, err := fill(ctx, s, at, 1, func(c *events.Commit, _ int64) {
			if number%3 == 0 {
				c.Snapshot = &events.Snapshot{Schema: 1, State: jsontext.Value(`{}`), Commands: remembered(5), From: number - 2}
			}
		})
		if err != nil {
			return err
		}
		all, at = append(all, cs...), events.After(&cs[0])
		got, err := s.Commits(ctx, stream, []int64{number})
		if err != nil || len(got) != 1 || got[0] == nil {
			return fmt.Errorf("commit %d, just appended: %v, error %w", number, got, err)
		}
	}
	numbers := []int64{7, 1, math.MaxInt64, 12, 13, 3, 0, 9}
	for n := int64(1000); len(numbers) < 100; n++ {
		numbers = append(numbers, n)
	}
	got, err := s.Commits(ctx, stream, numbers)
	if err != nil || len(got) != len(numbers) {
		return fmt.Errorf("%d commits of %d numbers, error %w", len(got), len(numbers), err)
	}
	for i, n := range numbers {
		if exists := n >= 1 && n <= 12; exists != (got[i] != nil) {
			return fmt.Errorf("commit %d: found %t", n, got[i] != nil)
		} else if exists {
			if err := same(&all[n-1], got[i]); err != nil {
				return fmt.Errorf("commit %d: %w", n, err)
			}
		}
	}
	if got, err := s.Commits(ctx, newStream(), []int64{1, 2}); err != nil || len(got) != 2 || got[0] != nil || got[1] != nil {
		return fmt.Errorf("no stream: %v, error %w", got, err)
	}
	if got, err := s.Commits(ctx, stream, nil); err != nil || len(got) != 0 {
		return fmt.Errorf("no numbers: %v, error %w", got, err)
	}
	return nil
}

// startedStreams asks for 100 streams in one request, repeats among them.
func startedStreams(ctx context.Context, s events.Store) error {
	var streams []events.Stream
	var want []bool
	for i := range 90 {
		stream := newStream()
		exists := i%3 == 0
		if exists {
			if _, err := fill(ctx, s, events.Start(stream), 1+i%2, nil); err != nil {
				return err
			}
		}
		streams, want = append(streams, stream), append(want, exists)
	}
	streams, want = append(streams, streams[:10]...), append(want, want[:10]...)
	got, err := s.Started(ctx, streams)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	if got, err := s.Started(ctx, streams[:2]); err != nil || !slices.Equal(got, want[:2]) {
		return fmt.Errorf("two streams: %v, error %v", got, err)
	}
	if got, err := s.Started(ctx, nil); err != nil || len(got) != 0 {
		return fmt.Errorf("no streams: %v, error %v", got, err)
	}
	return nil
}

// scanResult is what a scan of some segments has seen of certain streams.
type scanResult struct {
	commits map[events.Stream][]events.Commit
	segment map[events.Stream]int
}

// maxScanPages ends a scan that never does.
const maxScanPages = 100_000

// scanAll scans all segments. Streams that are not among want are left out.
func scanAll(ctx context.Context, s events.Store, segments int, want map[events.Stream][]events.Commit) (scanResult, error) {
	seen := scanResult{map[events.Stream][]events.Commit{}, map[events.Stream]int{}}
	for segment := range segments {
		cursor := ""
		for pages := 0; ; pages++ {
			if pages == maxScanPages {
				return seen, errors.New("the scan does not end")
			}
			page, next, err := s.Scan(ctx, segment, segments, cursor)
			if err != nil {
				return seen, err
			}
			for _, c := range page {
				if _, ours := want[c.Stream]; !ours {
					continue
				}
				if in, ok := seen.segment[c.Stream]; ok && in != segment {
					return seen, fmt.Errorf("%s is in segments %d and %d", c.Stream, in, segment)
				}
				seen.segment[c.Stream] = segment
				seen.commits[c.Stream] = append(seen.commits[c.Stream], c)
				if len(seen.commits[c.Stream]) > len(want[c.Stream]) {
					return seen, fmt.Errorf("%s: more commits than were stored: %v", c.Stream, numbers(seen.commits[c.Stream]))
				}
			}
			if next == "" {
				break
			}
			cursor = next
		}
	}
	return seen, nil
}

// scanStreams stores some streams of different lengths.
func scanStreams(ctx context.Context, s events.Store, data func(c *events.Commit, number int64)) (map[events.Stream][]events.Commit, error) {
	all := map[events.Stream][]events.Commit{}
	for i := range 20 {
		stream := newStream()
		cs, err := fill(ctx, s, events.Start(stream), 1+i%6, data)
		if err != nil {
			return nil, err
		}
		all[stream] = cs
	}
	return all, nil
}

// scanSeesAll scans in 1, 3 and 16 segments: every commit once, each stream in
// one segment and in order.
func scanSeesAll(ctx context.Context, s events.Store) error {
	all, err := scanStreams(ctx, s, nil)
	if err != nil {
		return err
	}
	for _, segments := range []int{1, 3, 16} {
		seen, err := scanAll(ctx, s, segments, all)
		if err != nil {
			return fmt.Errorf("%d segments: %w", segments, err)
		}
		for stream, want := range all {
			if err := sameAll(want, seen.commits[stream]); err != nil {
				return fmt.Errorf("%d segments, %s: %w", segments, stream, err)
			}
		}
	}
	return nil
}

// scanResumes goes on from each cursor a second time and gets the same.
func scanResumes(ctx context.Context, s events.Store) error {
	data := noise(30_000)
	all, err := scanStreams(ctx, s, func(c *events.Commit, _ int64) { c.Events[0].Data = data })
	if err != nil {
		return err
	}
	var ours []events.Commit
	cursor, pages := "", 0
	for ; pages < maxScanPages; pages++ {
		page, next, err := s.Scan(ctx, 0, 1, cursor)
		if err != nil {
			return err
		}
		again, nextAgain, err := s.Scan(ctx, 0, 1, cursor)
		if err != nil {
			return fmt.Errorf("a page asked for again: %w", err)
		}
		if err := sameAll(mine(page, all), mine(again, all)); err != nil || (next == "") != (nextAgain == "") {
			return fmt.Errorf("a page asked for again is another: %w", err)
		}
		ours = append(ours, mine(page, all)...)
		if next == "" {
			break
		}
		cursor = next
	}
	total := 0
	for _, cs := range all {
		total += len(cs)
	}
	if len(ours) != total {
		return fmt.Errorf("the pages hold %d commits, want %d", len(ours), total)
	}
	if pages == 0 {
		return errors.New("1.5 MB and more came in one page: no cursor was tried")
	}
	return nil
}

// mine returns the commits of the given streams.
func mine(page []events.Commit, all map[events.Stream][]events.Commit) []events.Commit {
	return slices.DeleteFunc(slices.Clone(page), func(c events.Commit) bool {
		_, ok := all[c.Stream]
		return !ok
	})
}
