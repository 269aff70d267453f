package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/functions/names"
	"daybook/localstack/bus"
	"daybook/localstack/mapping"
	"daybook/localstack/queue"
	"daybook/localstack/schedule"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

func newClient(c functions.Config) *dynamo.Client {
	return dynamo.New(dynamo.Options{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: c.Transport})
}

// createTables creates the tables that are missing: the events table, the claims
// table, those of control records, of queued commands' statuses and of processes,
// a table for each declared version of each view, and what the embedded queue and
// timers are kept in. Views whose tables do not fit their declarations are refused.
func (s *Stack) createTables(ctx context.Context) error {
	at := ""
	if s.options.Endpoint != "" {
		at = " at " + s.options.Endpoint
	}
	s.options.Doing("looking for tables, and creating those that are missing" + at)
	needed := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable(), dynamo.RequestsTable(),
		dynamo.ProcessesTable(), queue.Table(), schedule.Table()}
	if s.app.Personal() {
		needed = append(needed, dynamo.KeysTable())
	}
	if err := s.create(ctx, needed...); err != nil {
		return err
	}
	s.options.Doing("comparing the views with their tables" + at)
	if err := s.fitting(ctx, admin.Mismatches); err != nil {
		return err
	}
	var specs []dynamo.TableSpec
	for _, v := range view.Versions(s.app.Views) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := s.create(ctx, specs...); err != nil {
		return err
	}
	if err := s.fitting(ctx, admin.RecordShapes); err != nil {
		return err
	}
	return s.findUnfilled(ctx)
}

// findUnfilled notes the declared versions of views that wait to be filled.
func (s *Stack) findUnfilled(ctx context.Context) error {
	codec, err := aggregate.Codec(s.app.Aggregates)
	if err != nil {
		return err
	}
	all, err := admin.Unfilled(ctx, codec, dynamo.NewTables(newClient(s.config), s.Prefix()), s.app.Views)
	if err != nil {
		return fmt.Errorf("the views' tables can't be read: %w", err)
	}
	for _, t := range all {
		s.notes = append(s.notes, admin.UnfilledText(t))
	}
	return nil
}

// fitting refuses views whose tables were filled by other declarations, in one
// line that says what to do.
func (s *Stack) fitting(ctx context.Context, compare func(context.Context, *events.Codec, driver.RoutedTables, []view.View) ([]driver.Mismatch, error)) error {
	codec, err := aggregate.Codec(s.app.Aggregates)
	if err != nil {
		return err
	}
	all, err := compare(ctx, codec, dynamo.NewTables(newClient(s.config), s.Prefix()), s.app.Views)
	if err != nil {
		return fmt.Errorf("the views can't be compared with their tables: %w", err)
	}
	var texts []string
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; ") + "; or start with other data (-data)")
}

func (s *Stack) create(ctx context.Context, specs ...dynamo.TableSpec) error {
	if err := dynamo.Create(ctx, newClient(s.config), s.Prefix(), specs...); err != nil {
		if s.options.Endpoint != "" {
			return fmt.Errorf("%s can't be used: %w", s.options.Endpoint, err)
		}
		return fmt.Errorf("the tables can't be used: %w", err)
	}
	return nil
}

// startMappings starts to feed the projector and the process function from the
// events table's stream, and the command function from its queue.
func (s *Stack) startMappings(ctx context.Context, command functions.Handler) error {
	projector, err := functions.NewProjector(s.app, s.config)
	if err != nil {
		return err
	}
	reactors, err := functions.NewProcess(s.app, s.config)
	if err != nil {
		return err
	}
	table, err := newClient(s.config).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.config.EventsTable})
	if err != nil {
		return fmt.Errorf("look at the events table: %w", err)
	}
	stream := aws.ToString(table.Table.LatestStreamArn)
	if stream == "" {
		return fmt.Errorf("the events table %s has no stream", s.config.EventsTable)
	}
	running, stop := context.WithCancel(context.Background())
	s.stopMapping = stop
	if err := s.mapStream(running, stream, names.Projector, checkpointsFile, projector.Invoke); err != nil {
		return err
	}
	if err := s.mapStream(running, stream, names.Process, processCheckpointsFile, reactors.Invoke); err != nil {
		return err
	}
	if err := s.mapQueue(running, names.Command, s.name(names.CommandQueue), command.Invoke, functionTimeout, retryCommand); err != nil {
		return err
	}
	if s.services.webhook == "" {
		return nil
	}
	webhook := &bus.Webhook{URL: s.services.webhook, Log: s.log}
	return s.mapQueue(running, "outbox", s.name(outboxQueue), webhook.Invoke, bus.WebhookTimeout, bus.RetryAfter)
}

// mapStream starts to feed a function from the events table's stream.
func (s *Stack) mapStream(ctx context.Context, stream, name, checkpoints string, f mapping.Function) error {
	o := mapping.Options{
		Name: name, StreamARN: stream, FunctionARN: "arn:aws:lambda:" + s.options.Region + ":000000000000:function:" + name,
		Source: mapping.NewSource(s.streams(), stream, s.options.Region), Function: f, Settings: *s.options.Mapping, Log: s.log,
	}
	if s.db != nil {
		o.Activity = func(shard string) <-chan struct{} { return s.db.StreamActivity(s.config.EventsTable, shard) }
	}
	if s.options.Data != "" {
		o.CheckpointFile = filepath.Join(s.options.Data, checkpoints)
		o.Destination = mapping.Directory(filepath.Join(s.options.Data, onFailureDir))
	}
	m, err := mapping.New(o)
	if err != nil {
		return err
	}
	s.mapping.Go(func() { m.Run(ctx) })
	return nil
}

func (s *Stack) streams() *dynamodbstreams.Client {
	o := dynamodbstreams.Options{Region: s.config.Region, Credentials: s.config.Credentials, BaseEndpoint: &s.config.Endpoint}
	if s.config.Transport != nil {
		o.HTTPClient = &http.Client{Transport: s.config.Transport}
	}
	return dynamodbstreams.New(o)
}
