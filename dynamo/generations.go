package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view"
)

var _ view.AdminTables = (*Tables)(nil)

// ControlTable is the table of control records: which table of each view
// answers, and how far rebuilds are. It has an item for the whole installation
// and, while a rebuild runs, one for each of its segments.
func ControlTable() TableSpec {
	return TableSpec{Name: "control", Partition: Key{Name: attrKey, Type: KeyString}}
}

// GenerationTable is the table of a view's version that was built again. The
// first generation is ViewTable itself; the second has "-g2" behind its name.
func GenerationTable(d view.Description, generation int) TableSpec {
	spec := ViewTable(d)
	spec.Name = targetName(view.Target{View: d.Name, Version: d.Version, Generation: generation})
	return spec
}

// targetName is the part of the name of a target's table behind the prefix.
func targetName(t view.Target) string { return t.View + "-" + t.String() }

// Open implements view.RoutedTables.
func (t *Tables) Open(target view.Target) view.Table {
	return &table{client: t.client, name: t.prefix + "-" + targetName(target)}
}

// Control implements view.RoutedTables.
func (t *Tables) Control() view.Table {
	return &table{client: t.client, name: TableName(t.prefix, ControlTable())}
}

// Create implements view.AdminTables. A later generation has on-demand capacity
// and is encrypted with the key of the first one. Deletion protection and
// point-in-time recovery are not turned on: it can be built again.
func (t *Tables) Create(ctx context.Context, target view.Target, d view.Description) error {
	first := TableName(t.prefix, GenerationTable(d, 1))
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &first})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing && target.Generation > 1 {
		out, err = &dynamodb.DescribeTableOutput{Table: &types.TableDescription{}}, nil
	}
	if err != nil {
		return fmt.Errorf("table %s: %w", first, translate(ctx, err))
	}
	spec := GenerationTable(d, target.Generation)
	name := TableName(t.prefix, spec)
	if target.Generation > 1 {
		in := createInput(t.prefix, spec)
		if sse := out.Table.SSEDescription; sse != nil && sse.KMSMasterKeyArn != nil {
			in.SSESpecification = &types.SSESpecification{Enabled: ptr(true), SSEType: sse.SSEType, KMSMasterKeyId: sse.KMSMasterKeyArn}
		}
		_, err := t.client.CreateTable(ctx, in)
		if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
			return fmt.Errorf("create table %s: %w", name, translate(ctx, err))
		}
	}
	if err := awaitTable(ctx, t.client, name, spec); err != nil {
		return fmt.Errorf("table %s: %w", name, err)
	}
	return nil
}

// Drop implements view.AdminTables. A table that is protected against deletion
// is not dropped: forbidden, with what to do about it.
func (t *Tables) Drop(ctx context.Context, target view.Target) error {
	name := t.prefix + "-" + targetName(target)
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err == nil && value(out.Table.DeletionProtectionEnabled) {
		return events.Errorf(events.CodeForbidden,
			"table %s is protected against deletion: take it out of the stack, turn its protection off, then drop it", name)
	}
	if err == nil {
		_, err = t.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	}
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return nil
	}
	return translate(ctx, err)
}
