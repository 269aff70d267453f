package simulation

import (
	"context"
	"encoding/json/jsontext"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo"
	"daybook/events"
	"daybook/functions/names"
	"daybook/personal"
	"daybook/view/driver"
)

// leastNeedle is the least length of a value that is searched for: shorter ones are found
// everywhere.
const leastNeedle = 4

// erased: of a person who was erased no value can be read that was stored before.
func (c *checker) erased(ctx context.Context) {
	for _, e := range c.erasures.all {
		if !e.done {
			continue
		}
		s := &privacySearch{c, e.subject, c.needles(e)}
		if len(s.needles) == 0 {
			continue
		}
		for _, answer := range e.answers {
			s.look("the answer to "+answer[0]+" after the erasure", answer[1])
		}
		s.passed()
		for _, client := range []*dynamo.Client{c.kind, c.client} {
			if err := s.tables(ctx, client); err != nil {
				c.fail(checkRun, "the tables can't be searched: %v", err)
			}
		}
		for _, store := range []events.Store{c.raw, c.store} { // c.store opens with the keys that are left
			if err := eachCommit(ctx, store, s.commit); err != nil {
				c.fail(checkRun, "the commits can't be searched: %v", err)
			}
		}
		if err := s.memories(ctx); err != nil {
			c.fail(checkRun, "the memories can't be searched: %v", err)
		}
	}
}

// needles are the texts of a person's values from before the key was deleted, without
// those that somebody else has too, or the person has again.
func (c *checker) needles(e *erasure) (needles []string) {
	var others []string
	all := map[string]bool{}
	before := func(at place) bool {
		return c.about[at.stream][e.subject] && c.past[at].Number > 0 && c.past[at].deleted <= e.deleted
	}
	for at, past := range c.past {
		if !before(at) {
			others = append(others, plainOf(past.Commit)...)
			continue
		}
		for _, event := range past.Events {
			values, err := personal.Values(event.Data, string(e.subject))
			if err != nil {
				c.fail(checkRun, "the values of %s in %s can't be read: %v", e.subject, at.stream, err)
			}
			for _, v := range values {
				for _, text := range textsOf(v) {
					all[text] = true
				}
			}
		}
	}
	for _, op := range c.operations { // what somebody else said
		if !c.about[op.stream][e.subject] {
			others = append(others, string(op.payload))
		}
	}
	for _, commits := range c.now {
		for _, commit := range commits {
			if !before(place{commit.Stream, commit.Number}) {
				others = append(others, plainOf(commit)...)
			}
		}
	}
	for text := range all {
		if len(text) >= leastNeedle && !slices.ContainsFunc(others, func(o string) bool { return strings.Contains(o, text) }) {
			needles = append(needles, text)
		}
	}
	slices.Sort(needles)
	return needles
}

// plainOf is what a commit says.
func plainOf(c events.Commit) (all []string) {
	for _, e := range c.Events {
		all = append(all, string(personal.Plain(e.Data)))
	}
	return all
}

// textsOf are the strings in a JSON value.
func textsOf(v jsontext.Value) (all []string) {
	d := jsontext.NewDecoder(strings.NewReader(string(v)))
	for {
		kind, n := d.StackIndex(d.StackDepth())
		isName := kind == jsontext.KindBeginObject && n%2 == 0
		t, err := d.ReadToken()
		if err != nil {
			return all
		}
		if t.Kind() == jsontext.KindString && !isName {
			all = append(all, t.String())
		}
	}
}

// privacySearch searches a system for the values of a person.
type privacySearch struct {
	*checker
	subject events.Stream
	needles []string
}

// look reports whether a text has a value of the person, which is a fault.
func (s *privacySearch) look(where, text string) bool {
	text = personal.WithoutSealed(text)
	for _, n := range s.needles {
		if strings.Contains(text, n) {
			s.fail(checkErased, "%s was erased, and its value %q can be read in %s", s.subject, n, where)
			return true
		}
	}
	return false
}

func (s *privacySearch) commit(c events.Commit) {
	for _, e := range c.Events {
		s.look("event "+e.Name+" of "+string(c.Stream), string(personal.Plain(e.Data)))
	}
	for _, command := range c.Commands {
		if command.Kept != nil {
			s.look("the kept command "+command.Kept.Name+" of "+string(c.Stream), string(personal.Plain(command.Kept.Payload)))
		}
	}
	if c.Snapshot != nil {
		s.look("a snapshot of "+string(c.Stream), string(personal.Plain(c.Snapshot.State)))
	}
}

// tables searches every attribute of every item, and the rows that a table keeps packed.
func (s *privacySearch) tables(ctx context.Context, client *dynamo.Client) error {
	list, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return err
	}
	stores := []driver.AdminTables{dynamo.NewTables(client, s.base.ViewPrefix), s.checker.tables()} // the latter opens, too
	for _, table := range list.TableNames {
		in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}
		for more := true; more; more = len(in.ExclusiveStartKey) > 0 {
			page, err := client.Scan(ctx, in)
			if err != nil {
				return err
			}
			for _, item := range page.Items {
				for _, text := range texts(&types.AttributeValueMemberM{Value: item}) {
					s.look("table "+table, text)
				}
			}
			in.ExclusiveStartKey = page.LastEvaluatedKey
		}
		for _, v := range s.app.Views {
			name := v.Describe().Name
			text, ok := strings.CutPrefix(table, names.Join(s.base.ViewPrefix, name)+"-")
			target, err := driver.ParseTarget(name, text)
			if !ok || err != nil {
				continue
			}
			for _, store := range stores {
				if err := s.rows(ctx, table, store.Open(target)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *privacySearch) rows(ctx context.Context, name string, table driver.Table) error {
	for page, err := range events.Pages(ctx, table.Scan, 0, 1) {
		if err != nil {
			return err
		}
		for _, item := range page {
			s.look("row "+item.Item.Key+" of "+name, string(personal.Plain(item.Item.Row))+string(personal.Plain(item.Item.Memo)))
		}
	}
	return nil
}

// memories searches what processes remember, opened with the keys that are left.
func (s *privacySearch) memories(ctx context.Context) error {
	with, err := s.sealer()
	if err != nil {
		return err
	}
	ledger := with.Entries(dynamo.NewProcesses(s.kind, s.base.ProcessesTable))
	for cursor := ""; ; {
		page, next, err := ledger.Entries(ctx, cursor, 100)
		if err != nil {
			return err
		}
		for _, e := range page {
			s.look("what "+e.Reactor+" remembers of "+string(e.Stream), string(personal.Plain(e.Memory)))
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

// texts are the texts in an attribute.
func texts(v types.AttributeValue) (all []string) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return []string{v.Value}
	case *types.AttributeValueMemberB:
		return []string{string(v.Value)}
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			all = append(all, texts(e)...)
		}
	case *types.AttributeValueMemberM:
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			all = append(append(all, name), texts(v.Value[name])...)
		}
	}
	return all
}
