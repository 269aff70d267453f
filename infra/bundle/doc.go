// Package bundle builds the functions for Lambda: a static binary called
// bootstrap, alone in a directory, as the runtime provided.al2023 wants it.
//
// The same source and Go version give the same bytes on any machine, so the
// CDK, which names an asset by its content, uploads what has changed and
// nothing else.
//
// It imports the standard library only.
package bundle
