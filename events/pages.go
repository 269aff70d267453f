package events

import (
	"context"
	"iter"
)

// Pages are the pages of one part of a table, in order, as a Scan reads them: that of a
// Store, or one like it. They end with the first error.
func Pages[T any](
	ctx context.Context, scan func(ctx context.Context, segment, segments int, cursor string) (page []T, next string, err error), segment, segments int,
) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for cursor := ""; ; {
			page, next, err := scan(ctx, segment, segments, cursor)
			if !yield(page, err) || err != nil || next == "" {
				return
			}
			cursor = next
		}
	}
}
