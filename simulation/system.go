package simulation

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/localstack/bus"
	"daybook/localstack/embedded"
	"daybook/localstack/gateway"
	"daybook/localstack/kms"
	"daybook/localstack/mapping"
	"daybook/localstack/queue"
	"daybook/localstack/schedule"
	"daybook/localstack/wire"
	"daybook/view"
	"daybook/view/admin"
)

const (
	stage       = "sim"
	region      = "us-east-1"
	servicesURL = "http://services.simulation"
	tablesURL   = "http://dynamodb.simulation"
	shards      = 2 // of the events table's stream
)

// system is the whole of Daybook in one process: tables, queue, timers and bus, the
// functions in several instances each, and what feeds them.
type system struct {
	app     daybook.App
	network *network
	quiet   *slog.Logger
	skew    time.Duration // the most that a clock is wrong
	// deployed says that app is the next program.
	deployed bool
	work     sync.WaitGroup
	erasures
	passing passing

	db        *embedded.DB // the application's tables
	side      *embedded.DB // those of queue and timers, which never fail
	queue     *queue.Server
	schedules *schedule.Server
	services  http.RoundTripper // queue, timers and bus
	published *outbox
	discarded *lostBatches
	rows      map[string]view.Description // views with a row for each stream, by name
	client    *dynamo.Client              // to the tables of queue and timers
	sent      *signal                     // a message came into the queue

	base     functions.Config   // without what differs between instances
	kind     *dynamo.Client     // to the tables, around the network
	raw      *dynamo.EventStore // as it is stored
	store    events.Store       // with personal values decrypted
	codec    *events.Codec
	command  *fleet
	query    *fleet
	fleets   []*fleet
	reads    []*shardReads // of the functions that the stream feeds
	gateway  *gateway.Gateway
	mappings sync.WaitGroup
	stop     context.CancelFunc
}

// fixedCredentials are what no service checks.
var fixedCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "simulation", SecretAccessKey: "simulation", Source: "simulation"}, nil
})

// newSystem brings up everything but what feeds the functions.
func newSystem(ctx context.Context, app daybook.App, n *network, hostile *embedded.Hostile, o Options) (*system, error) {
	s := &system{erasures: erasures{past: map[place]pastCommit{}}, passing: passing{texts: map[string]string{}}, app: app, network: n, quiet: slog.New(slog.DiscardHandler), skew: o.Skew, sent: newSignal(), published: &outbox{}, discarded: &lostBatches{}, rows: map[string]view.Description{}}
	for _, v := range app.Views {
		if d := v.Describe(); d.Kind == view.KindRows {
			s.rows[d.Name] = d
		}
	}
	prefix := app.Prefix(stage)
	var err error
	if s.db, err = embedded.Open(ctx, embedded.Options{Region: region, Shards: shards, Hostile: hostile, Log: s.quiet}); err != nil {
		return nil, err
	}
	if s.side, err = embedded.Open(ctx, embedded.Options{Region: region, Shards: 1, Log: s.quiet}); err != nil {
		return nil, err
	}
	s.kind = dynamo.New(dynamo.Options{Region: region, Endpoint: tablesURL, Credentials: fixedCredentials, Transport: s.db.RoundTripper()})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.RequestsTable(), dynamo.ProcessesTable()}
	for _, v := range view.Versions(app.Views) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if app.Personal() {
		specs = append(specs, dynamo.KeysTable())
	}
	if err := dynamo.Create(ctx, s.kind, prefix, specs...); err != nil {
		return nil, err
	}
	if s.codec, err = aggregate.Codec(app.Aggregates); err != nil {
		return nil, err
	}
	if _, err := admin.RecordShapes(ctx, s.codec, dynamo.NewTables(s.kind, prefix), app.Views); err != nil {
		return nil, err
	}
	if err := s.openServices(ctx, prefix); err != nil {
		return nil, err
	}
	s.configure(prefix)
	if err := s.openStore(); err != nil {
		return nil, err
	}
	s.command = s.fleet(names.Command, o.Instances, functions.NewCommand)
	s.query = s.fleet(names.Query, o.Instances, functions.NewQuery)
	s.fleets = []*fleet{s.command, s.query}
	s.gateway = gateway.New(gateway.Options{
		Command: s.command.invoke, Query: s.query.invoke, Scopes: aggregate.Scopes(app.Commands()), TenantClaim: app.Tenancy.Claim, Log: s.quiet,
	})
	return s, nil
}

