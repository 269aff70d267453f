package aggregate

import (
	"slices"

	"daybook/events"
)

// Decision is what an aggregate answers to a command: events to append with
// values to claim and release, a rejection, or nothing to do. It is a value; its
// methods return a changed copy.
type Decision struct {
	emitted   []events.Data
	steps     []claimStep
	parts     []part
	rejection *events.Error
}

// claimStep claims or releases a value.
type claimStep struct {
	claim   events.Claim
	release bool
	fields  []string // of the payload, for the error
}

// part is a decision's effect on another stream than its own.
type part struct {
	stream   events.Stream
	decision Decision
}

// Emit accepts the command with the given events, in order: values of the types
// that the aggregate's Event declarations take. Emit without events is Nothing.
func Emit(emitted ...events.Data) Decision { return Decision{emitted: emitted} }

// Nothing accepts the command and changes nothing: what it asks for is so
// already. No commit is written, and the answer carries the current version. So
// nothing remembers the command, and a retry is evaluated again.
func Nothing() Decision { return Decision{} }

// Reject refuses the command with the domain's own stable code ("out-of-stock")
// and a message for the client. The API answers 422 with that code.
func Reject(code, message string) Decision {
	return Decision{rejection: &events.Error{Code: events.Code(code), Message: message, Rejected: true}}
}

// And adds events to a decision. A rejection stays one.
func (d Decision) And(emitted ...events.Data) Decision {
	d.emitted = append(slices.Clip(d.emitted), emitted...)
	return d
}

// Claim makes the stream the only one that holds the value under the name
// ("user-email"), from the commit of the decision's events on. If another stream
// holds it, the command fails with already-taken (409 over HTTP), which names
// fields: where in the request the value is, as "/payload/email". A value that
// the stream holds already stays its own.
//
// Values are compared byte by byte: claim them in the form in which they are to
// be unique. A claim rides in the transaction of the commit, which costs twice
// the write units of each item: 4 for a small commit with one claim.
func (d Decision) Claim(name, value string, fields ...string) Decision {
	d.steps = append(slices.Clip(d.steps), claimStep{claim: events.Claim{Name: name, Value: value}, fields: fields})
	return d
}

// Release gives up a value that the stream holds, in the commit of the
// decision's events; one that it does not hold stays as it is. Releasing a value
// and claiming it again keeps it.
func (d Decision) Release(name, value string) Decision {
	d.steps = append(slices.Clip(d.steps), claimStep{claim: events.Claim{Name: name, Value: value}, release: true})
	return d
}

// ClaimPersonal is Claim for a value that is about a person, such as an e-mail address:
// what is stored of it is a keyed hash, from which nobody without the application's key
// can find or confirm the value. The hash stays after the person was erased, so that
// the value is not given to another; a command that erases (Erases) can release it.
func (d Decision) ClaimPersonal(name, value string, fields ...string) Decision {
	d.steps = append(slices.Clip(d.steps), claimStep{claim: events.Claim{Name: name, Value: value, Personal: true}, fields: fields})
	return d
}

// ReleasePersonal gives up a value that ClaimPersonal claimed.
func (d Decision) ReleasePersonal(name, value string) Decision {
	d.steps = append(slices.Clip(d.steps), claimStep{claim: events.Claim{Name: name, Value: value, Personal: true}, release: true})
	return d
}

// On adds what the command comes to on another of its streams, for a command
// declared with Across. A rejection of a part rejects the whole.
func (d Decision) On(stream events.Stream, p Decision) Decision {
	if d.rejection == nil {
		d.rejection = p.rejection
	}
	d.parts = append(slices.Clip(d.parts), part{stream, p})
	return d
}

// net brings claims and releases of the commands of one commit, in order, to
// what events.Commit says of them: a value claimed and released again is in both.
func net(steps []claimStep) (claims, releases []events.Claim) {
	last := make(map[events.Claim]bool, len(steps))
	claimed := make(map[events.Claim]bool, len(steps))
	var order []events.Claim
	for _, s := range steps {
		if _, seen := last[s.claim]; !seen {
			order = append(order, s.claim)
		}
		last[s.claim] = s.release
		claimed[s.claim] = claimed[s.claim] || !s.release
	}
	for _, c := range order {
		if claimed[c] {
			claims = append(claims, c)
		}
		if last[c] {
			releases = append(releases, c)
		}
	}
	return claims, releases
}

// alreadyTaken is the error of a command whose claim another stream holds.
func alreadyTaken(s claimStep) *events.Error {
	e := events.Errorf(events.CodeAlreadyTaken, "the value is taken")
	for _, f := range s.fields {
		e.Fields = append(e.Fields, events.Field{Path: f, Message: "is taken"})
	}
	if len(s.fields) == 0 {
		e.Message = "the value of " + s.claim.Name + " is taken"
	}
	return e
}

// refusal returns the error of the first claim of steps that is known to be
// taken, nil if none is.
func refusal(steps []claimStep, taken map[events.Claim]bool) error {
	if len(taken) == 0 {
		return nil
	}
	for _, s := range steps {
		if !s.release && taken[s.claim] {
			return alreadyTaken(s)
		}
	}
	return nil
}
