// Package user has the samples of README.md.
package user
