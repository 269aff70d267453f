package events

import "context"

type commitSizeKey struct{}

// WithCommitSize returns a context that tells a Store about how many bytes a
// commit of the streams at hand has. A store may read less at once, or more, for
// it; what it returns stays the same.
func WithCommitSize(ctx context.Context, bytes int) context.Context {
	return context.WithValue(ctx, commitSizeKey{}, bytes)
}

// CommitSizeOf returns what WithCommitSize told, 0 for nothing.
func CommitSizeOf(ctx context.Context) int {
	n, _ := ctx.Value(commitSizeKey{}).(int)
	return n
}
