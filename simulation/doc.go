// Package simulation runs a whole application under one seed.
package simulation
