package main

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
	"daybook/localstack/stack/stacktest"
	"daybook/process"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
)

// A catalogue that is loaded over HTTP, twice, is in every view as its events
// say, and the API pages through it without a repeat or a miss. DAYBOOK_CATALOGUE
// names a folder to load instead of the small one that the test writes.
func TestLoadedCatalogue(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("DAYBOOK_CATALOGUE")
	if dir == "" {
		dir = writeCatalogue(t, 40, 330, 60)
	}
	s := stacktest.Start(t, domain.App(), stack.Options{})
	var first, again strings.Builder
	for _, out := range []*strings.Builder{&first, &again} {
		if err := run(t.Context(), []string{"-api", s.URL(), "-dir", dir}, out, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("first:\n%sagain:\n%s", first.String(), again.String())
	if strings.Contains(first.String(), " 0 accepted") || strings.Count(again.String(), " 0 accepted") != len(files()) {
		t.Error("the second load entered something again")
	}
	c := &checker{t: t, stack: s, streams: map[events.Stream][]events.Commit{}}
	c.read()
	c.awaitViews()
	for _, v := range domain.Views() {
		c.view(v)
	}
	c.pages()
}

// writeCatalogue writes the three files with that many rows; some orders have
// several lines, and some prices are missing.
func writeCatalogue(t *testing.T, customers, products, orders int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, header string, rows int, row func(i int) string) {
		var b strings.Builder
		b.WriteString(header + "\n")
		for i := range rows {
			b.WriteString(row(i))
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	price := func(i int) string {
		if i%7 == 0 {
			return ""
		}
		return fmt.Sprint(100 + i%11)
	}
	write("customers.csv", "customer_id,city,state", customers, func(i int) string {
		return fmt.Sprintf("customer%08d,\"são paulo, %d\",SP\n", i, i%5)
	})
	write("products.csv", "product_id,category,weight_g,price_cents", products, func(i int) string {
		return fmt.Sprintf("product%08d,category_%d,100,%s\n", i*37%products, i%6, price(i))
	})
	write("orders.csv", "order_id,customer_id,product_id,quantity,price_cents", orders, func(i int) string {
		line := fmt.Sprintf("order%08d,customer%08d,product%08d,%d,%s\n", i, i%customers, i%products, 1+i%3, price(i+1))
		return strings.Repeat(line, 1+i%3)
	})
	return dir
}

// checker compares a running stack with the fold of its events.
type checker struct {
	t       *testing.T
	stack   *stack.Stack
	streams map[events.Stream][]events.Commit
}

// read scans the events table, when nothing that happened sets off anything more:
// again until processes have reacted to all of what was read before.
func (c *checker) read() {
	for before := -1; ; {
		c.scan()
		if now := len(c.streams); now == before && c.settled() {
			break
		}
		before = len(c.streams)
	}
	c.scan() // what they did before they were done
}

// settled reports whether all process managers and outboxes have handled what was
// read.
func (c *checker) settled() bool {
	ledger := dynamo.NewProcesses(c.stack.Client(), dynamo.TableName(domain.App().Prefix(stack.Stage), dynamo.ProcessesTable()))
	for _, r := range domain.Processes() {
		d := r.Describe()
		var keys []process.Key
		last := map[events.Stream]int64{}
		for stream, commits := range c.streams {
			for _, commit := range commits {
				if slices.ContainsFunc(commit.Events, func(e events.Event) bool { return slices.Contains(d.Events, e.Name) }) {
					last[stream] = commit.Number
				}
			}
			if last[stream] > 0 && slices.Contains(d.Aggregates, stream.Aggregate()) {
				keys = append(keys, process.Key{Reactor: d.Name, Stream: stream})
			}
		}
		for chunk := range slices.Chunk(keys, 100) {
			entries, err := ledger.Load(c.t.Context(), chunk)
			if err != nil {
				c.t.Fatal(err)
			}
			for i, e := range entries {
				if e == nil || e.Commit < last[chunk[i].Stream] {
					return false
				}
			}
		}
	}
	return true
}

// scan reads the events table.
func (c *checker) scan() {
	clear(c.streams)
	store := dynamo.NewEventStore(c.stack.Client(), dynamo.TableName(domain.App().Prefix(stack.Stage), dynamo.EventsTable()))
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := store.Scan(c.t.Context(), 0, 1, cursor)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, commit := range page {
			c.streams[commit.Stream] = append(c.streams[commit.Stream], commit)
		}
		cursor = next
	}
	if len(c.streams) < 400 {
		c.t.Fatalf("the store holds %d streams", len(c.streams))
	}
}

// lists has a list of each view: its answer waits for what the tokens name.
var lists = map[string]string{
	"users":      "users?limit=1",
	"products":   "products?category=x&limit=1",
	"categories": "categories?limit=1",
	"orders":     "orders?status=placed&limit=1",
	"sales":      "sales?category=x&limit=1",
}

// awaitViews asks a list of every view for all commits, until no answer is stale:
// the API waits for the projector.
func (c *checker) awaitViews() {
	after := map[string][]string{}
	for stream, commits := range c.streams {
		token := events.Token{Stream: stream, Version: commits[len(commits)-1].Version}
		after[stream.Aggregate()] = append(after[stream.Aggregate()], "after="+url.QueryEscape(token.String()))
	}
	for _, v := range domain.Views() {
		d := v.Describe()
		if lists[d.Name] == "" {
			c.t.Fatalf("no list of %s: it can't be waited for", d.Name)
		}
		for _, aggregate := range d.Aggregates {
			for chunk := range slices.Chunk(after[aggregate], 20) {
				for stale := true; stale; {
					header, _ := c.get("/" + lists[d.Name] + "&" + strings.Join(chunk, "&"))
					stale = header.Get("Daybook-Stale") != ""
				}
			}
		}
	}
}

func (c *checker) get(path string) (http.Header, []byte) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.stack.URL()+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		c.t.Fatalf("GET %s: %s %s %v", path, response.Status, body, err)
	}
	return response.Header, body
}

