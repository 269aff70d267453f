package meter

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
)

// Region is the store's.
const Region = "us-east-1"

// column is an attribute of a key.
type column struct {
	name string
	kind types.ScalarAttributeType
}

// index is a global secondary index.
type index struct {
	name       string
	key        []column
	projection types.ProjectionType
}

// table is a table as its owner's documentation gives it, paid on demand.
type table struct {
	name    string
	key     []column
	indexes []index
}

func text(name string) column   { return column{name, types.ScalarAttributeTypeS} }
func number(name string) column { return column{name, types.ScalarAttributeTypeN} }

// peerTables are the tables of all peers but Daybook.
func peerTables() []table {
	tables := []table{
		{name: "bare", key: []column{text("stream"), number("number")}},
		{
			name: "castore-events", key: []column{text("aggregateId"), number("version")},
			indexes: []index{{"initialEvents", []column{text("eventStoreId"), text("timestamp")}, types.ProjectionTypeKeysOnly}},
		},
	}
	for _, variant := range []string{"events", "snapshots"} {
		tables = append(tables,
			table{name: "dynamo-es-" + variant, key: []column{text("AggregateTypeAndId"), number("AggregateIdSequence")}},
			table{name: "dynamo-es-" + variant + "-snapshot", key: []column{text("AggregateTypeAndId")}})
	}
	for _, kind := range []string{"journal", "snapshot"} {
		tables = append(tables, table{
			name: "event-store-adapter-go-" + kind, key: []column{text("pkey"), text("skey")},
			indexes: []index{{kind + "-aid-index", []column{text("aid"), number("seq_nr")}, types.ProjectionTypeAll}},
		})
	}
	return tables
}

func createTables(ctx context.Context, url string) (names []string, err error) {
	client := dynamo.New(dynamo.Options{Region: Region, Endpoint: url, Credentials: dynamo.StaticCredentials("id", "secret")})
	specs := []dynamo.TableSpec{dynamo.EventsTable(), dynamo.ClaimsTable()}
	if err := dynamo.Create(ctx, client, "daybook", specs...); err != nil {
		return nil, err
	}
	for _, spec := range specs {
		names = append(names, dynamo.TableName("daybook", spec))
	}
	for _, t := range peerTables() {
		if _, err := client.CreateTable(ctx, t.input()); err != nil {
			return nil, fmt.Errorf("creating table %s: %w", t.name, err)
		}
		names = append(names, t.name)
	}
	return names, nil
}

func (t table) input() *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &t.name, BillingMode: types.BillingModePayPerRequest, KeySchema: schema(t.key)}
	columns := slices.Clone(t.key)
	for _, x := range t.indexes {
		columns = append(columns, x.key...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.name), KeySchema: schema(x.key), Projection: &types.Projection{ProjectionType: x.projection},
		})
	}
	for _, c := range columns {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(c.name), AttributeType: c.kind})
	}
	return in
}

func schema(key []column) (out []types.KeySchemaElement) {
	for i, c := range key {
		kind := types.KeyTypeHash
		if i > 0 {
			kind = types.KeyTypeRange
		}
		out = append(out, types.KeySchemaElement{AttributeName: aws.String(c.name), KeyType: kind})
	}
	return out
}
