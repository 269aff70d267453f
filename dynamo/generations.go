package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"daybook/events"
	"daybook/functions/names"
	"daybook/view"
	"daybook/view/driver"
)

var (
	_ driver.AdminTables   = (*Tables)(nil)
	_ driver.IndexedTables = (*Tables)(nil)
)

// ControlTable is the table of control records: which table of each view
// answers, and how far rebuilds are. It has an item for the whole installation
// and, while a rebuild runs, one for each of its segments.
func ControlTable() TableSpec {
	return TableSpec{Name: names.ControlTable, Partition: Key{Name: attrKey, Type: KeyString}}
}

// GenerationTable is the table of a view's version that was built again. The
// first generation is ViewTable itself; the second has "-g2" behind its name.
func GenerationTable(d view.Description, generation int) TableSpec {
	return targetTable(driver.Target{View: d.Name, Version: d.Version, Generation: generation}, d.TableIndexes())
}

// targetName is the part of the name of a target's table behind the prefix.
func targetName(t driver.Target) string { return t.View + "-" + t.String() }

// Open implements driver.RoutedTables.
func (t *Tables) Open(target driver.Target) driver.Table {
	return &table{client: t.client, name: t.prefix + "-" + targetName(target)}
}

// Control implements driver.RoutedTables.
func (t *Tables) Control() driver.Table {
	return &table{client: t.client, name: TableName(t.prefix, ControlTable())}
}

// Create implements driver.AdminTables. A later generation has on-demand capacity
// and is encrypted with the key of the first one. Deletion protection and
// point-in-time recovery are not turned on: it can be built again.
func (t *Tables) Create(ctx context.Context, target driver.Target, indexes []driver.IndexDescription) error {
	first := TableName(t.prefix, targetTable(driver.Target{View: target.View, Version: target.Version, Generation: 1}, indexes))
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &first})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing && target.Generation > 1 {
		out, err = &dynamodb.DescribeTableOutput{Table: &types.TableDescription{}}, nil
	}
	if err != nil {
		return fmt.Errorf("table %s: %w", first, translate(ctx, err))
	}
	spec := targetTable(target, indexes)
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

// CompareIndexes implements driver.IndexedTables with one DescribeTable.
func (t *Tables) CompareIndexes(ctx context.Context, target driver.Target, declared []driver.IndexDescription) ([]string, error) {
	spec := targetTable(target, declared)
	name := TableName(t.prefix, spec)
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing || denied(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", name, translate(ctx, err))
	}
	have, want := map[string]string{}, map[string]string{}
	for _, x := range indexShapes(out.Table) {
		have[x.name] = x.shape
	}
	for _, x := range spec.Indexes {
		want[x.Name] = indexShape(x)
	}
	var all []string
	for _, index := range slices.Sorted(maps.Keys(want)) {
		switch have[index] {
		case want[index]:
		case "":
			all = append(all, fmt.Sprintf("the table of %s %s has no index %s", target.View, target, index))
		default:
			all = append(all, fmt.Sprintf("index %s of %s %s has the keys %s, not %s", index, target.View, target, have[index], want[index]))
		}
	}
	for _, index := range slices.Sorted(maps.Keys(have)) {
		if want[index] == "" {
			all = append(all, fmt.Sprintf("the table of %s %s has an index %s, which is not declared", target.View, target, index))
		}
	}
	return all, nil
}

// denied reports whether the caller may not do what it asked for.
func denied(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "AccessDeniedException"
}

// Drop implements driver.AdminTables. A table that is protected against deletion
// is not dropped: forbidden, with what to do about it.
func (t *Tables) Drop(ctx context.Context, target driver.Target) error {
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
