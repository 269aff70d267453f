package e2e

import (
	"context"
	"encoding/csv"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/domain"
	products "daybook/domain/product"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// The long form of TestRebuildUnderLoad, on a real catalogue:
//
//	go test ./domain/e2e -run TestRebuildUnderLoad -rebuild.reads 100000 -rebuild.catalogue FOLDER -v -timeout 1h
var (
	rebuildReads     = flag.Int("rebuild.reads", 1000, "reads to check while a view is rebuilt")
	rebuildCatalogue = flag.String("rebuild.catalogue", "", "folder with products.csv and orders.csv, as domain/catalogue loads them; made up when empty")
	rebuildKills     = flag.Int("rebuild.kills", 10, "how often the rebuild is cut off")
)

// TestRebuildUnderLoad rebuilds the view products while commands change it and
// queries read it: the rebuild is cut off at random moments and resumed, reads
// are switched over and back, and every answer is what the events say.
func TestRebuildUnderLoad(t *testing.T) {
	onStacks(t, func(t *testing.T, s *stack.Stack) {
		l := newLoad(t, s)
		l.fill(t)
		l.run(t)
	})
}

// load is what goes on while the view is rebuilt.
type load struct {
	*client
	db       *dynamo.Client
	store    *dynamo.EventStore
	codec    *events.Codec
	tables   *dynamo.Tables
	operator *operator
	products []string
	groups   []string

	reads    atomic.Int64
	commands atomic.Int64
	stop     atomic.Bool
	mu       sync.Mutex
	known    map[string][]events.Commit
	right    map[string]string // rows by id and version
	problems []string
}

func newLoad(t *testing.T, s *stack.Stack) *load {
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	db := s.Client()
	return &load{
		client: &client{t: t, target: target{name: t.Name(), url: s.URL()}}, db: db, codec: codec,
		store: dynamo.NewEventStore(db, domain.App().Prefix(stack.Stage)+"-events"), tables: dynamo.NewTables(db, domain.App().Prefix(stack.Stage)), operator: newOperator(t, s),
		known: map[string][]events.Commit{}, right: map[string]string{},
	}
}

func (l *load) problem(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) < 10 {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// batchCommand is an element of POST /commands.
type batchCommand struct {
	Command   string `json:"command"`
	ID        string `json:"id"`
	CommandID string `json:"commandId"`
	Payload   any    `json:"payload"`
}

// fill adds the products, and the orders of a real catalogue.
func (l *load) fill(t *testing.T) {
	var commands []batchCommand
	add := func(id, category string, price int64) {
		l.products = append(l.products, id)
		commands = append(commands, batchCommand{"add-product", id, "add-" + id, map[string]any{
			"name": "P " + id, "category": category, "price": price, "currency": "EUR", "stock": 1000,
		}})
	}
	if *rebuildCatalogue == "" {
		l.groups = []string{"art", "garden", "toys"}
		for i := range 300 {
			add(fmt.Sprintf("p%03d", i), l.groups[i%3], int64(i%50))
		}
	} else {
		seen := map[string]bool{}
		for _, row := range readCSV(t, "products.csv") {
			price, _ := strconv.ParseInt(row[3], 10, 64)
			add(row[0], row[1], price)
			if !seen[row[1]] {
				seen[row[1]] = true
				l.groups = append(l.groups, row[1])
			}
		}
		for i, row := range readCSV(t, "orders.csv") {
			if customer := row[1]; !seen[customer] {
				seen[customer] = true
				commands = append(commands, batchCommand{"create-user", customer, "create-" + customer, userPayload{"Ann", customer + "@example.com"}})
			}
			commands = append(commands, batchCommand{"place-order", fmt.Sprintf("%s-%d", row[0], i), fmt.Sprintf("order-%d", i), map[string]any{
				"customer": row[1], "currency": "EUR", "lines": []map[string]any{{"product": row[2], "quantity": 1, "price": 1}},
			}})
		}
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for len(commands) > 0 {
		n := min(100, len(commands))
		body, err := json.Marshal(commands[:n])
		if err != nil {
			t.Fatal(err)
		}
		commands = commands[n:]
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for range 20 { // commands that were refused as busy are sent again
				a := l.do(http.MethodPost, "/commands", string(body))
				if a.status == http.StatusMultiStatus && !busy(a) {
					return
				}
			}
			l.problem("a batch is not accepted")
		})
	}
	wg.Wait()
	l.await(t)
}

func busy(a answer) bool {
	var results []struct {
		Status int `json:"status"`
	}
	_ = json.Unmarshal(a.body, &results)
	for _, r := range results {
		if r.Status >= 500 {
			return true
		}
	}
	return false
}

func readCSV(t *testing.T, name string) [][]string {
	f, err := os.Open(filepath.Join(*rebuildCatalogue, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// await waits until the view has all products as the events say: with a token
// for a row that is right, and without one for a row that is stored, since later
// reads have none.
func (l *load) await(t *testing.T) {
	for _, id := range l.products {
		commits := l.commits(t.Context(), id, 1<<30)
		if len(commits) == 0 {
			t.Fatalf("product %s was not added", id)
		}
		token := fmt.Sprintf("product/%s@%d", id, commits[len(commits)-1].Version)
		if a := l.get("/products/" + id + "?" + after(token)); a.status != http.StatusOK {
			t.Fatalf("product %s: %d %s", id, a.status, a.body)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			a := l.get("/products/" + id)
			if a.status == http.StatusOK {
				break
			}
			if a.status != http.StatusNotFound || time.Now().After(deadline) {
				t.Fatalf("product %s is not stored: %d %s", id, a.status, a.body)
			}
		}
	}
}

// commits returns the first commits of a product, up to a version, and beyond.
func (l *load) commits(ctx context.Context, id string, version int64) []events.Commit {
	l.mu.Lock()
	all := l.known[id]
	l.mu.Unlock()
	if n := len(all); n > 0 && all[n-1].Version >= version {
		return all
	}
	for {
		page, err := l.store.Read(ctx, events.StreamOf("product", id), int64(len(all))+1, 100)
		if events.Transient(err) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			l.problem("read of %s: %v", id, err)
			return nil
		}
		all = append(all[:len(all):len(all)], page...)
		if len(page) < 100 {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(all) > len(l.known[id]) {
		l.known[id] = all
	}
	return all
}

// check compares a row with the events.
func (l *load) check(ctx context.Context, text []byte) (id string, version int64) {
	var row struct {
		ID      string `json:"id"`
		Version int64  `json:"version"`
	}
	if err := json.Unmarshal(text, &row); err != nil {
		l.problem("%v in %s", err, text)
		return "", 0
	}
	name := fmt.Sprintf("%s@%d", row.ID, row.Version)
	l.mu.Lock()
	want, ok := l.right[name]
	l.mu.Unlock()
	if !ok {
		fold, err := projection.NewFold(products.Products, l.codec)
		if err != nil {
			l.problem("%v", err)
			return row.ID, row.Version
		}
		var until []events.Commit
		for _, c := range l.commits(ctx, row.ID, row.Version) {
			if c.Version <= row.Version {
				until = append(until, c)
			}
		}
		if err := fold.Add(until); err != nil {
			l.problem("row %s: %v", text, err)
			return row.ID, row.Version
		}
		answer, _, err := fold.Row("", row.ID)
		if err != nil {
			l.problem("%v", err)
		}
		want = string(answer.JSON)
		l.mu.Lock()
		l.right[name] = want
		l.mu.Unlock()
	}
	if want != strings.TrimSuffix(string(text), "\n") {
		l.problem("a row is\n%s, want\n%s", text, want)
	}
	return row.ID, row.Version
}

// command changes random products as long as the load goes on.
func (l *load) change(random *rand.Rand) {
	for n := 0; !l.stop.Load(); n++ {
		id := l.products[random.IntN(len(l.products))]
		var a answer
		switch random.IntN(4) {
		case 0:
			a = l.try("change-product-price", id, map[string]any{"price": random.IntN(10_000)})
		case 1:
			a = l.try("move-product-category", id, map[string]any{"category": l.groups[random.IntN(len(l.groups))]})
		case 2:
			a = l.try("restock-product", id, map[string]any{"quantity": 1 + random.IntN(5)})
		case 3:
			_, err := l.operator.send("reserve-stock", id, map[string]any{"order": fmt.Sprintf("o%d", random.Uint32()), "quantity": 1})
			if err != nil && !rejected(err) {
				l.problem("reserve-stock: %v", err)
			}
		}
		if a.status >= 500 {
			l.problem("command: %d %s", a.status, a.body)
		}
		l.commands.Add(1)
	}
}

// read asks for rows and walks through lists until there were enough reads.
func (l *load) read(ctx context.Context, random *rand.Rand) {
	seen := map[string]int64{}
	for !l.stop.Load() {
		if random.IntN(20) == 0 {
			l.walk(ctx, random)
			continue
		}
		id := l.products[random.IntN(len(l.products))]
		a := l.get("/products/" + id)
		l.reads.Add(1)
		if a.status != http.StatusOK {
			l.problem("GET /products/%s: %d %s", id, a.status, a.body)
			continue
		}
		got, version := l.check(ctx, a.body)
		if got != id || version < seen[id] {
			l.problem("product %s: row of %s at version %d after %d", id, got, version, seen[id])
		}
		seen[id] = version
	}
}

// walk reads pages of a list: each in order, each row right.
func (l *load) walk(ctx context.Context, random *rand.Rand) {
	path := "/products?limit=20&sort=price&category=" + escape(l.groups[random.IntN(len(l.groups))])
	last, cursor := int64(-1), ""
	for range 10 {
		a := l.get(path + cursor)
		l.reads.Add(1)
		if a.status != http.StatusOK || a.header.Get("Daybook-Stale") != "" {
			l.problem("GET %s: %d %s", path, a.status, a.body)
			return
		}
		page := decode[struct {
			Items []jsontext.Value `json:"items"`
			Next  string           `json:"next"`
		}](l.client, a)
		for _, row := range page.Items {
			l.check(ctx, row)
			var p struct {
				Price int64 `json:"price"`
			}
			if err := json.Unmarshal(row, &p); err != nil || p.Price < last {
				l.problem("GET %s: price %d after %d, %v", path, p.Price, last, err)
			}
			last = p.Price
		}
		if page.Next == "" {
			return
		}
		cursor = "&cursor=" + escape(page.Next)
	}
}

func (l *load) run(t *testing.T) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range uint64(2) {
		wg.Go(func() { l.change(rand.New(rand.NewPCG(1, i))) })
		wg.Go(func() { l.read(ctx, rand.New(rand.NewPCG(2, i))) })
	}
	first := driver.Target{View: "products", Version: 1, Generation: 1}
	next := l.rebuild(t)
	l.switchTo(t, next)
	if *rebuildReads >= 10_000 { // and back, and over again: each takes seconds
		l.goOn(int64(*rebuildReads) * 2 / 3)
		l.switchTo(t, first)
		l.goOn(int64(*rebuildReads))
		l.switchTo(t, next)
	}
	l.goOn(int64(*rebuildReads))
	l.stop.Store(true)
	wg.Wait()
	l.await(t)
	t.Logf("%d reads, %d commands", l.reads.Load(), l.commands.Load())
	for _, p := range l.problems {
		t.Error(p)
	}
	l.verify(t, first)
	l.verify(t, next)
}

// goOn waits until there were so many reads.
func (l *load) goOn(reads int64) {
	for l.reads.Load() < reads {
		time.Sleep(10 * time.Millisecond)
	}
}

// rebuilder is a new process, as it were.
func (l *load) rebuilder(t *testing.T) *admin.Rebuilder {
	r, err := admin.NewRebuilder(l.store.StrongScan(), l.codec, l.tables, domain.Views(),
		&admin.RebuildOptions{Segments: 16, Workers: 2, Chunk: 50, Lease: time.Second, Rate: float64(len(l.products))})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rebuild runs the rebuild, cut off at random moments.
func (l *load) rebuild(t *testing.T) driver.Target {
	for range *rebuildKills {
		ctx, cut := context.WithTimeout(t.Context(), time.Duration(rand.IntN(250))*time.Millisecond)
		_, err := l.rebuilder(t).Run(ctx, "products")
		cut()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Logf("cut off too late: %v", err)
		}
	}
	for range 50 {
		p, err := l.rebuilder(t).Run(t.Context(), "products")
		switch {
		case err == nil:
			t.Logf("%+v", p)
			return p.Target
		case events.CodeOf(err) == events.CodeConflict: // built by a run that was cut off
			return driver.Target{View: "products", Version: 1, Generation: 2}
		case !events.Transient(err):
			t.Fatal(err)
		}
	}
	t.Fatal("the rebuild does not end")
	return driver.Target{}
}

func (l *load) switchTo(t *testing.T, to driver.Target) {
	r := l.rebuilder(t)
	for range 50 {
		at, err := r.Switch(t.Context(), to, nil)
		if err == nil {
			time.Sleep(time.Until(at) + 100*time.Millisecond)
			return
		}
		if code := events.CodeOf(err); code == events.CodeInternal {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("no switch to %s", to)
}

// verify compares a table with the events: every row, and that there are no
// others.
func (l *load) verify(t *testing.T, at driver.Target) {
	t.Helper()
	table, wrong := l.tables.Open(at), 0
	for _, id := range l.products {
		fold, err := projection.NewFold(products.Products, l.codec)
		if err != nil {
			t.Fatal(err)
		}
		want, err := fold.Stream(l.commits(t.Context(), id, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		// Delivered records may still be on their way.
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			got, err := table.Get(t.Context(), []string{want.Key})
			if err == nil && projection.Same(products.Products, &want, got[0]) {
				break
			}
			if time.Now().After(deadline) {
				wrong++
				t.Errorf("%s %s is %+v, want %+v (%v)", at, id, got, want, err)
				break
			}
		}
		if wrong > 3 {
			t.FailNow()
		}
	}
	name, n := domain.App().Prefix(stack.Stage)+"-products-"+at.String(), 0
	var from map[string]types.AttributeValue
	for tries := 0; tries < 1000; {
		out, err := l.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name, ExclusiveStartKey: from})
		if err != nil {
			tries++
			continue
		}
		n += len(out.Items)
		if from = out.LastEvaluatedKey; len(from) == 0 {
			break
		}
	}
	if n != len(l.products) {
		t.Errorf("table %s has %d items, want %d", name, n, len(l.products))
	}
}
