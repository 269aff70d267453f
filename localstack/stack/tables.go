package stack

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"daybook/domain"
	"daybook/dynamo"
	"daybook/functions"
	"daybook/localstack/mapping"
	"daybook/view"
)

func newClient(c functions.Config) *dynamodb.Client {
	return dynamo.New(dynamo.Options{Region: c.Region, Endpoint: c.Endpoint, Credentials: c.Credentials, Transport: c.Transport})
}

// createTables creates the tables that are missing: the events table, the claims
// table, that of control records, and a table for each declared version of each
// view.
func (s *Stack) createTables(ctx context.Context) error {
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.ControlTable()}
	for _, v := range view.Versions(domain.Views()) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(ctx, newClient(s.config), Prefix, specs...); err != nil {
		if s.options.Endpoint != "" {
			return fmt.Errorf("%s can't be used: %w", s.options.Endpoint, err)
		}
		return fmt.Errorf("the tables can't be used: %w", err)
	}
	return nil
}

// startMapping starts to feed the projector from the events table's stream.
func (s *Stack) startMapping(ctx context.Context) error {
	projector, err := functions.NewProjector(s.config)
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
	o := mapping.Options{
		Name: "projector", StreamARN: stream, FunctionARN: "arn:aws:lambda:" + s.options.Region + ":000000000000:function:projector",
		Source:   mapping.NewSource(s.streams(), stream, s.options.Region),
		Function: projector.Invoke, Settings: *s.options.Mapping, Log: s.log,
	}
	if s.db != nil {
		o.Activity = func() <-chan struct{} { return s.db.StreamActivity(s.config.EventsTable) }
	}
	if s.options.Data != "" {
		o.CheckpointFile = filepath.Join(s.options.Data, checkpointsFile)
		o.Destination = mapping.Directory(filepath.Join(s.options.Data, onFailureDir))
	}
	m, err := mapping.New(o)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background())
	s.stopMapping = stop
	s.mapping.Go(func() { m.Run(running) })
	return nil
}

func (s *Stack) streams() *dynamodbstreams.Client {
	o := dynamodbstreams.Options{Region: s.config.Region, Credentials: s.config.Credentials, BaseEndpoint: &s.config.Endpoint}
	if s.config.Transport != nil {
		o.HTTPClient = &http.Client{Transport: s.config.Transport}
	}
	return dynamodbstreams.New(o)
}
