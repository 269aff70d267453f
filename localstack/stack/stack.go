package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"daybook"
	"daybook/aggregate"
	"daybook/console"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/localstack/embedded"
	"daybook/localstack/gateway"
	"daybook/localstack/mapping"
	"daybook/localstack/pages"
	"daybook/telemetry"
)

// Stage is the stage of every local stack; App.Prefix makes the tables' names of it.
const Stage = "local"

// Options say what to start. The zero value keeps nothing, listens on free ports
// of 127.0.0.1, and lets no AWS client in.
type Options struct {
	// Addr is the API's address; port 0 takes a free one. 127.0.0.1:0 by default.
	Addr string
	// DynamoDBAddr lets any AWS client reach the embedded DynamoDB; "" doesn't.
	DynamoDBAddr string
	// Data is the directory that keeps the data; "" keeps nothing.
	Data string
	// Endpoint is the URL of a DynamoDB to use in place of the embedded one. The
	// embedded queue and timers are kept there then, so that one stack at a time
	// should use it.
	Endpoint string
	// Outbox is where integration events go: a file's path, an http or https URL
	// that they are posted to, or NoOutbox. By default it is a file in Data, and
	// NoOutbox where nothing is kept.
	Outbox string
	// Region defaults to AWS_REGION, then us-east-1.
	Region string
	// Hostile makes the embedded DynamoDB as unkind as the real one may be.
	Hostile *embedded.Hostile
	// Format and Stage are those of the gateway.
	Format gateway.Format
	Stage  string
	// Rate is the gateway's limit of requests per second; none by default.
	Rate float64
	// CORSOrigins are the origins whose web pages may call the API, or *; none by
	// default.
	CORSOrigins []string
	// OTLP is the URL of an OpenTelemetry collector that gets the functions' spans; ""
	// for none.
	OTLP string
	// Mapping are the settings of the event source mappings of the events table's
	// stream; mapping.AppSettings by default.
	Mapping *mapping.Settings
	// Doing is told each step of the start when it begins, such as "opening the data in
	// .daybook (12 MB)".
	Doing func(step string)
	// LogTo takes the functions' and the stack's log, standard error by default.
	LogTo    io.Writer
	LogLevel slog.Level
}

// Stack is a running system.
type Stack struct {
	app     daybook.App
	options Options
	log     *slog.Logger

	api      *server
	tables   *server // the embedded services for AWS clients; nil for none
	db       *embedded.DB
	services services
	console  *console.Console // nil for none
	config   functions.Config
	exporter *telemetry.Exporter // nil for none
	prefix   string              // of the API's paths
	notes    []string

	stopMapping context.CancelFunc
	mapping     sync.WaitGroup

	closing sync.Once
	closed  error
}

