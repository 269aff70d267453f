package peer

// Op is an operation that the runner asks a client for.
type Op string

const (
	// Fill makes each stream of IDs with Events events, one per commit. It is not measured.
	Fill Op = "fill"
	// Create starts each stream of IDs with one event.
	Create Op = "create"
	// Append handles one command on each stream of IDs, which enters Events events.
	Append Op = "append"
	// Load brings the state of each stream of IDs, which has Events events.
	Load Op = "load"
	// Repeat sends a command to each stream of IDs, which is the same each time that
	// this is asked for.
	Repeat Op = "repeat"
	// Contend gets Each commands through on the first of IDs, by Writers at once.
	Contend Op = "contend"
)

// Request is one line from the runner to a client.
type Request struct {
	Op      Op       `json:"op"`
	IDs     []string `json:"ids"`
	Events  int      `json:"events,omitzero"`
	Writers int      `json:"writers,omitzero"`
	Each    int      `json:"each,omitzero"`
	// Cold makes a new instance for each stream, which knows nothing of it. Peers that
	// keep no state between commands have only such.
	Cold bool `json:"cold,omitzero"`
	// Keyed gives each command of Daybook an idempotency key; the others have none.
	Keyed bool `json:"keyed,omitzero"`
	// First makes the new instance of Daybook one that has not met the aggregate either.
	First bool `json:"first,omitzero"`
}

// Reply is a client's one line of answer.
type Reply struct {
	Ops int `json:"ops"`
	// CPU is the processor time of the client's process, user and system, in
	// nanoseconds: of the operations, without what was prepared for them.
	CPU     int64   `json:"cpu_ns"`
	Latency []int64 `json:"latency_ns"` // of each operation
	// Refused counts the attempts that ended in an error at the caller.
	Refused int    `json:"refused"`
	Seen    int64  `json:"seen"`  // entries that the last state counts
	Error   string `json:"error"` // the last
	// Unsupported says that the peer has no such operation.
	Unsupported bool `json:"unsupported"`
}
