package names

// Names of the environment variables a function reads. The AWS names are set by
// Lambda itself; an endpoint is for LocalStack and its like.
const (
	EnvEventsTable    = "DAYBOOK_EVENTS_TABLE"    // full name of the events table
	EnvClaimsTable    = "DAYBOOK_CLAIMS_TABLE"    // full name of the table of claimed values
	EnvRequestsTable  = "DAYBOOK_REQUESTS_TABLE"  // full name of the table of queued commands' statuses
	EnvProcessesTable = "DAYBOOK_PROCESSES_TABLE" // full name of the ledger of process managers and outboxes
	EnvCommandQueue   = "DAYBOOK_COMMAND_QUEUE"   // URL of the queue of commands
	EnvDeadQueue      = "DAYBOOK_DEAD_QUEUE"      // URL of the queue of dead letters
	EnvScheduleGroup  = "DAYBOOK_SCHEDULE_GROUP"  // schedule group of timers
	EnvScheduleRole   = "DAYBOOK_SCHEDULE_ROLE"   // ARN of the role that a schedule assumes
	EnvScheduleTarget = "DAYBOOK_SCHEDULE_TARGET" // ARN of the queue of commands
	EnvEventBus       = "DAYBOOK_EVENT_BUS"       // name of the event bus of integration events
	EnvViewPrefix     = "DAYBOOK_VIEW_PREFIX"     // prefix of the query tables' names, without the hyphen
	EnvPathPrefix     = "DAYBOOK_PATH_PREFIX"     // base path under which a custom domain maps the API
	// What the gateway asks of callers, for the description of the API: iam, jwt or
	// none (default); for jwt the issuer's URL, and the scopes to write, to read and
	// to read events, with spaces in between.
	EnvAuthorization = "DAYBOOK_AUTHORIZATION"
	EnvJWTIssuer     = "DAYBOOK_JWT_ISSUER"
	EnvScopes        = "DAYBOOK_SCOPES"
	EnvLogLevel      = "DAYBOOK_LOG_LEVEL" // debug, info, warn or error; info by default
	EnvRegion        = "AWS_REGION"

	// AWS_ENDPOINT_URL stands in for each of these.
	EnvEndpoint          = "AWS_ENDPOINT_URL_DYNAMODB"
	EnvQueueEndpoint     = "AWS_ENDPOINT_URL_SQS"
	EnvSchedulerEndpoint = "AWS_ENDPOINT_URL_SCHEDULER"
	EnvBusEndpoint       = "AWS_ENDPOINT_URL_EVENTBRIDGE"
)

// The functions, by the names of their directories below functions/.
const (
	Command   = "command"
	Query     = "query"
	Projector = "projector"
	Process   = "process"
)

// Functions are the names of all functions.
func Functions() []string { return []string{Command, Query, Projector, Process} }
