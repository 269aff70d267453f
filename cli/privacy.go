package cli

import (
	"bufio"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/urfave/cli/v3"

	"daybook/connect"
	"daybook/dynamo"
	"daybook/dynamo/changes"
	"daybook/events"
	"daybook/functions/names"
	"daybook/personal"
	"daybook/process"
	"daybook/view/driver"
)

// leastValue is the least length of a value that is searched for, in bytes: shorter ones
// are found everywhere.
const leastValue = 4

// privacyFlags are those of verify -privacy.
func privacyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "privacy", Usage: "search all that is stored for what can be read of the person `AGGREGATE/ID`, and do nothing else"},
		&cli.StringFlag{Name: "values", Usage: "with -privacy, the values to search for, one per line, in `FILE`; - is standard input; by default those that can still be decrypted"},
		&cli.StringSliceFlag{Name: "files", Usage: "with -privacy, search the file, the directory or the objects s3://BUCKET/PREFIX of `PATH` too: exports, copies of logs; may be repeated"},
		&cli.DurationFlag{Name: "logs", Value: 24 * time.Hour, Usage: "with -privacy, search the last `DURATION` of the logs in CloudWatch"},
		&cli.BoolFlag{Name: "queue", Usage: "with -privacy, search the commands that wait in the command queue, which delays them"},
		&cli.BoolFlag{Name: "policy", Usage: "with -privacy, print the IAM policy that it needs, and do nothing else"},
	}
}

// remainLine is a place where a value can be read.
type remainLine struct {
	Value int    `json:"value"` // the line of the values, from 1
	Where string `json:"where"` // such as "table"
	Name  string `json:"name"`  // of the table, queue or file
	At    string `json:"at"`    // the item, the attribute, the byte
}

// verifyPrivacy searches for a person's values and says where there are any. It prints
// no value.
func (a *app) verifyPrivacy(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("verify -privacy takes no view: it searches everything")
	}
	subject, err := a.stream(c, c.String("privacy"))
	if err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if err := checkParallel(c.Int("parallel")); err != nil {
		return err
	}
	if c.Bool("policy") {
		s.out.indented(s.privacyPolicy(c))
		return s.out.err
	}
	s.policy = "verify -privacy " + string(subject) + " -policy"
	if c.Duration("logs") < 0 {
		return usage("-logs must not be negative")
	}
	if _, err := s.reachable(ctx); err != nil {
		return err
	}
	values, err := s.privacyValues(ctx, c, subject)
	if err != nil {
		return s.denied(err, s.policy)
	}
	p := newPrivacySearch(s, values)
	p.logsOf, p.inQueue = c.Duration("logs"), c.Bool("queue")
	if len(p.needles) == 0 {
		return usage("there is no value of at least %d bytes to search for: give the person's values with -values; an erased person has none that can be decrypted", leastValue)
	}
	if err := p.search(ctx, c.Int("parallel"), c.StringSlice("files")); err != nil {
		return s.denied(err, s.policy)
	}
	return p.report(subject)
}

// privacyValues are the values to search for.
func (s *session) privacyValues(ctx context.Context, c *cli.Command, subject events.Stream) ([]string, error) {
	from := c.String("values")
	var r io.Reader = s.stdin
	switch {
	case from == "" && s.sealing.Sealer == nil:
		return nil, usage("%s marks no personal values: give those to search for with -values", s.of.Name)
	case from == "":
		e := &eraser{session: s, subject: subject}
		if err := e.find(ctx, 64, c.Int("parallel")); err != nil {
			return nil, err
		}
		return s.readable(ctx, subject, e.line.Streams)
	case from != "-":
		f, err := os.Open(from)
		if err != nil {
			return nil, usage("-values: %w", err)
		}
		defer f.Close()
		r = f
	}
	var values []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		values = append(values, strings.TrimSpace(lines.Text()))
	}
	return values, lines.Err()
}

// textsOf are the texts in a JSON value: strings without quotes, numbers as they are.
func textsOf(v jsontext.Value) (all []string) {
	d := jsontext.NewDecoder(strings.NewReader(string(v)))
	for {
		kind, n := d.StackIndex(d.StackDepth())
		isName := kind == jsontext.KindBeginObject && n%2 == 0
		t, err := d.ReadToken()
		if err != nil {
			return all
		}
		if k := t.Kind(); !isName && (k == jsontext.KindString || k == jsontext.KindNumber) {
			all = append(all, t.String())
		}
	}
}

