package jitter

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"time"
)

// Uint64 returns a random number.
func Uint64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Below returns a random duration from 0 to below bound: full jitter. For a bound
// below 1 it returns 0.
func Below(bound time.Duration) time.Duration {
	if bound <= 0 {
		return 0
	}
	part, _ := bits.Mul64(Uint64(), uint64(bound))
	return time.Duration(part)
}

// Index returns a random number from 0 to below n, which is at least 1.
func Index(n int) int { return int(Below(time.Duration(n))) }
