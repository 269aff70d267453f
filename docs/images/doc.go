// Package images draws the pictures of docs/concepts.md as SVG. The drawings are
// declared in concepts.go; a test compares the files with what the declarations give.
//
// After a change, go generate writes the files anew.
package images

//go:generate go test -run TestDrawings -update .
