package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/internal/sleep"
)

// Create creates the tables that are missing, with on-demand capacity, and
// waits until all are active or ctx ends. A table that exists with the same keys, indexes
// and stream is fine; one of another shape is an error of code internal that
// names the difference. It is for one machine and for tests; on AWS the CDK app
// creates the same specs.
func Create(ctx context.Context, client API, prefix string, specs ...TableSpec) error {
	for _, spec := range specs {
		_, err := client.CreateTable(ctx, createInput(prefix, spec))
		if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
			return fmt.Errorf("create table %s: %w", TableName(prefix, spec), translate(ctx, err))
		}
	}
	for _, spec := range specs {
		if err := awaitTable(ctx, client, TableName(prefix, spec), spec); err != nil {
			return fmt.Errorf("table %s: %w", TableName(prefix, spec), err)
		}
	}
	return nil
}

func createInput(prefix string, spec TableSpec) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:            ptr(TableName(prefix, spec)),
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            keySchema(spec.Partition, spec.Sort),
		AttributeDefinitions: definitions(spec),
	}
	for _, index := range spec.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  ptr(index.Name),
			KeySchema:  keySchema(index.Partition, index.Sort),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	if spec.StreamView != "" {
		in.StreamSpecification = &types.StreamSpecification{
			StreamEnabled:  ptr(true),
			StreamViewType: types.StreamViewType(spec.StreamView),
		}
	}
	return in
}

func keySchema(partition Key, sort *Key) []types.KeySchemaElement {
	ks := []types.KeySchemaElement{{AttributeName: ptr(partition.Name), KeyType: types.KeyTypeHash}}
	if sort != nil {
		ks = append(ks, types.KeySchemaElement{AttributeName: ptr(sort.Name), KeyType: types.KeyTypeRange})
	}
	return ks
}

// definitions lists the key attributes of the table and its indexes once each.
func definitions(spec TableSpec) []types.AttributeDefinition {
	keys := []Key{spec.Partition}
	if spec.Sort != nil {
		keys = append(keys, *spec.Sort)
	}
	for _, index := range spec.Indexes {
		keys = append(keys, index.Partition)
		if index.Sort != nil {
			keys = append(keys, *index.Sort)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.Name+string(a.Type), b.Name+string(b.Type)) })
	var defs []types.AttributeDefinition
	for _, k := range slices.Compact(keys) {
		defs = append(defs, types.AttributeDefinition{AttributeName: ptr(k.Name), AttributeType: types.ScalarAttributeType(k.Type)})
	}
	return defs
}

// The pauses between two looks at a table that is being created.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 2 * time.Second
)

var errShape = errors.New("the table exists with another shape")

// awaitTable waits until the table and its indexes are active, compares it with
// the spec, and turns expiry on.
func awaitTable(ctx context.Context, client API, name string, spec TableSpec) error {
	for d := firstLook; ; d = min(2*d, lastLook) {
		out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		_, missing := errors.AsType[*types.ResourceNotFoundException](err) // just created
		if err != nil && !missing {
			return translate(ctx, err)
		}
		if err == nil && active(out.Table) {
			if want, have := shape(spec), tableShape(out.Table); want != have {
				return events.Wrap(events.CodeInternal, fmt.Errorf("%w: want %s, have %s", errShape, want, have), msgInternal)
			}
			return expire(ctx, client, name, spec.TTL)
		}
		if err := sleep.For(ctx, d); err != nil {
			return translate(ctx, err)
		}
	}
}

func active(t *types.TableDescription) bool {
	return t.TableStatus == types.TableStatusActive &&
		!slices.ContainsFunc(t.GlobalSecondaryIndexes, func(i types.GlobalSecondaryIndexDescription) bool {
			return i.IndexStatus != types.IndexStatusActive
		})
}

// expire turns TTL on, unless it is on already.
func expire(ctx context.Context, client API, name, attribute string) error {
	if attribute == "" {
		return nil
	}
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return translate(ctx, err)
	}
	if d := out.TimeToLiveDescription; d != nil {
		on := d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling
		switch {
		case on && value(d.AttributeName) == attribute:
			return nil
		case on:
			return events.Wrap(events.CodeInternal, fmt.Errorf("%w: items expire by %q, not %q", errShape, value(d.AttributeName), attribute), msgInternal)
		}
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: ptr(true)},
	})
	return translate(ctx, err)
}

// shape writes what Create compares, so that a difference can be read.
func shape(spec TableSpec) string {
	indexes := make([]string, len(spec.Indexes))
	for i, x := range spec.Indexes {
		indexes[i] = x.Name + " " + indexShape(x)
	}
	return joinShape(keyShape(spec.Partition, spec.Sort), indexes, spec.StreamView)
}

func indexShape(x IndexSpec) string { return keyShape(x.Partition, x.Sort) + " ALL" }

func keyShape(partition Key, sort *Key) string {
	s := "(" + partition.Name + " " + string(partition.Type)
	if sort != nil {
		s += ", " + sort.Name + " " + string(sort.Type)
	}
	return s + ")"
}

func joinShape(key string, indexes []string, stream string) string {
	slices.Sort(indexes)
	stream = cmp.Or(stream, "none")
	return fmt.Sprintf("key %s, indexes [%s], stream %s", key, strings.Join(indexes, "; "), stream)
}

func tableShape(t *types.TableDescription) string {
	var indexes []string
	for _, x := range indexShapes(t) {
		indexes = append(indexes, x.name+" "+x.shape)
	}
	stream := ""
	if s := t.StreamSpecification; s != nil && value(s.StreamEnabled) {
		stream = string(s.StreamViewType)
	}
	return joinShape(storedKeyShape(t, t.KeySchema), indexes, stream)
}

// storedIndex is an index of a table in the words of indexShape.
type storedIndex struct{ name, shape string }

func indexShapes(t *types.TableDescription) []storedIndex {
	all := make([]storedIndex, len(t.GlobalSecondaryIndexes))
	for i, x := range t.GlobalSecondaryIndexes {
		projection := ""
		if x.Projection != nil {
			projection = string(x.Projection.ProjectionType)
		}
		all[i] = storedIndex{value(x.IndexName), storedKeyShape(t, x.KeySchema) + " " + projection}
	}
	return all
}

// storedKeyShape is keyShape of a key of the table or of one of its indexes.
func storedKeyShape(t *types.TableDescription, schema []types.KeySchemaElement) string {
	kinds := make(map[string]KeyType, len(t.AttributeDefinitions))
	for _, d := range t.AttributeDefinitions {
		kinds[value(d.AttributeName)] = KeyType(d.AttributeType)
	}
	var partition Key
	var sort *Key
	for _, k := range schema {
		name := value(k.AttributeName)
		if k.KeyType == types.KeyTypeHash {
			partition = Key{Name: name, Type: kinds[name]}
		} else {
			sort = &Key{Name: name, Type: kinds[name]}
		}
	}
	return keyShape(partition, sort)
}
