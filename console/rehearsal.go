package console

import (
	"net/http"
	"time"

	"daybook/rehearse"
)

// Rehearsal is a rehearsal as its page shows it.
type Rehearsal struct {
	State RehearsalState `json:"state"`
	Error string         `json:"error,omitzero"` // why it failed
	// Commits and Rows were read so far, of about Total commits; 0 for not known.
	Commits int64   `json:"commits"`
	Rows    int64   `json:"rows"`
	Total   int64   `json:"total"`
	Seconds float64 `json:"seconds"`
	// Report is what it found, or has found so far; nil for none.
	Report *RehearsalReport `json:"report,omitzero"`
}

// RehearsalReport is what a rehearsal found, of which code in which store, and what all
// rebuilds cost. It is what `daybook rehearse -json` writes.
type RehearsalReport struct {
	App   string    `json:"app"`
	Build string    `json:"build"` // version or commit of the code
	Store string    `json:"store"`
	Began time.Time `json:"began"`
	rehearse.Report
	// Dollars is by the prices of Region, of the date Prices.
	Dollars float64 `json:"dollars"`
	Region  string  `json:"region"`
	Prices  string  `json:"prices"`
}

// RehearsalState says how far a rehearsal is.
type RehearsalState string

// The states of rehearsals.
const (
	RehearsalNone    RehearsalState = "none"
	RehearsalRunning RehearsalState = "running"
	RehearsalDone    RehearsalState = "done"
	RehearsalFailed  RehearsalState = "failed"
)

func (c *Console) rehearsal(*http.Request) (any, error) {
	if c.o.Rehearsal == nil {
		return Rehearsal{State: RehearsalNone}, nil
	}
	return c.o.Rehearsal(), nil
}
