package explain

import "time"

// Kind says what a node is.
type Kind string

// The kinds of nodes.
const (
	KindCommand Kind = "command"
	KindCommit  Kind = "commit"
	KindRow     Kind = "row"
	KindProcess Kind = "process" // what a process manager or an outbox does because of a commit
	KindTimer   Kind = "timer"
	KindMessage Kind = "message" // an integration event
	KindClaim   Kind = "claim"
	KindLetter  Kind = "letter" // a dead letter whose command can't be told
)

// State says how far a node has come.
type State string

// The states of a node. Those from StateLate on are causes of a standstill.
const (
	StateDone      State = "done"
	StateWaiting   State = "waiting"   // still to come, and not late
	StateUnknown   State = "unknown"   // it left no trace
	StateHistory   State = "history"   // older than the process manager's Since: never reacted to
	StateCancelled State = "cancelled" // a timer
	StateHidden    State = "hidden"    // a row that no query returns
	StateLate      State = "late"      // it should have come by now
	StateLost      State = "lost"      // a timer that is long due, without a trace of its command
	StateRejected  State = "rejected"
	StateParked    State = "parked"
	StateFailed    State = "failed" // given up; a dead letter
)

// stops reports whether a node of the state is a cause of a standstill.
func (s State) stops() bool {
	switch s {
	case StateLate, StateLost, StateRejected, StateParked, StateFailed:
		return true
	}
	return false
}

// Node is one step of a chain, with its effects.
type Node struct {
	Kind Kind `json:"kind"`
	// Name says what it is: "reserve-stock to product/7", "order/7@1", "orders/7".
	Name string `json:"name"`
	// ID is that of a command, a timer or an integration event.
	ID    string    `json:"id,omitzero"`
	By    string    `json:"by,omitzero"`     // the actor, process manager, outbox or view
	Time  time.Time `json:"time,omitzero"`   // when it happened; of a timer, when it is due
	Event []string  `json:"events,omitzero"` // of a commit
	State State     `json:"state"`
	Code  string    `json:"code,omitzero"`
	Text  string    `json:"text,omitzero"` // why it is in its state
	Next  string    `json:"next,omitzero"` // what to do about it
	Trace string    `json:"traceparent,omitzero"`
	Asked bool      `json:"asked,omitzero"` // the question was about it

	Effects []*Node `json:"effects,omitzero"`
}

// Cause is why a chain is stuck.
type Cause struct {
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	State State  `json:"state"`
	Code  string `json:"code,omitzero"`
	Text  string `json:"text,omitzero"`
	Next  string `json:"next,omitzero"`
}

// Explanation is an answer.
type Explanation struct {
	Asked string  `json:"asked"`
	Roots []*Node `json:"roots"`
	// Causes are the nodes that are stuck, in the order of the tree.
	Causes []Cause `json:"causes"`
	// Waiting counts the nodes that are still to come.
	Waiting int `json:"waiting,omitzero"`
	// Partial says that a bound of Options ended the reading.
	Partial bool `json:"partial,omitzero"`
	// Unread says what could not be read, and why.
	Unread string `json:"unread,omitzero"`
}

// each calls f for the nodes of the tree, in its order.
func each(nodes []*Node, f func(n *Node, depth int)) { walk(nodes, 0, f) }

func walk(nodes []*Node, depth int, f func(n *Node, depth int)) {
	for _, n := range nodes {
		f(n, depth)
		walk(n.Effects, depth+1, f)
	}
}
