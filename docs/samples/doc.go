// Package samples keeps the Go samples of README.md and docs/*.md compiled: each
// fenced block of Go is a part of a file below this folder, between two comments.
//
//	//sample:begin NAME
//	//sample:end
//
// In the page, the line before the block names the file and the part, and the test
// of this package compares the two:
//
//	<!-- sample: docs/samples/user/user.go#NAME -->
package samples
