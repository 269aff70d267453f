package functions

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"daybook/api"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/messaging"
	"daybook/process"
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
	// KeysTable and WrappingKey are for an application with personal values: the table
	// of data keys, and the KMS key that wraps them.
	KeysTable   string
	WrappingKey string // ARN or alias
	ViewPrefix  string
	PathPrefix  string
	Security    api.Security // only described: the gateway sees to it
	Pages       []string     // beside the API, for GET / to name
	LogLevel    slog.Level
	Region      string

	// URLs of services other than the region's own.
	Endpoint          string // DynamoDB
	QueueEndpoint     string // SQS
	SchedulerEndpoint string // EventBridge Scheduler
	BusEndpoint       string // EventBridge
	KMSEndpoint       string // KMS

	// Now is the clock of commands, projections and queries; nil is time.Now.
	Now func() time.Time

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
	// Spans returns where the spans of a function go, by its name; nil records none.
	Spans func(function string) Spans
}

// FromEnv reads the configuration by getenv, as os.Getenv does. needs names the
// variables that must be set, beside AWS_REGION. The error is one line that names
// everything missing or wrong.
func FromEnv(getenv func(string) string, needs ...string) (Config, error) {
	c := Config{
		EventsTable:       getenv(names.EnvEventsTable),
		ClaimsTable:       getenv(names.EnvClaimsTable),
		RequestsTable:     getenv(names.EnvRequestsTable),
		CommandQueue:      getenv(names.EnvCommandQueue),
		DeadQueue:         getenv(names.EnvDeadQueue),
		ProcessesTable:    getenv(names.EnvProcessesTable),
		ScheduleGroup:     getenv(names.EnvScheduleGroup),
		ScheduleRole:      getenv(names.EnvScheduleRole),
		ScheduleTarget:    getenv(names.EnvScheduleTarget),
		EventBus:          getenv(names.EnvEventBus),
		KeysTable:         getenv(names.EnvKeysTable),
		WrappingKey:       getenv(names.EnvWrappingKey),
		ViewPrefix:        getenv(names.EnvViewPrefix),
		PathPrefix:        getenv(names.EnvPathPrefix),
		Region:            getenv(names.EnvRegion),
		Endpoint:          endpoint(getenv, names.EnvEndpoint),
		QueueEndpoint:     endpoint(getenv, names.EnvQueueEndpoint),
		SchedulerEndpoint: endpoint(getenv, names.EnvSchedulerEndpoint),
		BusEndpoint:       endpoint(getenv, names.EnvBusEndpoint),
		KMSEndpoint:       endpoint(getenv, names.EnvKMSEndpoint),
		Metrics:           os.Stdout,
	}
	var missing, faults []string
	for _, name := range append(needs, names.EnvRegion) {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		faults = append(faults, "not set: "+strings.Join(missing, ", "))
	}
	if level := getenv(names.EnvLogLevel); level != "" {
		if err := c.LogLevel.UnmarshalText([]byte(level)); err != nil {
			faults = append(faults, fmt.Sprintf("%s is %q, not debug, info, warn or error", names.EnvLogLevel, level))
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
	return cmp.Or(getenv(name), getenv("AWS_ENDPOINT_URL"))
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
	switch kind := getenv(names.EnvAuthorization); kind {
	case "", "none":
		return api.Security{}, nil
	case "iam":
		return api.Security{SigV4: true}, nil
	case "jwt":
		scopes := strings.Fields(getenv(names.EnvScopes))
		if getenv(names.EnvJWTIssuer) == "" || len(scopes) != 3 {
			return api.Security{}, fmt.Errorf("%s is jwt, which needs %s and three scopes in %s", names.EnvAuthorization, names.EnvJWTIssuer, names.EnvScopes)
		}
		return api.Security{Issuer: getenv(names.EnvJWTIssuer), WriteScope: scopes[0], ReadScope: scopes[1], HistoryScope: scopes[2]}, nil
	default:
		return api.Security{}, fmt.Errorf("%s is %q, not iam, jwt or none", names.EnvAuthorization, kind)
	}
}

func (c Config) client(spans Spans) *dynamo.Client {
	return dynamo.New(dynamo.Options{
		Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: c.Transport, Trace: dynamoSpans(spans),
	})
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
