package inspect

import (
	"context"
	"slices"

	"daybook/process"
)

// Bounds of the search for the events that set timers, in commits of the stream.
const (
	timersBack    = 100   // that may have set a timer, from the last handled one
	timersHistory = 1_000 // that the memory of a process manager is made of
)

// addDue fills in when the timers of an instance are due. The ledger keeps their names
// only: what the process manager asks for because of its last events is derived anew.
// A timer that older code set, or an older event, has no time.
func (i *Installation) addDue(ctx context.Context, of *Instance) error {
	r := i.app.Process(of.Process)
	if r == nil || len(of.Timers) == 0 {
		return nil
	}
	first := max(1, of.Commit-timersBack+1)
	remembers := r.Describe().Remembers
	if remembers {
		first = 1
	}
	if of.Commit-first >= timersHistory {
		return nil
	}
	commits, err := i.sources.Events.Read(ctx, of.Stream, first, int(of.Commit-first+1))
	if err != nil {
		return err
	}
	for n := len(commits) - 1; n >= max(0, len(commits)-timersBack); n-- {
		from := n
		if remembers {
			from = 0
		}
		effects, err := process.Derive(i.codec, r, i.sources.Source, commits[from:n+1], of.answer)
		if err == nil && of.setDue(effects) { // a commit that the code of today can't take in set no timer of it
			return nil
		}
	}
	return nil
}

// answer is how a command of the instance was rejected, as far as the ledger knows.
func (of *Instance) answer(r process.Request) *process.Rejection {
	for n := range of.Answered {
		if of.Answered[n].CommandID == r.CommandID {
			return &of.Answered[n].Rejection
		}
	}
	return nil
}

// setDue takes the times of timers over from the effects that set them, and reports
// whether all have one.
func (of *Instance) setDue(effects []process.Effect) (all bool) {
	for _, e := range effects {
		for n := range of.Timers {
			if e.Set != nil && e.Set.Name == of.Timers[n].ID {
				of.Timers[n].Due = e.Set.At
			}
		}
	}
	return !slices.ContainsFunc(of.Timers, func(t Timer) bool { return t.Due.IsZero() })
}