// openServices opens queue, timers and bus. Their own tables are apart, so that the
// faults of a request are those of the network, and not of what is behind it.
func (s *system) openServices(ctx context.Context, prefix string) error {
	client := dynamo.New(dynamo.Options{Region: region, Endpoint: tablesURL, Credentials: fixedCredentials, Transport: s.side.RoundTripper()})
	s.client = client
	if err := dynamo.Create(ctx, client, prefix, queue.Table(), schedule.Table()); err != nil {
		return err
	}
	var err error
	if s.queue, err = queue.Open(ctx, queue.Options{Client: client, Table: dynamo.TableName(prefix, queue.Table()), Region: region, Log: s.quiet}); err != nil {
		return err
	}
	buses := bus.New(bus.Options{Buses: []string{prefix}, Sink: s.published, Log: s.quiet})
	s.schedules, err = schedule.Open(ctx, schedule.Options{
		Client: client, Table: dynamo.TableName(prefix, schedule.Table()), Groups: []string{prefix}, Region: region, Log: s.quiet,
		Send: func(ctx context.Context, arn, group, body string) error {
			defer s.sent.wake()
			return s.queue.Send(ctx, arn, group, []string{body}, nil)
		},
	})
	if err != nil {
		return err
	}
	router := wire.Router{Tables: http.NotFoundHandler(), Queue: s.queue, Bus: buses, Schedules: s.schedules}
	if s.app.Personal() {
		if router.Keys, err = kms.Open("", s.quiet); err != nil {
			return err
		}
	}
	s.services = wire.Transport(router)
	for _, q := range []string{names.DeadQueue, names.CommandQueue} {
		if err := s.createQueue(ctx, names.Join(prefix, q), names.Join(prefix, names.DeadQueue)); err != nil {
			return err
		}
	}
	return nil
}

// createQueue makes a queue with the CDK app's settings, but for the time that a
// message stays hidden.
func (s *system) createQueue(ctx context.Context, name, dead string) error {
	attributes := map[string]string{
		"FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
		"MessageRetentionPeriod": "1209600", "VisibilityTimeout": "60",
	}
	if name != dead {
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":20}`, s.queue.ARN(dead))
	}
	return askQueue(ctx, s.services, "CreateQueue", map[string]any{"QueueName": name, "Attributes": attributes}, nil)
}

// openStore opens the events around the network.
func (s *system) openStore() error {
	s.raw = dynamo.NewEventStore(s.kind, s.base.EventsTable, dynamo.WithClaims(s.base.ClaimsTable))
	sealing, err := s.sealer()
	s.store = sealing.Store(s.raw)
	return err
}

// configure fills in what all functions are told.
func (s *system) configure(prefix string) {
	s.base = functions.Config{
		EventsTable: dynamo.TableName(prefix, dynamo.EventsTable()), ClaimsTable: dynamo.TableName(prefix, dynamo.ClaimsTable()),
		RequestsTable: dynamo.TableName(prefix, dynamo.RequestsTable()), ProcessesTable: dynamo.TableName(prefix, dynamo.ProcessesTable()),
		ViewPrefix: prefix, Region: region, Endpoint: tablesURL,
		QueueEndpoint: servicesURL, SchedulerEndpoint: servicesURL, BusEndpoint: servicesURL,
		CommandQueue:  servicesURL + "/000000000000/" + names.Join(prefix, names.CommandQueue),
		DeadQueue:     servicesURL + "/000000000000/" + names.Join(prefix, names.DeadQueue),
		ScheduleGroup: prefix, ScheduleRole: "arn:aws:iam::000000000000:role/" + names.Join(prefix, "timers"),
		ScheduleTarget: s.queue.ARN(names.Join(prefix, names.CommandQueue)), EventBus: prefix,
		Credentials: fixedCredentials, LogTo: io.Discard, LogLevel: slog.LevelError + 1,
	}
	if s.app.Personal() {
		s.base.KMSEndpoint, s.base.KeysTable, s.base.WrappingKey = servicesURL, dynamo.TableName(prefix, dynamo.KeysTable()), names.WrappingKey(prefix)
	}
}

// config is what an instance is told: its own way to the services, and its own clock.
func (s *system) config(i *instance) functions.Config {
	c := s.base
	c.Transport = s.network.link(i.name, s.db.RoundTripper(), i)
	c.Messaging = s.network.link(i.name, waker{s.services, s.sent}, i)
	c.Spans = func(string) functions.Spans { return commandSpans{s.network, i.name} }
	if random, _ := draw(s.network.seed, "clock of "+i.name); s.skew > 0 && random.IntN(2) == 0 {
		skew := time.Duration(random.Int64N(2*int64(s.skew))) - s.skew
		c.Now = func() time.Time { return time.Now().Add(skew) }
	}
	return c
}

// waker wakes those who wait for messages that came into the queue.
type waker struct {
	http.RoundTripper
	sent *signal
}

// RoundTrip implements http.RoundTripper.
func (n waker) RoundTrip(r *http.Request) (*http.Response, error) {
	defer n.sent.wake()
	return n.RoundTripper.RoundTrip(r)
}

// close ends what feeds the functions, and then everything else.
func (s *system) close() error {
	close(s.network.over)
	if s.stop != nil {
		s.stop()
	}
	s.mappings.Wait()
	s.work.Wait()
	s.network.timeline.stop()
	s.schedules.Close()
	s.queue.Close()
	if err := s.db.Close(); err != nil {
		return err
	}
	return s.side.Close()
}

// signal wakes whoever waits.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

func (s *signal) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}

// outbox keeps integration events.
type outbox struct {
	mu     sync.Mutex
	events []bus.Event
}

// Put implements bus.Sink.
func (p *outbox) Put(_ context.Context, es []bus.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, es...)
	return nil
}

// lostBatches keeps what event source mappings have given up.
type lostBatches struct {
	mu  sync.Mutex
	all []string
}

// Discard implements mapping.Destination.
func (d *lostBatches) Discard(b mapping.DiscardedBatch) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, fmt.Sprintf("%s gave up %d records of shard %s: %s", b.Mapping, len(b.Records), b.Shard, b.Condition))
	return "", nil
}
