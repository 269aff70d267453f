package eventstest

import (
	"context"
	"testing"

	"daybook/events"
)

// Run is the conformance suite of events.Store: an implementation is one when
// it passes. newStore is called once for each rule; it may return the same store
// again, also one that holds other commits, since every rule uses streams of its
// own. The rules run in parallel.
func Run(t *testing.T, newStore func(t *testing.T) events.Store) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := r.check(t.Context(), newStore(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// rule is one rule of the contract. Its check returns what a store broke; it is
// a plain function so that a test can prove that it does.
type rule struct {
	name  string
	check func(ctx context.Context, s events.Store) error
}

func rules() []rule {
	return []rule{
		{"one winner", oneWinner},
		{"a conflict hands over the winner", conflictHandsOverWinner},
		{"atomic append", atomicAppend},
		{"the position decides", positionDecides},
		{"own lost answer", ownLostAnswer},
		{"order across pages", orderAcrossPages},
		{"no stream is empty", noStream},
		{"a context that ended", endedContext},
		{"size limit", sizeLimit},
		{"size is told", sizeIsTold},
		{"load stops at a snapshot", loadStopsAtSnapshot},
		{"read pages", readPages},
		{"commits by number", commitsByNumber},
		{"started", startedStreams},
		{"scan sees all once", scanSeesAll},
		{"scan is resumable", scanResumes},
		{"every field comes back", everyField},
		{"time in milliseconds", timeInMilliseconds},
		{"claims exclude", claimsExclude},
		{"one claimant", oneClaimant},
		{"claims go with the commit", claimsGoWithTheCommit},
		{"claims in passing", passingClaims},
		{"any value can be claimed", anyValue},
		{"once-only", onceOnly},
		{"held values are scanned", scanHeld},
		{"tenants share no value and no id", tenantsApart},
		{"all or none", allOrNone},
		{"own lost answer of several", allOwnLostAnswer},
		{"guards", guards},
		{"a value changes hands", changeHands},
		{"limits of several", allLimits},
		{"several at once", allConcurrent},
	}
}