// Start starts the stack of an application and returns when it answers. The context bounds the start
// alone. Errors are one line each: a port in use, data that cannot be used, an
// endpoint that does not answer.
func Start(ctx context.Context, app daybook.App, o Options) (*Stack, error) {
	if err := app.Check(); err != nil {
		return nil, fmt.Errorf("the application's declaration is invalid: %w", err)
	}
	s := &Stack{app: app, options: o.withDefaults()}
	s.log = slog.New(slog.NewJSONHandler(s.options.LogTo, &slog.HandlerOptions{Level: o.LogLevel})).With("part", "localstack")
	if err := s.start(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.Region = cmp.Or(o.Region, os.Getenv("AWS_REGION"), "us-east-1")
	if o.Mapping == nil {
		settings := mapping.AppSettings()
		o.Mapping = &settings
	}
	if o.Doing == nil {
		o.Doing = func(string) {}
	}
	if o.LogTo == nil {
		o.LogTo = os.Stderr
	}
	return o
}

// start brings up one part after the other; Close takes down what there is.
func (s *Stack) start(ctx context.Context) error {
	var err error
	if s.api, err = listen("the API", "-addr", s.options.Addr, s.log); err != nil {
		return err
	}
	if s.options.DynamoDBAddr != "" && s.options.Endpoint == "" {
		if s.tables, err = listen("DynamoDB", "-dynamodb-addr", s.options.DynamoDBAddr, s.log); err != nil {
			return err
		}
	}
	if err := s.openData(ctx); err != nil {
		return err
	}
	if err := s.export(); err != nil {
		return err
	}
	if err := s.createTables(ctx); err != nil {
		return err
	}
	s.options.Doing("opening the queues, timers and the outbox")
	if err := s.startServices(ctx); err != nil {
		return err
	}
	s.options.Doing("starting the functions and what feeds them")
	s.configureServices()
	command, err := functions.NewCommand(s.app, s.config)
	if err != nil {
		return err
	}
	handler, err := s.gateway(command)
	if err != nil {
		return err
	}
	if err := s.startMappings(ctx, command); err != nil {
		return err
	}
	if handler, err = s.withConsole(handler); err != nil {
		return err
	}
	if s.tables != nil {
		s.tables.serve(s.router())
	}
	s.api.serve(handler)
	return nil
}

// export lets the functions export their spans, if a collector is named.
func (s *Stack) export() error {
	if s.options.OTLP == "" {
		return nil
	}
	exporter, err := telemetry.New(context.Background(), s.options.OTLP, s.app.Name)
	if err != nil {
		return err
	}
	s.exporter, s.config.Spans = exporter, exporter.Function
	return nil
}

// endExport exports the spans that are left. A collector that does not answer is no
// reason for a stack to end with an error.
func (s *Stack) endExport() {
	if s.exporter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), exportEnd)
	defer cancel()
	if err := s.exporter.Close(ctx); err != nil {
		s.log.Warn("spans were not exported", "error", err)
	}
}

// openData opens the embedded DynamoDB, or sets out for another endpoint.
func (s *Stack) openData(ctx context.Context) error {
	s.config = functions.Config{
		EventsTable: dynamo.TableName(s.Prefix(), dynamo.EventsTable()), ClaimsTable: dynamo.TableName(s.Prefix(), dynamo.ClaimsTable()), ViewPrefix: s.Prefix(), Region: s.options.Region, Endpoint: s.options.Endpoint,
		RequestsTable: dynamo.TableName(s.Prefix(), dynamo.RequestsTable()), ProcessesTable: dynamo.TableName(s.Prefix(), dynamo.ProcessesTable()),
		LogLevel: s.options.LogLevel, LogTo: s.options.LogTo, ShowPanics: true, Credentials: credentials{},
	}
	if err := ownDirectory(s.options.Data); err != nil {
		return err
	}
	if s.options.Endpoint != "" {
		return nil
	}
	dir := ""
	if s.options.Data != "" {
		dir = filepath.Join(s.options.Data, databaseDir)
		s.options.Doing(fmt.Sprintf("opening the data in %s (%d MB)", s.options.Data, sizeOf(dir)>>20))
	}
	db, err := embedded.Open(ctx, embedded.Options{Dir: dir, Region: s.options.Region, Hostile: s.options.Hostile, Log: s.log})
	switch {
	case errors.Is(err, embedded.ErrLocked):
		return fmt.Errorf("another Daybook runs on the data in %s: choose other data with -data", s.options.Data)
	case err != nil:
		return fmt.Errorf("the data in %s can't be used: %w", s.options.Data, err)
	}
	s.db = db
	s.config.Transport = db.RoundTripper()
	s.config.Endpoint = "http://dynamodb.embedded"
	return nil
}

// credentials are what the environment says, and something where it says nothing:
// no engine on one machine checks them.
type credentials struct{}

// Retrieve returns the credentials.
func (credentials) Retrieve(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "daybook",
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken = "local", "local", ""
	}
	return c, nil
}

