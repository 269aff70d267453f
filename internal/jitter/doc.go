// Package jitter draws the random part of pauses and the few random numbers that
// decide what a program does next. It draws from crypto/rand, which a test can seed
// (testing/cryptotest); the global source of math/rand/v2 can't be seeded, so that
// no run which took a pause from it can be repeated.
package jitter