// view compares every item of a view's table with the fold of all events.
func (c *checker) view(v view.View) {
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		c.t.Fatal(err)
	}
	fold, err := projection.NewFold(v, codec)
	if err != nil {
		c.t.Fatal(err)
	}
	d := v.Describe()
	for stream, commits := range c.streams {
		if slices.Contains(d.Aggregates, stream.Aggregate()) {
			if err := fold.Add(commits); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	want, err := fold.Items()
	if err != nil {
		c.t.Fatal(err)
	}
	table := dynamo.NewTables(c.stack.Client(), domain.App().Prefix(stack.Stage)).Table(d.Name, d.Version)
	for chunk := range slices.Chunk(want, 100) {
		c.items(v, table, chunk)
	}
	c.t.Logf("%s: %d items are as the events say", d.Name, len(want))
}

func (c *checker) items(v view.View, table driver.Table, want []driver.Item) {
	keys := make([]string, len(want))
	for i, item := range want {
		keys[i] = item.Key
	}
	got, err := table.Get(context.WithoutCancel(c.t.Context()), keys)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range want {
		if !projection.Same(v, got[i], &want[i]) {
			c.t.Errorf("%s %s is %+v, want %+v", v.Describe().Name, keys[i], got[i], want[i])
		}
	}
}

// pages pages through the largest category by price.
func (c *checker) pages() {
	var all struct {
		Items []struct {
			ID       string `json:"id"`
			Products int    `json:"products"`
		} `json:"items"`
	}
	_, body := c.get("/categories?sort=-products&limit=1")
	if err := json.Unmarshal(body, &all); err != nil || len(all.Items) != 1 {
		c.t.Fatalf("%s %v", body, err)
	}
	largest := all.Items[0]
	seen, last := map[string]bool{}, int64(-1)
	for cursor, more := "", true; more; more = cursor != "" {
		var page struct {
			Items []struct {
				ID    string `json:"id"`
				Price int64  `json:"price"`
			} `json:"items"`
			Next string `json:"next"`
		}
		_, body := c.get("/products?category=" + url.QueryEscape(largest.ID) + "&sort=price&limit=10" + cursor)
		if err := json.Unmarshal(body, &page); err != nil {
			c.t.Fatal(err)
		}
		for _, item := range page.Items {
			if seen[item.ID] || item.Price < last {
				c.t.Fatalf("product %s at price %d after %d, seen before: %v", item.ID, item.Price, last, seen[item.ID])
			}
			seen[item.ID], last = true, item.Price
		}
		cursor = ""
		if page.Next != "" {
			cursor = "&cursor=" + url.QueryEscape(page.Next)
		}
	}
	if len(seen) != largest.Products {
		c.t.Errorf("paging through %s gave %d products, it counts %d", largest.ID, len(seen), largest.Products)
	}
}
