package functions

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"daybook/api"
	"daybook/dynamo"
	"daybook/messaging"
	"daybook/process"
)

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

// Config is what a function is told. FromEnv reads it; the local stack fills it.
type Config struct {
	EventsTable string
	ClaimsTable string
	// RequestsTable, CommandQueue and DeadQueue are set for asynchronous commands.
	RequestsTable string
	CommandQueue  string // URL
	DeadQueue     string // URL
	// ProcessesTable is for process managers and outboxes; the schedules are the
	// timers of the former, the event bus is for the latter.
	ProcessesTable string
	ScheduleGroup  string
	ScheduleRole   string // ARN
	ScheduleTarget string // ARN of the command queue
	EventBus       string // name
	ViewPrefix     string
	PathPrefix     string
	Security       api.Security // only described: the gateway sees to it
	LogLevel       slog.Level
	Region         string

	// URLs of services other than the region's own.
	Endpoint          string // DynamoDB
	QueueEndpoint     string // SQS
	SchedulerEndpoint string // EventBridge Scheduler
	BusEndpoint       string // EventBridge

	// Timers and Publisher stand in for schedules and the event bus, in tests.
	Timers    process.Timers
	Publisher process.Publisher

	// Credentials and the transports are for the local stack; nil takes Lambda's
	// credentials from the environment, and the network.
	Credentials aws.CredentialsProvider
	Transport   http.RoundTripper // to DynamoDB
	Messaging   http.RoundTripper // to what package messaging speaks
	// LogTo is where the log goes, standard error by default.
	LogTo io.Writer
	// ShowPanics lets the log show the value of a panic of the domain's code, which
	// may hold data of a payload or an event: for one's own machine.
	ShowPanics bool
	// Metrics is where the metrics go, in CloudWatch's embedded metric format;
	// FromEnv says standard output, nil writes none.
	Metrics io.Writer
}

// FromEnv reads the configuration by getenv, as os.Getenv does. needs names the
// variables that must be set, beside AWS_REGION. The error is one line that names
// everything missing or wrong.
func FromEnv(getenv func(string) string, needs ...string) (Config, error) {
	c := Config{
		EventsTable:       getenv(EnvEventsTable),
		ClaimsTable:       getenv(EnvClaimsTable),
		RequestsTable:     getenv(EnvRequestsTable),
		CommandQueue:      getenv(EnvCommandQueue),
		DeadQueue:         getenv(EnvDeadQueue),
		ProcessesTable:    getenv(EnvProcessesTable),
		ScheduleGroup:     getenv(EnvScheduleGroup),
		ScheduleRole:      getenv(EnvScheduleRole),
		ScheduleTarget:    getenv(EnvScheduleTarget),
		EventBus:          getenv(EnvEventBus),
		ViewPrefix:        getenv(EnvViewPrefix),
		PathPrefix:        getenv(EnvPathPrefix),
		Region:            getenv(EnvRegion),
		Endpoint:          endpoint(getenv, EnvEndpoint),
		QueueEndpoint:     endpoint(getenv, EnvQueueEndpoint),
		SchedulerEndpoint: endpoint(getenv, EnvSchedulerEndpoint),
		BusEndpoint:       endpoint(getenv, EnvBusEndpoint),
		Metrics:           os.Stdout,
	}
	var missing, faults []string
	for _, name := range append(needs, EnvRegion) {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		faults = append(faults, "not set: "+strings.Join(missing, ", "))
	}
	if level := getenv(EnvLogLevel); level != "" {
		if err := c.LogLevel.UnmarshalText([]byte(level)); err != nil {
			faults = append(faults, fmt.Sprintf("%s is %q, not debug, info, warn or error", EnvLogLevel, level))
		}
	}
	var err error
	if c.Security, err = security(getenv); err != nil {
		faults = append(faults, err.Error())
	}
	if len(faults) > 0 {
		return Config{}, errors.New("the environment can't be used: " + strings.Join(faults, "; "))
	}
	return c, nil
}

// endpoint is that of one service, or else of all.
func endpoint(getenv func(string) string, name string) string {
	if one := getenv(name); one != "" {
		return one
	}
	return getenv("AWS_ENDPOINT_URL")
}

// messaging is what a client of package messaging needs.
func (c Config) messaging(endpoint string) messaging.Options {
	o := messaging.Options{Region: c.Region, Endpoint: endpoint, Credentials: c.Credentials, Transport: c.Messaging}
	if o.Credentials == nil {
		o.Credentials = dynamo.EnvironmentCredentials()
	}
	return o
}

// security reads what the gateway asks of callers.
func security(getenv func(string) string) (api.Security, error) {
	switch kind := getenv(EnvAuthorization); kind {
	case "", "none":
		return api.Security{}, nil
	case "iam":
		return api.Security{SigV4: true}, nil
	case "jwt":
		scopes := strings.Fields(getenv(EnvScopes))
		if getenv(EnvJWTIssuer) == "" || len(scopes) != 3 {
			return api.Security{}, fmt.Errorf("%s is jwt, which needs %s and three scopes in %s", EnvAuthorization, EnvJWTIssuer, EnvScopes)
		}
		return api.Security{Issuer: getenv(EnvJWTIssuer), WriteScope: scopes[0], ReadScope: scopes[1], HistoryScope: scopes[2]}, nil
	default:
		return api.Security{}, fmt.Errorf("%s is %q, not iam, jwt or none", EnvAuthorization, kind)
	}
}

func (c Config) client() *dynamo.Client {
	return dynamo.New(dynamo.Options{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: c.Transport})
}

// logger writes JSON lines. A line written with a request's context names the
// request.
func (c Config) logger(function string) *slog.Logger {
	w := c.LogTo
	if w == nil {
		w = os.Stderr
	}
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: c.LogLevel})
	return slog.New(requestHandler{handler}).With("function", function)
}