// privacySearch searches an installation for values.
type privacySearch struct {
	*session
	services *connect.Services
	needles  []needle
	short    int           // values that are too short
	tables   []string      // full names
	logsOf   time.Duration // how far back logs are searched
	inQueue  bool          // search the commands that wait

	mu      sync.Mutex
	found   []remainLine
	seen    map[remainLine]bool
	looked  []string // what was searched, for the report
	skipped []string // what could not be, and why
}

func newPrivacySearch(s *session, values []string) *privacySearch {
	p := &privacySearch{session: s, services: connect.NewServices(s.access(), s.prefix), seen: map[remainLine]bool{}}
	for i, v := range values {
		switch {
		case v == "":
		case len(v) < leastValue:
			p.short++
		default:
			p.needles = append(p.needles, newNeedle(i+1, v))
		}
	}
	return p
}

// look searches one text. What names the place may hold a value too, and is shown without.
func (p *privacySearch) look(where, name, at, text string) {
	text = personal.WithoutSealed(text)
	folded := strings.ToLower(text)
	for _, n := range p.needles {
		if !n.in(text, folded) {
			continue
		}
		line := remainLine{n.line, where, p.hide(name), p.hide(at)}
		p.mu.Lock()
		if !p.seen[line] {
			p.seen[line] = true
			p.found = append(p.found, line)
		}
		p.mu.Unlock()
	}
}

func (p *privacySearch) search(ctx context.Context, parallel int, files []string) error {
	tables, err := p.tableNames(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := p.table(ctx, table, parallel); err != nil {
			return err
		}
	}
	p.tables = tables
	steps := []func(context.Context) error{p.commits, p.rows, p.changeStream, p.queues, p.timers, p.logs, p.failures}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, path := range files {
		if err := p.files(ctx, path); err != nil {
			return err
		}
	}
	for _, r := range p.of.Processes {
		if d := r.Describe(); d.Kind == process.KindOutbox {
			p.skip("integration events that outbox %s has published; search copies of them with -files", d.Name)
		}
	}
	return nil
}

// tableNames are all tables of the installation.
func (p *privacySearch) tableNames(ctx context.Context) (all []string, err error) {
	pages := dynamodb.NewListTablesPaginator(p.client.Client, &dynamodb.ListTablesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, p.reach(p.prefix, err)
		}
		for _, name := range page.TableNames {
			if strings.HasPrefix(name, names.Join(p.prefix, "")) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all, nil
}

// table searches every attribute of every item of a table: keys, indexes and whatever
// programs of other versions have left.
func (p *privacySearch) table(ctx context.Context, name string, parallel int) error {
	p.looked = append(p.looked, "table "+name)
	out, err := p.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return p.reach(name, err)
	}
	bar := p.progress("searching "+name, "items", aws.ToInt64(out.Table.ItemCount))
	defer bar.end()
	segments := int32(parallel)
	return inParallel(ctx, parallel, parallel, func(ctx context.Context, segment int) error {
		pages := dynamodb.NewScanPaginator(p.client, &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true), Segment: aws.Int32(int32(segment)), TotalSegments: &segments})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return p.reach(name, err)
			}
			bar.add(int64(len(page.Items)))
			for _, item := range page.Items {
				p.item(name, out.Table.KeySchema, item)
			}
		}
		return nil
	})
}

// item searches an item, and says where by its keys.
func (p *privacySearch) item(table string, keys []types.KeySchemaElement, item map[string]types.AttributeValue) {
	for attribute, v := range item {
		for _, text := range attributeTexts(v) {
			p.look("table", table, attribute+" of "+p.keyOf(keys, item), text)
		}
	}
}

// hide returns text without values.
func (p *privacySearch) hide(text string) string {
	for _, n := range p.needles {
		text = n.cut(text)
	}
	return text
}

// keyOf names an item.
func (p *privacySearch) keyOf(keys []types.KeySchemaElement, item map[string]types.AttributeValue) string {
	var parts []string
	for _, key := range keys {
		parts = append(parts, attributeTexts(item[aws.ToString(key.AttributeName)])...)
	}
	return strings.Join(parts, " ")
}

// attributeTexts are the texts in an attribute.
func attributeTexts(v types.AttributeValue) (all []string) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return []string{v.Value}
	case *types.AttributeValueMemberN:
		return []string{v.Value}
	case *types.AttributeValueMemberB:
		return []string{string(v.Value)}
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberBS:
		for _, b := range v.Value {
			all = append(all, string(b))
		}
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			all = append(all, attributeTexts(e)...)
		}
	case *types.AttributeValueMemberM:
		for name, e := range v.Value {
			all = append(append(all, name), attributeTexts(e)...)
		}
	}
	return all
}

