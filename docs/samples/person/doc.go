// Package person has the samples of docs/privacy.md: an aggregate with personal values.
package person
