package wire

import (
	"math/rand/v2"
	"net/http"
	"sync"
)

// Hostile is how unkind the way to a service may be. Each field but Seed is a
// probability from 0 to 1; the seed fixes the decisions.
type Hostile struct {
	Seed uint64
	// LoseRequests fails the connection before anything is done.
	LoseRequests float64
	// LoseAnswers fails the connection after everything is done.
	LoseAnswers float64
}

// Over returns a transport that does to requests over next what h says. A nil h
// does nothing.
func (h *Hostile) Over(next http.RoundTripper) http.RoundTripper {
	if h == nil {
		return next
	}
	return &hostile{next: next, how: *h, random: rand.New(rand.NewPCG(h.Seed, 0))}
}

type hostile struct {
	next http.RoundTripper
	how  Hostile

	mu     sync.Mutex
	random *rand.Rand
}

func (h *hostile) happens(probability float64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.random.Float64() < probability
}

// RoundTrip answers one request, or loses it.
func (h *hostile) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.happens(h.how.LoseRequests) {
		return nil, ErrAnswerLost
	}
	answer, err := h.next.RoundTrip(r)
	if err == nil && h.happens(h.how.LoseAnswers) {
		_ = answer.Body.Close() // nobody reads it
		return nil, ErrAnswerLost
	}
	return answer, err
}
