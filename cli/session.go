package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/urfave/cli/v3"

	"daybook"
	"daybook/aggregate"
	"daybook/connect"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/inspect"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/driver"
)

// localStage is the stage of the local stack, and localEndpoint where its
// DynamoDB listens.
const (
	localStage    = "local"
	localEndpoint = "http://127.0.0.1:8000"
)

func globalFlags(app daybook.App) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "stage", Value: localStage, Sources: cli.EnvVars("DAYBOOK_STAGE"), Usage: "`name` of the installation: its tables begin with " + app.Prefix("<name>")},
		&cli.StringFlag{Name: "endpoint", Sources: cli.EnvVars("DAYBOOK_ENDPOINT"), Usage: "`URL` of a DynamoDB other than AWS's; " + localEndpoint + " when the stage is " + localStage},
		tenantFlag(),
		&cli.StringFlag{Name: "profile", Usage: "AWS profile `name`"},
		&cli.StringFlag{Name: "region", Usage: "AWS region `name`"},
		&cli.BoolFlag{Name: "json", Usage: "write JSON, one value per line"},
	}
}

// session is an installation, opened.
type session struct {
	*app
	out        *output
	prefix     string // of the tables' names
	tenant     string // that -tenant names; "" for none
	policy     string // command line that prints the policy of the command; "" for none
	aws        aws.Config
	endpoint   string // "" for AWS's own
	client     *dynamo.Client
	store      *dynamo.EventStore // as stored: personal values are encrypted
	sealing    sealed.With
	folded     events.Store // the store with personal values decrypted
	admin      driver.AdminTables
	tables     driver.Tables // one of each view, once pinned
	codec      *events.Codec
	aggregates []aggregate.Aggregate
	declared   []view.View
	views      []view.View // as declared, until pinned
	pinned     []driver.Target
}

// open reads the global flags. It sends nothing.
func (a *app) open(ctx context.Context, c *cli.Command) (*session, error) {
	s := &session{app: a, out: newOutput(a.stdout, c.Bool("json")), prefix: a.of.Prefix(c.String("stage")), aggregates: a.of.Aggregates, declared: a.of.Views, views: a.of.Views}
	s.endpoint = c.String("endpoint")
	if s.endpoint == "" && c.String("stage") == localStage {
		s.endpoint = localEndpoint
	}
	var err error
	if s.tenant, err = a.checkTenant(c); err != nil {
		return nil, err
	}
	if s.codec, err = aggregate.Codec(s.aggregates); err != nil {
		return nil, err
	}
	if s.aws, err = s.config(ctx, c.String("profile"), c.String("region")); err != nil {
		return nil, err
	}
	s.client = dynamo.New(dynamo.Options{
		Region: s.aws.Region, Endpoint: s.endpoint, Credentials: s.aws.Credentials,
		AttemptTimeout: 20 * time.Second, Attempts: 8, // a person waits, not an API Gateway
		Connections: 512, // rebuild -parallel 64
		Transport:   s.transport,
	})
	s.store = dynamo.NewEventStore(s.client, s.eventsTable(), dynamo.WithClaims(s.claimsTable()))
	if s.sealing, err = s.keys(); err != nil {
		return nil, err
	}
	s.folded, s.admin = s.sealing.Store(s.store), s.sealing.Tables(dynamo.NewTables(s.client, s.prefix))
	s.tables = s.admin
	return s, nil
}

// keys are those of an application's personal values.
func (s *session) keys() (sealed.With, error) {
	if !s.of.Personal() {
		return sealed.With{}, nil
	}
	return functions.Config{
		Region: s.aws.Region, Credentials: s.aws.Credentials, Messaging: s.transport, KMSEndpoint: s.endpoint,
		KeysTable: dynamo.TableName(s.prefix, dynamo.KeysTable()), WrappingKey: names.WrappingKey(s.prefix),
	}.Sealing(s.of, s.client)
}

// config is what the AWS tools use: environment, shared files, single sign-on. An
// endpoint of one's own needs no credentials; any will do.
func (s *session) config(ctx context.Context, profile, region string) (aws.Config, error) {
	if s.endpoint != "" && profile == "" && os.Getenv("AWS_ACCESS_KEY_ID") == "" {
		for _, r := range []string{region, os.Getenv("AWS_REGION"), "us-east-1"} {
			if r != "" {
				return aws.Config{Region: r, Credentials: dynamo.StaticCredentials("local", "local")}, nil
			}
		}
	}
	options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(profile)}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return loaded, fmt.Errorf("the AWS configuration can't be read: %w", err)
	}
	if loaded.Region == "" {
		return loaded, usage("no AWS region is set: use -region, AWS_REGION or a profile that has one")
	}
	return loaded, nil
}

// installation reads the installation: what is printed here.
func (s *session) installation() (*inspect.Installation, error) {
	sources := connect.Sources(s.client, s.prefix, s.deadLetters(), s.sealing)
	return inspect.Open(s.of, sources)
}

// deadLetters are those of the command queue.
func (s *session) deadLetters() *connect.DeadLetters {
	d := connect.NewDeadLetters(s.sqsOptions(), s.prefix)
	d.Tenant = s.tenant
	return d
}

