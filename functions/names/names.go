package names

// EnvPrefix begins the names of Daybook's own environment variables.
const EnvPrefix = "DAYBOOK_"

// Names of the environment variables a function reads. The AWS names are set by
// Lambda itself; an endpoint is for LocalStack and its like.
const (
	EnvEventsTable    = EnvPrefix + "EVENTS_TABLE"    // full name of the events table
	EnvClaimsTable    = EnvPrefix + "CLAIMS_TABLE"    // full name of the table of claimed values
	EnvRequestsTable  = EnvPrefix + "REQUESTS_TABLE"  // full name of the table of queued commands' statuses
	EnvProcessesTable = EnvPrefix + "PROCESSES_TABLE" // full name of the ledger of process managers and outboxes
	EnvKeysTable      = EnvPrefix + "KEYS_TABLE"      // full name of the table of data keys, for an application with personal values
	EnvWrappingKey    = EnvPrefix + "WRAPPING_KEY"    // ARN or alias of the KMS key that wraps data keys
	EnvCommandQueue   = EnvPrefix + "COMMAND_QUEUE"   // URL of the queue of commands
	EnvDeadQueue      = EnvPrefix + "DEAD_QUEUE"      // URL of the queue of dead letters
	EnvScheduleGroup  = EnvPrefix + "SCHEDULE_GROUP"  // schedule group of timers
	EnvScheduleRole   = EnvPrefix + "SCHEDULE_ROLE"   // ARN of the role that a schedule assumes
	EnvScheduleTarget = EnvPrefix + "SCHEDULE_TARGET" // ARN of the queue of commands
	EnvEventBus       = EnvPrefix + "EVENT_BUS"       // name of the event bus of integration events
	EnvViewPrefix     = EnvPrefix + "VIEW_PREFIX"     // prefix of the query tables' names, without the hyphen
	EnvPathPrefix     = EnvPrefix + "PATH_PREFIX"     // base path under which a custom domain maps the API
	// The authorization that the gateway asks of callers, for the description of the API: iam, jwt or
	// none (default); for jwt the issuer's URL, and the scopes to write, to read and
	// to read events, with spaces in between.
	EnvAuthorization = EnvPrefix + "AUTHORIZATION"
	EnvJWTIssuer     = EnvPrefix + "JWT_ISSUER"
	EnvScopes        = EnvPrefix + "SCOPES"
	EnvLogLevel      = EnvPrefix + "LOG_LEVEL" // debug, info, warn or error; info by default
	// EnvOTLPEndpoint is the URL of the collector of a function built with the tag otlp.
	EnvOTLPEndpoint = EnvPrefix + "OTLP_ENDPOINT"
	EnvRegion       = "AWS_REGION"

	// AWS_ENDPOINT_URL stands in for each of these.
	EnvEndpoint          = "AWS_ENDPOINT_URL_DYNAMODB"
	EnvQueueEndpoint     = "AWS_ENDPOINT_URL_SQS"
	EnvSchedulerEndpoint = "AWS_ENDPOINT_URL_SCHEDULER"
	EnvBusEndpoint       = "AWS_ENDPOINT_URL_EVENTBRIDGE"
	EnvKMSEndpoint       = "AWS_ENDPOINT_URL_KMS"
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
