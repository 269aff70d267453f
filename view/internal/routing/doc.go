// Package routing knows which tables a view has: it opens them, and keeps the
// control record that says which of them answers queries, which ones live commits
// reach, and by which shapes they were filled.
//
// It imports view, view/driver and view/internal/definition.
package routing