// commits searches what commits hold, which a table may keep compressed.
func (p *privacySearch) commits(ctx context.Context) error {
	p.looked = append(p.looked, "commits and snapshots")
	return p.parallelScan(ctx, 64, 8, func(page []events.Commit) error {
		for i := range page {
			p.commit("commit", p.eventsTable(), &page[i])
		}
		return nil
	})
}

func (p *privacySearch) commit(where, name string, c *events.Commit) {
	at := fmt.Sprintf("%s commit %d", c.Stream, c.Number)
	for _, e := range c.Events {
		p.look(where, name, at+", event "+e.Name, string(e.Data))
	}
	for _, command := range c.Commands {
		if command.Kept != nil {
			p.look(where, name, at+", command "+command.Kept.Name, string(command.Kept.Payload))
		}
	}
	if c.Snapshot != nil {
		p.look(where, name, at+", snapshot", string(c.Snapshot.State))
	}
	for _, claim := range slices.Concat(c.Claims, c.Releases) {
		p.look(where, name, at+", claim "+claim.Name, claim.Value)
	}
}

// rows searches rows and memories, which a table may keep packed: in every table that a
// view has.
func (p *privacySearch) rows(ctx context.Context) error {
	plain := dynamo.NewTables(p.client, p.prefix)
	for _, name := range p.tables {
		target, ok := p.targetOf(name)
		if !ok {
			continue
		}
		p.looked = append(p.looked, "rows of "+name)
		for page, err := range events.Pages(ctx, plain.Open(target).Scan, 0, 1) {
			if err != nil {
				return p.blame(name, err)
			}
			for _, item := range page {
				p.look("row", name, item.Item.Key, string(item.Item.Row))
				p.look("row", name, item.Item.Key+", memory", string(item.Item.Memo))
			}
		}
	}
	return nil
}

// targetOf is the target whose table has that full name.
func (p *privacySearch) targetOf(name string) (driver.Target, bool) {
	for _, v := range p.declared {
		view := v.Describe().Name
		if text, ok := strings.CutPrefix(name, names.Join(p.prefix, view)+"-"); ok {
			if t, err := driver.ParseTarget(view, text); err == nil {
				return t, true
			}
		}
	}
	return driver.Target{}, false
}

// streamIdle is how long a change stream must say nothing to have been read; that of
// one machine answers at once.
func (p *privacySearch) streamIdle() time.Duration {
	if p.endpoint != "" {
		return 300 * time.Millisecond
	}
	return 5 * time.Second
}

// changeStream searches the last day of the events table's change stream.
func (p *privacySearch) changeStream(ctx context.Context) error {
	info, err := p.reachable(ctx)
	if err != nil {
		return err
	}
	if info.Stream == "" {
		return nil
	}
	p.looked = append(p.looked, "change stream")
	following, stop := context.WithCancel(ctx)
	defer stop()
	quiet := p.streamIdle()
	idle := time.AfterFunc(quiet, stop)
	defer idle.Stop()
	follower := changes.New(p.streamsClient(), info.Stream, changes.Options{
		Since: time.Now().Add(-25 * time.Hour), Poll: quiet / 4,
		Warn: func(err error) { p.skip("a record of the change stream: %v", err) },
	})
	err = follower.Follow(following, func(c *events.Commit, _ time.Time) bool {
		idle.Reset(quiet)
		p.commit("change stream", p.eventsTable(), c)
		return true
	})
	if following.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

func (p *privacySearch) skip(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skipped = append(p.skipped, p.hide(fmt.Sprintf(format, args...)))
}

// report prints where values can be read.
func (p *privacySearch) report(subject events.Stream) error {
	slices.SortFunc(p.found, func(a, b remainLine) int {
		return strings.Compare(fmt.Sprint(a.Where, a.Name, a.At, a.Value), fmt.Sprint(b.Where, b.Name, b.At, b.Value))
	})
	table := p.out.table("VALUE", "WHERE", "NAME", "AT")
	for _, l := range p.found {
		table.row(l, l.Value, l.Where, l.Name, l.At)
	}
	table.flush()
	for _, s := range p.skipped {
		p.note("not searched: %s", s)
	}
	if p.short > 0 {
		p.note("not searched for: %d values of fewer than %d bytes", p.short, leastValue)
	}
	p.summary(struct {
		Subject  events.Stream `json:"subject"`
		Values   int           `json:"values"`
		Found    int           `json:"found"`
		Searched []string      `json:"searched"`
		Skipped  []string      `json:"skipped"`
	}{subject, len(p.needles), len(p.found), p.looked, p.skipped},
		fmt.Sprintf("%s: %d values searched for in %d places, %d found", subject, len(p.needles), len(p.looked), len(p.found)))
	return p.out.result(len(p.found) > 0)
}
