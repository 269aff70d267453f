package cli

import (
	"context"

	"daybook/events"
	"daybook/parallel"
)

// parallelScan reads the events table in parts, several at a time, and hands
// every page to take.
func (s *session) parallelScan(ctx context.Context, segments, parallel int, take func(page []events.Commit) error) error {
	return inParallel(ctx, segments, parallel, func(ctx context.Context, segment int) error {
		for page, err := range events.Pages(ctx, s.store.Scan, segment, segments) {
			if err != nil {
				return err
			}
			if err := take(page); err != nil {
				return err
			}
		}
		return nil
	})
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
