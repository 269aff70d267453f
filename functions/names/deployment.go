package names

// Join returns the physical name of a part: "shop-dev" of an App and its stage, and
// "shop-dev-events" of that prefix and a table, queue or function.
func Join(prefix, part string) string { return prefix + "-" + part }

// The queues of a deployment, without its prefix.
const (
	CommandQueue = "commands.fifo"      // commands to be handled later
	DeadQueue    = "dead-commands.fifo" // those that could not be handled
)

// The tables of a deployment beside those of its views, without its prefix.
const (
	EventsTable    = "events"
	ClaimsTable    = "claims"
	RequestsTable  = "requests"  // statuses of queued commands
	ProcessesTable = "processes" // the ledger of process managers and outboxes
	ControlTable   = "control"   // which tables the views have
	KeysTable      = "keys"      // the data keys of personal values
)

// WrappingKey returns the alias of the KMS key that wraps the data keys of a deployment.
func WrappingKey(prefix string) string { return "alias/" + Join(prefix, "personal") }

// Output is an output of the CloudFormation stack: scripts and operators read them.
type Output int

// The outputs.
const (
	OutputURL Output = iota
	OutputDomainTarget
	OutputFailureBucket
	OutputEventsTable
	OutputCommandQueue
	OutputDeadQueue
	OutputEventBus
	outputs // how many there are
)

// Outputs returns all outputs.
func Outputs() []Output {
	all := make([]Output, outputs)
	for i := range all {
		all[i] = Output(i)
	}
	return all
}

// String returns the name of the output.
func (o Output) String() string {
	return [outputs]string{
		OutputURL:           "ApiUrl",
		OutputDomainTarget:  "DomainTarget",
		OutputFailureBucket: "FailureBucket",
		OutputEventsTable:   "EventsTable",
		OutputCommandQueue:  "CommandQueue",
		OutputDeadQueue:     "DeadQueue",
		OutputEventBus:      "EventBus",
	}[o]
}

// Meaning returns the description of the output.
func (o Output) Meaning() string {
	return [outputs]string{
		OutputURL:           "Where to send requests",
		OutputDomainTarget:  "What the DNS record of the domain name must point to",
		OutputFailureBucket: "Where records are that the projector or the process function gave up",
		OutputEventsTable:   "The table of events",
		OutputCommandQueue:  "Where commands wait that were accepted to be handled later",
		OutputDeadQueue:     "Where commands are that can't be handled",
		OutputEventBus:      "Where integration events are published",
	}[o]
}
