package main

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// step is one request of a case. In its body $T stands for the case's table,
// and $Stream, $Shard and $Iterator for what earlier answers had.
type step struct {
	operation string
	body      string
	unordered bool // the order of Items is not defined
	onlyKind  bool // compare the error's type only, not its message
	quiet     bool // not compared: later steps need what it answers
}

// testCase is some requests whose answers are compared.
type testCase struct {
	name   string
	schema schema // of the case's table; "" for none
	items  []string
	steps  []step
}

// player plays cases on one engine.
type player struct {
	engine engine
	prefix string // of the tables' names
}

// play makes a case's table and its items and returns the answers to its steps.
// An error says that the case could not be set up.
func (p *player) play(ctx context.Context, c testCase) ([]answer, error) {
	table := p.table(c)
	if c.schema != "" {
		if err := p.create(ctx, table, c); err != nil {
			return nil, err
		}
		defer p.engine.client().send(context.WithoutCancel(ctx), "DeleteTable", `{"TableName":"`+table+`"}`)
	}
	noted := map[string]string{}
	answers := make([]answer, len(c.steps))
	for i, s := range c.steps {
		body := strings.ReplaceAll(s.body, "$T", table)
		for name, value := range noted {
			body = strings.ReplaceAll(body, name, value)
		}
		answers[i] = p.engine.client().send(ctx, s.operation, body)
		note(noted, answers[i].body)
		if strings.HasSuffix(s.operation, "eTable") && s.operation != "DescribeTable" {
			p.settle(ctx, table)
		}
	}
	return answers, nil
}

// table is the name of a case's table.
func (p *player) table(c testCase) string {
	return p.prefix + strings.NewReplacer("/", "-", "+", "-").Replace(c.name)
}

func (p *player) create(ctx context.Context, table string, c testCase) error {
	c1 := p.engine.client()
	a := c1.send(ctx, "CreateTable", strings.ReplaceAll(string(c.schema), "$T", table))
	if a.lost != nil || a.status != http.StatusOK {
		return fmt.Errorf("create table: %v %s %s", a.lost, a.kind, a.message)
	}
	p.settle(ctx, table)
	for _, item := range c.items {
		a := c1.send(ctx, "PutItem", `{"TableName":"`+table+`","Item":`+item+`}`)
		if a.lost != nil || a.status != http.StatusOK {
			return fmt.Errorf("put %s: %v %s %s", item, a.lost, a.kind, a.message)
		}
	}
	return nil
}

// settle waits until a table and its indexes are active, or gone.
func (p *player) settle(ctx context.Context, table string) {
	for range 500 {
		a := p.engine.client().send(ctx, "DescribeTable", `{"TableName":"`+table+`"}`)
		if a.lost != nil || a.status != http.StatusOK || !strings.Contains(string(a.body), `ING"`) {
			return // neither CREATING, UPDATING nor DELETING
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// note keeps what later steps of a streams case need.
func note(noted map[string]string, body jsontext.Value) {
	var seen struct {
		Table             struct{ LatestStreamArn string }
		TableDescription  struct{ LatestStreamArn string }
		Streams           []struct{ StreamArn string }
		StreamDescription struct{ Shards []struct{ ShardId string } }
		ShardIterator     string
		NextShardIterator string
	}
	if err := json.Unmarshal(body, &seen); err != nil {
		return // not an answer with any of them
	}
	put := func(name, value string) {
		if value != "" {
			noted[name] = value
		}
	}
	put("$Stream", seen.Table.LatestStreamArn)
	put("$Stream", seen.TableDescription.LatestStreamArn)
	for _, s := range seen.Streams {
		put("$Stream", s.StreamArn)
	}
	for _, s := range seen.StreamDescription.Shards {
		put("$Shard", s.ShardId)
	}
	put("$Iterator", seen.NextShardIterator)
	put("$Iterator", seen.ShardIterator)
}

// compare returns how the answers to a case differ, one line a difference.
func compare(c testCase, table string, left, right []answer) []string {
	var lines []string
	for i, s := range c.steps {
		if s.quiet {
			continue
		}
		for _, line := range compareAnswers(s, table, left[i], right[i]) {
			lines = append(lines, fmt.Sprintf("step %d %s: %s", i+1, s.operation, line))
		}
	}
	return lines
}

func compareAnswers(s step, table string, left, right answer) []string {
	if left.lost != nil || right.lost != nil {
		return []string{fmt.Sprintf("no answer\n    ours  %v\n    other %v", left.lost, right.lost)}
	}
	var lines []string
	differ := func(what, l, r string) {
		if l != r {
			lines = append(lines, fmt.Sprintf("%s\n    ours  %s\n    other %s", what, l, r))
		}
	}
	differ("status", fmt.Sprint(left.status, " ", left.kind), fmt.Sprint(right.status, " ", right.kind))
	if !s.onlyKind {
		differ("message", normalMessage(left.message, table), normalMessage(right.message, table))
	}
	l, errL := normal(left, table, s.unordered)
	r, errR := normal(right, table, s.unordered)
	if errL != nil || errR != nil {
		return append(lines, fmt.Sprintf("body\n    ours  %v\n    other %v", errL, errR))
	}
	differ("body", l, r)
	return lines
}
