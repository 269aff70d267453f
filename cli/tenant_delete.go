package cli

import (
	"bufio"
	"context"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/urfave/cli/v3"

	"daybook/aggregate/async"
	"daybook/connect"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/internal/sleep"
)

func tenantDeleteCommand(a *app) *cli.Command {
	return &cli.Command{
		Name: "delete", Usage: "delete everything of a tenant from the tables, and its timers", ArgsUsage: "TENANT",
		Description: "Deletes its data keys first, then timers, claims, statuses, rows and streams, and looks at the\n" +
			"end whether anything is left; then it exits with 3. Take the tenant's access away first. After a\n" +
			"stop the same command goes on. docs/tenants.md says what it can't reach.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "count what would be deleted, and delete nothing"},
			&cli.StringFlag{Name: "confirm", Usage: "the `NAME` of the tenant again, in place of a question"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of a table at the same time"},
		},
		Action: a.tenantDelete,
	}
}

// deletedLine is what was deleted from a table, or would be.
type deletedLine struct {
	Table   string `json:"table"`
	Items   int64  `json:"items"`
	Left    int64  `json:"left"` // found afterwards
	Timers  int    `json:"timers,omitzero"`
	Deleted bool   `json:"deleted"`
}

func (a *app) tenantDelete(ctx context.Context, c *cli.Command) error {
	tenant, err := a.theTenant(c)
	if err != nil {
		return err
	}
	if err := checkParallel(c.Int("parallel")); err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if _, err := s.reachable(ctx); err != nil {
		return err
	}
	d := &tenantDeleter{session: s, tenant: tenant, parallel: c.Int("parallel"), dry: c.Bool("dry-run")}
	if d.tables, err = s.tenantTables(ctx); err != nil {
		return err
	}
	if !d.dry {
		if err := a.confirmName(c, tenant, s.prefix); err != nil {
			return err
		}
	}
	lines, err := d.all(ctx)
	t := s.out.table("TABLE", "ITEMS", "LEFT")
	left := int64(0)
	for _, l := range lines {
		left += l.Left
		if l.Items > 0 || l.Left > 0 {
			t.row(l, l.Table, l.Items, l.Left)
		}
	}
	t.end("nothing of tenant " + tenant)
	if err != nil {
		return err
	}
	d.notes(lines)
	return s.out.result(left > 0 && !d.dry)
}

// confirmName asks for the tenant's name, unless -confirm gave it.
func (a *app) confirmName(c *cli.Command, tenant, prefix string) error {
	answer := c.String("confirm")
	if answer == "" {
		if !isTerminal(a.stdin) {
			return usage("Standard input is not a terminal, so nobody can confirm: pass -confirm %s", tenant)
		}
		fmt.Fprintf(a.stderr, "This can't be undone. To delete all of tenant %s in %s, type its name: ", tenant, prefix)
		line, err := bufio.NewReader(a.stdin).ReadString('\n')
		if err != nil {
			return err
		}
		answer = strings.TrimSpace(line)
	}
	if answer != tenant {
		return usage("nothing was done: %q is not %q", answer, tenant)
	}
	return nil
}

