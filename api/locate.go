package api

import (
	"context"

	"daybook/events"
)

// locate returns the number of the commit that holds the event of the given
// version, 0 when the stream ends before it. A stream that does not exist is
// not-found.
//
// A commit's number is at most its version, and equal while every commit holds
// one event: that is tried first. Else the commit lies between one that ends
// before the version and one that begins after it or does not exist; the search
// narrows this by what commits hold on average and by halves in turn, so its
// reads grow with the logarithm of the stream's length.
func (q *queries) locate(ctx context.Context, stream events.Stream, version int64) (int64, error) {
	s := search{wanted: version, high: version + 1}
	for guess := version; ; guess = s.next() {
		commits, err := q.history.Read(ctx, stream, guess, 1)
		if err != nil {
			return 0, err
		}
		switch {
		case len(commits) == 0 && guess == 1:
			return 0, noStream()
		case len(commits) == 0:
			s.high, s.ended = guess, true
		case commits[0].First() > version:
			s.high, s.ended = guess, false
		case commits[0].Version < version:
			s.low, s.lowVersion = guess, commits[0].Version
		default:
			return guess, nil
		}
		if s.high-s.low <= 1 {
			return 0, nil
		}
	}
}

// search is where the commit with the wanted version can be: after low, before
// high.
type search struct {
	wanted     int64
	low        int64 // the number of a commit that ends before; 0 is the start
	lowVersion int64 // its version
	high       int64
	ended      bool // there is no commit at high
	steps      int
}

// next is the number to try next, between low and high.
func (s *search) next() int64 {
	s.steps++
	if s.low == 0 && s.ended {
		return 1
	}
	guess := s.low + (s.high-s.low)/2
	if s.steps%2 == 0 && s.low > 0 {
		average := float64(s.lowVersion) / float64(s.low)
		if likely := s.low + int64(float64(s.wanted-s.lowVersion)/average); likely < s.high {
			guess = likely
		}
	}
	if s.ended { // the end may be far below high: feel forward from low
		guess = min(guess, s.low*8)
	}
	return max(s.low+1, min(guess, s.high-1))
}
