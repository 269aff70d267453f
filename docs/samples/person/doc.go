// Package person has the samples of docs/privacy.md: an application with an aggregate
// that has personal values.
package person