// tenantTables are all tables of the installation in the order of the deletion: data keys
// first, so that personal values can't be read from then on; the events last, since all
// else is made of them.
func (s *session) tenantTables(ctx context.Context) ([]string, error) {
	all, err := (&privacySearch{session: s}).tableNames(ctx)
	if err != nil {
		return nil, err
	}
	rank := func(table string) int {
		switch strings.TrimPrefix(table, names.Join(s.prefix, "")) {
		case names.KeysTable:
			return 0
		case names.ProcessesTable:
			return 1
		case names.EventsTable:
			return 3
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all, nil
}

// tenantDeleter deletes a tenant.
type tenantDeleter struct {
	*session
	tenant   string
	tables   []string
	parallel int
	dry      bool
}

// all deletes from one table after the other, and then looks for what is left.
func (d *tenantDeleter) all(ctx context.Context) ([]deletedLine, error) {
	lines := make([]deletedLine, len(d.tables))
	for i, table := range d.tables {
		l := &lines[i]
		*l = deletedLine{Table: table, Deleted: !d.dry}
		var err error
		if !d.dry && table == d.processesTable() {
			if l.Timers, err = d.cancelTimers(ctx); err != nil {
				return lines[:i], err
			}
		}
		if l.Items, err = d.table(ctx, table, !d.dry); err != nil {
			return lines[:i+1], fmt.Errorf("%w; run the same command again to go on", err)
		}
	}
	if d.dry {
		return lines, nil
	}
	for i, table := range d.tables {
		var err error
		if lines[i].Left, err = d.table(ctx, table, false); err != nil {
			return lines, err
		}
		if table == d.processesTable() {
			timers, err := d.scheduled(ctx)
			if err != nil {
				return lines, err
			}
			lines[i].Left += int64(len(timers))
		}
	}
	return lines, nil
}

// scheduled are the names of the tenant's timers that are set, also those that no ledger
// has: a process function that was stopped by the deletion may have set them.
func (d *tenantDeleter) scheduled(ctx context.Context) (timers []string, err error) {
	err = connect.NewServices(d.access(), d.prefix).Schedules(ctx, func(name, input string) {
		message, err := jsontext.NewDecoder(strings.NewReader(input)).ReadValue()
		if err != nil {
			return // not one of Daybook's
		}
		if e, err := async.Decode(message); err == nil && e.Command.Tenant == d.tenant {
			timers = append(timers, name)
		}
	})
	if errors.Is(err, connect.ErrNoService) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the timers that are set can't be listed: %w", err)
	}
	return timers, nil
}

// notes say what stays, and what the operator has to see to.
func (d *tenantDeleter) notes(lines []deletedLine) {
	left := int64(0)
	for _, l := range lines {
		left += l.Left
	}
	switch {
	case d.dry:
		d.note("nothing was deleted: leave out -dry-run")
	case left > 0:
		d.note("%d items or timers are left: requests or queued commands of %s still came, or the projector or a process manager was behind; take its access away, wait, and run the same command again", left, d.tenant)
	default:
		d.note("messages in the command queue and dead letters of %s can't be taken out here (see %s dead list); backups, exports, logs and what outboxes have published keep what they hold", d.tenant, d.of.Name)
		d.note("running functions may remember streams of %s: deploy again before the name is given to another tenant", d.tenant)
	}
}

// cancelTimers cancels the timers that process managers have set on the tenant's streams.
func (d *tenantDeleter) cancelTimers(ctx context.Context) (cancelled int, err error) {
	ledger := dynamo.NewProcesses(d.client, d.processesTable())
	timers, err := d.scheduled(ctx)
	if err != nil {
		return 0, err
	}
	for cursor := ""; ; {
		page, next, err := ledger.Entries(ctx, cursor, 1000)
		if err != nil {
			return 0, d.blame(d.processesTable(), err)
		}
		for _, e := range page {
			if e.Stream.Tenant() == d.tenant {
				timers = slices.AppendSeq(timers, maps.Values(e.Timers))
			}
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.Sort(timers)
	if timers = slices.Compact(timers); len(timers) == 0 {
		return 0, nil
	}
	effects, err := d.effects(ctx)
	if err != nil {
		return 0, err
	}
	for i, name := range timers {
		if err := effects.Timers.Cancel(ctx, name); err != nil {
			return i, fmt.Errorf("timer %s can't be cancelled: %w", name, err)
		}
	}
	return len(timers), nil
}

// table counts the tenant's items of a table, and deletes them: of a stream the newest
// commit first, so that what a stop leaves is a stream.
func (d *tenantDeleter) table(ctx context.Context, table string, remove bool) (int64, error) {
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return 0, d.reach(table, err)
	}
	keys := make([]string, len(out.Table.KeySchema))
	for _, k := range out.Table.KeySchema {
		if k.KeyType == types.KeyTypeHash {
			keys[0] = aws.ToString(k.AttributeName)
		} else {
			keys[1] = aws.ToString(k.AttributeName)
		}
	}
	what := "counting in "
	if remove {
		what = "deleting from "
	}
	bar := d.progress(what+table, "items", aws.ToInt64(out.Table.ItemCount))
	defer bar.end()
	var found atomic.Int64
	short := strings.TrimPrefix(table, names.Join(d.prefix, ""))
	err = inParallel(ctx, d.parallel, d.parallel, func(ctx context.Context, segment int) error {
		b := tenantBatch{client: d.client, table: table, partition: keys[0], remove: remove}
		err := d.eachKey(ctx, table, keys, segment, func(page []map[string]types.AttributeValue) error {
			bar.add(int64(len(page)))
			for _, key := range page {
				text, ok := key[keys[0]].(*types.AttributeValueMemberS)
				if !ok || dynamo.TenantOf(short, text.Value) != d.tenant {
					continue
				}
				found.Add(1)
				if err := b.add(ctx, text.Value, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return b.end(ctx)
	})
	return found.Load(), d.blame(table, err)
}

// eachKey hands the keys of a part of a table to take, page by page, those of a partition
// one after another.
func (d *tenantDeleter) eachKey(ctx context.Context, table string, keys []string, segment int, take func([]map[string]types.AttributeValue) error) error {
	in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(segment)), TotalSegments: aws.Int32(int32(d.parallel)), ExpressionAttributeNames: map[string]string{}}
	var projected []string
	for i, key := range keys {
		in.ExpressionAttributeNames[fmt.Sprintf("#k%d", i)] = key
		projected = append(projected, fmt.Sprintf("#k%d", i))
	}
	in.ProjectionExpression = aws.String(strings.Join(projected, ", "))
	for pages := dynamodb.NewScanPaginator(d.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := take(page.Items); err != nil {
			return err
		}
	}
	return nil
}

// tenantBatch deletes items, 25 at a time, those of a partition in reverse order.
type tenantBatch struct {
	client    *dynamo.Client
	table     string
	partition string
	remove    bool

	at      string                            // the partition that is being read
	run     []map[string]types.AttributeValue // its keys
	pending []types.WriteRequest
}

// add takes a key.
func (b *tenantBatch) add(ctx context.Context, partition string, key map[string]types.AttributeValue) error {
	if !b.remove {
		return nil
	}
	if partition != b.at {
		if err := b.flush(ctx, deleteBatch); err != nil {
			return err
		}
		b.at = partition
	}
	b.run = append(b.run, key)
	return nil
}

// end deletes what is left.
func (b *tenantBatch) end(ctx context.Context) error { return b.flush(ctx, 1) }

// deleteBatch is the most that DynamoDB deletes in one request.
const deleteBatch = 25

// flush takes the partition's keys for complete, and deletes as long as there are at
// least so many.
func (b *tenantBatch) flush(ctx context.Context, least int) error {
	for _, key := range slices.Backward(b.run) {
		b.pending = append(b.pending, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
	}
	b.run = b.run[:0]
	for len(b.pending) >= least {
		n := min(len(b.pending), deleteBatch)
		if err := b.send(ctx, b.pending[:n]); err != nil {
			return err
		}
		b.pending = b.pending[n:]
	}
	return nil
}

// deleteAttempts is how often items are sent that DynamoDB had no capacity for.
const deleteAttempts = 10

func (b *tenantBatch) send(ctx context.Context, requests []types.WriteRequest) error {
	for attempt := 1; len(requests) > 0; attempt++ {
		out, err := b.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{b.table: requests}})
		if err != nil {
			return err
		}
		if requests = out.UnprocessedItems[b.table]; len(requests) == 0 {
			return nil
		}
		if attempt == deleteAttempts {
			return fmt.Errorf("table %s: DynamoDB is too busy", b.table)
		}
		if err := sleep.For(ctx, 50*time.Millisecond<<attempt); err != nil {
			return err
		}
	}
	return nil
}