// gateway constructs the query function, the way to it and to the command function,
// and the pages in front.
func (s *Stack) gateway(command functions.Handler) (http.Handler, error) {
	var query functions.Handler
	g := gateway.New(gateway.Options{
		Command: command.Invoke, Format: s.options.Format, Stage: s.options.Stage,
		Query:       func(ctx context.Context, event []byte) ([]byte, error) { return query.Invoke(ctx, event) },
		CORSOrigins: s.options.CORSOrigins, Rate: s.options.Rate, Scopes: aggregate.Scopes(s.app.Commands()), TenantClaim: s.app.Tenancy.Claim, Log: s.log,
	})
	s.prefix = g.Prefix()
	config := s.config
	config.Pages = []string{pages.Docs}
	if console := s.consoleFrom(); console != "" {
		config.Pages = append(config.Pages, console)
	}
	var err error
	if query, err = functions.NewQuery(s.app, config); err != nil {
		return nil, err
	}
	return pages.New(g, s.prefix, s.app.Tenancy.On()), nil
}

// Prefix is what the names of tables, queues and the event bus begin with.
func (s *Stack) Prefix() string { return s.app.Prefix(Stage) }

// URL is where the API answers, without a slash at the end.
func (s *Stack) URL() string { return "http://" + s.api.addr() + s.prefix }

// DynamoDBURL is where the embedded DynamoDB listens for AWS clients, "" when it
// doesn't.
func (s *Stack) DynamoDBURL() string {
	if s.tables == nil {
		return ""
	}
	return "http://" + s.tables.addr()
}

// Client returns a DynamoDB client of the stack's tables.
func (s *Stack) Client() *dynamo.Client { return newClient(s.config) }

// Outbox is where integration events go: a file's path or a URL, "" for nowhere.
func (s *Stack) Outbox() string { return s.options.Outbox }

// Notes are sentences about the data that the user should read on start.
func (s *Stack) Notes() []string { return s.notes }

// Close stops the stack: requests under way are answered, a batch in a function
// ends or is delivered again at the next start, the data is brought to the disk. It takes seconds at most. Closing again does nothing.
func (s *Stack) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}

// close takes the parts down in the order in which they need each other.
func (s *Stack) close() error {
	var errs []error
	if s.api != nil {
		errs = append(errs, s.api.close())
	}
	if s.console != nil {
		s.console.Close()
	}
	if s.stopMapping != nil {
		s.stopMapping()
		s.mapping.Wait()
	}
	s.endExport()
	errs = append(errs, s.services.close())
	if s.tables != nil {
		errs = append(errs, s.tables.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// server is an HTTP server whose port is taken before anything else starts.
type server struct {
	listener net.Listener
	http     *http.Server

	mu     sync.Mutex
	silent map[net.Conn]bool // connections without a request so far
}

// Limits of the servers. Reading and writing have room for API Gateway's 30
// seconds and its 10 MB.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 10 << 10 // bytes: API Gateway's quota
	drain         = 10 * time.Second
	exportEnd     = 3 * time.Second
)

// listen takes the port. what and flag are for the error's reader.
func listen(what, flag, addr string, log *slog.Logger) (*server, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		if reason, ok := errors.AsType[*net.OpError](err); ok {
			err = reason.Err
		}
		return nil, fmt.Errorf("%s can't listen on %s: %w (choose another address with %s)", what, addr, err, flag)
	}
	s := &server{listener: listener, silent: map[net.Conn]bool{}}
	s.http = &http.Server{
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: s.connState,
	}
	return s, nil
}

// connState remembers the connections without a request so far.
func (s *server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.silent[c] = true
	} else {
		delete(s.silent, c)
	}
}

// hangUp closes the connections without a request so far. Browsers and other clients
// open some in advance, and Shutdown waits five seconds for each.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.silent {
		_ = c.Close() // the client has gone
	}
}

func (s *server) addr() string { return s.listener.Addr().String() }

func (s *server) serve(h http.Handler) {
	s.http.Handler = h
	go func() { _ = s.http.Serve(s.listener) }() // ends with close
}

// close lets requests under way end, and ends those that don't.
func (s *server) close() error {
	// A server that has not begun to serve knows of no port to give back.
	defer s.listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	s.hangUp()
	if err := s.http.Shutdown(ctx); err != nil {
		return s.http.Close()
	}
	return nil
}
