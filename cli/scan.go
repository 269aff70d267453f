package cli

import (
	"context"

	"daybook/events"
	"daybook/parallel"
)

// parallelScan reads the events table in parts, several at a time, and hands
// every page to take, the pages of one part in order and from one goroutine.
func (s *session) parallelScan(ctx context.Context, segments, parallel int, take func(segment int, page []events.Commit, last bool) error) error {
	return inParallel(ctx, segments, parallel, func(ctx context.Context, segment int) error {
		return eachPage(ctx, s.store.Scan, segment, segments, func(page []events.Commit, last bool) error { return take(segment, page, last) })
	})
}

// eachPage hands the pages of one part of a table to take.
func eachPage[T any](
	ctx context.Context, scan func(ctx context.Context, segment, segments int, cursor string) ([]T, string, error),
	segment, segments int, take func(page []T, last bool) error,
) error {
	for cursor := ""; ; {
		page, next, err := scan(ctx, segment, segments, cursor)
		if err != nil {
			return err
		}
		if err := take(page, next == ""); err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

// checkParallel refuses what -parallel can't be.
func checkParallel(n int) error {
	if n < 1 || n > 256 {
		return usage("-parallel must be from 1 to 256")
	}
	return nil
}

// inParallel calls f for each of n parts, several at a time, until one fails.
func inParallel(ctx context.Context, n, atOnce int, f func(ctx context.Context, part int) error) error {
	return parallel.New(atOnce).Until(ctx, n, f)
}