func (s *session) sqsOptions() sqs.Options {
	o := sqs.Options{Region: s.aws.Region, Credentials: s.aws.Credentials, HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: s.transport}}
	if s.endpoint != "" {
		o.BaseEndpoint = &s.endpoint
	}
	return o
}

// streamsClient reads the change stream of the events table.
func (s *session) streamsClient() *dynamodbstreams.Client {
	o := dynamodbstreams.Options{Region: s.aws.Region, Credentials: s.aws.Credentials, HTTPClient: &http.Client{Timeout: 20 * time.Second, Transport: s.transport}}
	if s.endpoint != "" {
		o.BaseEndpoint = &s.endpoint
	}
	return dynamodbstreams.New(o)
}

// claimsTable is the full name of the table of claimed values.
func (s *session) claimsTable() string { return dynamo.TableName(s.prefix, dynamo.ClaimsTable()) }

// eventsTable is the full name of the events table.
func (s *session) eventsTable() string { return dynamo.TableName(s.prefix, dynamo.EventsTable()) }

// describe describes a table. One that does not exist is an error that says what
// to look at.
func (s *session) describe(ctx context.Context, table string) (tableInfo, error) {
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return tableInfo{}, s.reach(table, err)
	}
	return tableInfo{Items: aws.ToInt64(out.Table.ItemCount), Bytes: aws.ToInt64(out.Table.TableSizeBytes), Status: string(out.Table.TableStatus), Stream: aws.ToString(out.Table.LatestStreamArn)}, nil
}

// tableInfo is what DynamoDB says of a table. AWS counts items and bytes every
// six hours or so; engines on one machine count them as they are.
type tableInfo struct {
	Items, Bytes int64
	Status       string
	Stream       string // ARN of its change stream
}

var errNoTable = errors.New("there is no table")

// reach explains an error of speaking to DynamoDB.
func (s *session) reach(table string, err error) error {
	where := cmp.Or(s.endpoint, "AWS, region "+s.aws.Region)
	var missing interface{ ErrorCode() string }
	if errors.As(err, &missing) && missing.ErrorCode() == "ResourceNotFoundException" {
		return fmt.Errorf("%w %s at %s: check -stage, -endpoint and -region", errNoTable, table, where)
	}
	return fmt.Errorf("table %s at %s: %w", table, where, s.denied(err, s.policy))
}

// blame names the table in an error of DynamoDB; another error, such as one of the
// data, stays as it is.
func (s *session) blame(table string, err error) error {
	if _, ok := errors.AsType[*smithy.OperationError](err); !ok {
		return err
	}
	return s.reach(table, err)
}

// reachable fails early, in one sentence, when the installation is unreachable.
func (s *session) reachable(ctx context.Context) (tableInfo, error) {
	return s.describe(ctx, s.eventsTable())
}

// note tells the operator something beside the result, on standard error.
func (s *session) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.summary(struct {
		Note string `json:"note"`
	}{text}, s.of.Name+": "+text)
}

// summary writes the last line of a command whose result is elsewhere to standard
// error: text, or with -json v.
func (s *session) summary(v any, text string) {
	if s.out.json {
		newOutput(s.stderr, true).value(v)
		return
	}
	fmt.Fprintln(s.stderr, text)
}

// aggregate returns a declared aggregate by its name.
func (s *session) aggregate(name string) (aggregate.Aggregate, error) {
	return byName("aggregate", name, s.aggregates, aggregate.Aggregate.Name)
}

// byName finds what has a name.
func byName[T any](kind, name string, all []T, nameOf func(T) string) (found T, err error) {
	if i := slices.IndexFunc(all, func(one T) bool { return nameOf(one) == name }); i >= 0 {
		return all[i], nil
	}
	return found, unknown(kind, name, namesOf(all, nameOf))
}

func namesOf[T any](all []T, nameOf func(T) string) []string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = nameOf(one)
	}
	return names
}

func nameOfView(v view.View) string { return v.Describe().Name }

// chosenViews returns the views of the given names, all for none.
func (s *session) chosenViews(names []string) ([]view.View, error) {
	if len(names) == 0 {
		return s.views, nil
	}
	var chosen []view.View
	for _, name := range names {
		v, err := s.view(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, v)
	}
	return chosen, nil
}

func (s *session) view(name string) (view.View, error) {
	return byName("view", name, s.views, nameOfView)
}

// viewNames are the names of the declared views, for completion.
func (a *app) viewNames() []string { return namesOf(a.of.Views, nameOfView) }

// aggregateNames are the names of the declared aggregates, for completion.
func (a *app) aggregateNames() []string { return namesOf(a.of.Aggregates, aggregate.Aggregate.Name) }

// completes completes arguments by words, and flags as before.
func completes(words func() []string) cli.ShellCompleteFunc {
	return func(ctx context.Context, c *cli.Command) {
		last := ""
		if args := c.Args().Slice(); len(args) > 0 {
			last = args[len(args)-1]
		}
		if !strings.HasPrefix(last, "-") {
			for _, word := range words() {
				fmt.Fprintln(c.Root().Writer, word)
			}
		}
		cli.DefaultCompleteWithFlags(ctx, c)
	}
}
