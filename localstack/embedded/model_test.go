package embedded_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"daybook/localstack/embedded"
)

// modelKey is an item's key in the model: pk, and sk as a number.
type modelKey struct {
	pk string
	sk int
}

func (k modelKey) item() item { return item{"pk": s(k.pk), "sk": n(strconv.Itoa(k.sk))} }

// modelItem is what the model knows of an item. Owner "" is absent.
type modelItem struct {
	owner string
	rank  int
	n     int
}

func (m modelItem) of(k modelKey) item {
	it := k.item()
	it["rank"], it["n"] = n(strconv.Itoa(m.rank)), n(strconv.Itoa(m.n))
	if m.owner != "" {
		it["owner"] = s(m.owner)
	}
	return it
}

// model compares a database with a map, through every operation.
type model struct {
	t       *testing.T
	opts    embedded.Options
	e       *engine
	items   map[modelKey]modelItem
	changes int // that made a stream record
}

func drawKey(rt *rapid.T) modelKey {
	return modelKey{rapid.SampledFrom([]string{"a", "b", "a\x00", "ä"}).Draw(rt, "pk"), rapid.IntRange(-2, 2).Draw(rt, "sk")}
}

func drawItem(rt *rapid.T) modelItem {
	return modelItem{
		rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(rt, "owner"), rapid.IntRange(-3, 3).Draw(rt, "rank"), rapid.IntRange(0, 3).Draw(rt, "n"),
	}
}

func (m *model) set(k modelKey, v modelItem) {
	if old, ok := m.items[k]; !ok || old != v {
		m.changes++
	}
	m.items[k] = v
}

func (m *model) remove(k modelKey) {
	if _, ok := m.items[k]; ok {
		m.changes++
	}
	delete(m.items, k)
}

// Put replaces an item, in half of all cases only if there is none.
func (m *model) Put(rt *rapid.T) {
	k, v, conditional := drawKey(rt), drawItem(rt), rapid.Bool().Draw(rt, "conditional")
	in := &dynamodb.PutItemInput{TableName: aws.String("things"), Item: v.of(k), ReturnValues: types.ReturnValueAllOld}
	old, exists := m.items[k]
	if conditional {
		in.ConditionExpression = aws.String("attribute_not_exists(pk)")
		in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	out, err := m.e.PutItem(m.t.Context(), in)
	var failed *types.ConditionalCheckFailedException
	switch {
	case conditional && exists:
		if !errors.As(err, &failed) || text(failed.Item) != text(old.of(k)) {
			rt.Fatalf("got %v", err)
		}
		return
	case err != nil:
		rt.Fatal(err)
	case exists && text(out.Attributes) != text(old.of(k)) || !exists && out.Attributes != nil:
		rt.Fatalf("the old item is %v", out.Attributes)
	}
	m.set(k, v)
}

// Add counts an item's n up, which makes the item if need be.
func (m *model) Add(rt *rapid.T) {
	k, by := drawKey(rt), rapid.IntRange(-1, 1).Draw(rt, "by")
	out, err := m.e.UpdateItem(m.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: k.item(), UpdateExpression: aws.String("ADD n :by SET #r = if_not_exists(#r, :zero)"),
		ExpressionAttributeNames: map[string]string{"#r": "rank"}, ReturnValues: types.ReturnValueAllNew,
		ExpressionAttributeValues: item{":by": n(strconv.Itoa(by)), ":zero": n("0")},
	})
	if err != nil {
		rt.Fatal(err)
	}
	v := m.items[k]
	v.n += by
	m.set(k, v)
	if text(out.Attributes) != text(v.of(k)) {
		rt.Fatalf("got %s, want %s", text(out.Attributes), text(v.of(k)))
	}
}

// Leave takes an item out of the index.
func (m *model) Leave(rt *rapid.T) {
	k := drawKey(rt)
	v, exists := m.items[k]
	_, err := m.e.UpdateItem(m.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: k.item(), UpdateExpression: aws.String("REMOVE #o"), ConditionExpression: aws.String("attribute_exists(pk)"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"},
	})
	if (err == nil) != exists {
		rt.Fatal(err)
	}
	if exists {
		v.owner = ""
		m.set(k, v)
	}
}

func (m *model) Delete(rt *rapid.T) {
	k := drawKey(rt)
	if _, err := m.e.DeleteItem(m.t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: k.item()}); err != nil {
		rt.Fatal(err)
	}
	m.remove(k)
}

// Transact puts one item and deletes another, if a third has an n below 2.
func (m *model) Transact(rt *rapid.T) {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 3, 3, rapid.ID[modelKey]).Draw(rt, "keys")
	v := drawItem(rt)
	_, err := m.e.TransactWriteItems(m.t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("things"), Item: v.of(keys[0])}},
		{Delete: &types.Delete{TableName: aws.String("things"), Key: keys[1].item()}},
		{ConditionCheck: &types.ConditionCheck{
			TableName: aws.String("things"), Key: keys[2].item(), ConditionExpression: aws.String("n < :two"), ExpressionAttributeValues: item{":two": n("2")},
		}},
	}})
	third, exists := m.items[keys[2]]
	if (err == nil) != (exists && third.n < 2) {
		rt.Fatalf("%v", err)
	}
	if err == nil {
		m.set(keys[0], v)
		m.remove(keys[1])
	}
}

func (m *model) Batch(rt *rapid.T) {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 6, rapid.ID[modelKey]).Draw(rt, "keys")
	var writes []types.WriteRequest
	for i, k := range keys {
		if i%2 == 0 {
			v := drawItem(rt)
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: v.of(k)}})
			m.set(k, v)
		} else {
			writes = append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k.item()}})
			m.remove(k)
		}
	}
	if _, err := m.e.BatchWriteItem(m.t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"things": writes}}); err != nil {
		rt.Fatal(err)
	}
}

// Query reads a partition between two bounds, in pages, in either direction.
func (m *model) Query(rt *rapid.T) {
	pk := drawKey(rt).pk
	from, to, forward := rapid.IntRange(-3, 1).Draw(rt, "from"), rapid.IntRange(0, 3).Draw(rt, "to"), rapid.Bool().Draw(rt, "forward")
	in := &dynamodb.QueryInput{
		TableName: aws.String("things"), KeyConditionExpression: aws.String("pk = :p AND sk BETWEEN :a AND :b"), ScanIndexForward: &forward,
		Limit:                     aws.Int32(int32(rapid.IntRange(1, 4).Draw(rt, "limit"))),
		ExpressionAttributeValues: item{":p": s(pk), ":a": n(strconv.Itoa(from)), ":b": n(strconv.Itoa(max(from, to)))},
	}
	var want []string
	for sk := from; sk <= max(from, to); sk++ {
		if v, ok := m.items[modelKey{pk, sk}]; ok {
			want = append(want, text(v.of(modelKey{pk, sk})))
		}
	}
	m.pages(rt, in, forward, want)
}

// QueryIndex reads an owner's items by rank.
func (m *model) QueryIndex(rt *rapid.T) {
	owner, forward := rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "owner"), rapid.Bool().Draw(rt, "forward")
	in := &dynamodb.QueryInput{
		TableName: aws.String("things"), IndexName: aws.String("by-owner"), KeyConditionExpression: aws.String("#o = :o"), ScanIndexForward: &forward,
		Limit:                    aws.Int32(int32(rapid.IntRange(1, 4).Draw(rt, "limit"))),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": s(owner)},
	}
	got := m.read(rt, in)
	var ranks []int
	for _, it := range got {
		rank, err := strconv.Atoi(value(it["rank"]))
		if err != nil {
			rt.Fatal(err)
		}
		ranks = append(ranks, rank)
	}
	if !forward {
		slices.Reverse(ranks)
	}
	if !slices.IsSorted(ranks) {
		rt.Fatalf("ranks %v", ranks)
	}
	m.same(rt, got, func(v modelItem) bool { return v.owner == owner })
}

// QueryWide reads an owner's items of a rank by n, from the index whose key has
// two hash attributes and two range attributes.
func (m *model) QueryWide(rt *rapid.T) {
	owner, rank := rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "owner"), rapid.IntRange(-3, 3).Draw(rt, "rank")
	from, to, forward := rapid.IntRange(-1, 2).Draw(rt, "from"), rapid.IntRange(0, 3).Draw(rt, "to"), rapid.Bool().Draw(rt, "forward")
	in := &dynamodb.QueryInput{
		TableName: aws.String("things"), IndexName: aws.String("wide"), ScanIndexForward: &forward,
		KeyConditionExpression:    aws.String("#o = :o AND #r = :r AND n BETWEEN :a AND :b"),
		Limit:                     aws.Int32(int32(rapid.IntRange(1, 4).Draw(rt, "limit"))),
		ExpressionAttributeNames:  map[string]string{"#o": "owner", "#r": "rank"},
		ExpressionAttributeValues: item{":o": s(owner), ":r": n(strconv.Itoa(rank)), ":a": n(strconv.Itoa(from)), ":b": n(strconv.Itoa(max(from, to)))},
	}
	got := m.read(rt, in)
	order := func(a, b item) int {
		x, y := value(a["n"]), value(b["n"])
		if x == y {
			x, y = value(a["sk"]), value(b["sk"])
		}
		one, _ := strconv.Atoi(x)
		two, _ := strconv.Atoi(y)
		return one - two
	}
	sorted := slices.Clone(got)
	if !forward {
		slices.Reverse(sorted)
	}
	if !slices.IsSortedFunc(sorted, order) {
		rt.Fatalf("out of order: %v", got)
	}
	m.same(rt, got, func(v modelItem) bool {
		return v.owner == owner && v.rank == rank && v.n >= from && v.n <= max(from, to)
	})
}

func (m *model) read(rt *rapid.T, in *dynamodb.QueryInput) (items []item) {
	for {
		out, err := m.e.Query(m.t.Context(), in)
		if err != nil {
			rt.Fatal(err)
		}
		items = append(items, out.Items...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return items
		}
	}
}

func (m *model) pages(rt *rapid.T, in *dynamodb.QueryInput, forward bool, want []string) {
	var got []string
	for _, it := range m.read(rt, in) {
		got = append(got, text(it))
	}
	if !forward {
		slices.Reverse(want)
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("got %v, want %v", got, want)
	}
}

// same fails unless the items are those of the model that belong.
func (m *model) same(rt *rapid.T, items []item, belongs func(modelItem) bool) {
	var got, want []string
	for _, it := range items {
		got = append(got, text(it))
	}
	for k, v := range m.items {
		if belongs(v) {
			want = append(want, text(v.of(k)))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		rt.Fatalf("got %v\nwant %v", got, want)
	}
}

// Reopen restarts the database.
func (m *model) Reopen(*rapid.T) {
	if m.opts.Dir != "" {
		m.e = m.e.reopen(m.t, m.opts)
	}
}

// Check compares everything.
func (m *model) Check(rt *rapid.T) {
	m.same(rt, m.e.scanAll(m.t, "things", ""), func(modelItem) bool { return true })
	for _, index := range []string{"by-owner", "wide"} {
		m.same(rt, m.e.scanAll(m.t, "things", index), func(v modelItem) bool { return v.owner != "" })
	}
	last, count := map[string]string{}, 0
	for _, r := range m.e.records(m.t, "things") {
		key := image(r.Dynamodb.Keys)
		if old := image(r.Dynamodb.OldImage); old != last[key] && (old != "{}" || last[key] != "") {
			rt.Fatalf("a record of %s goes on from %s, the last one led to %s", key, old, last[key])
		}
		if last[key] = image(r.Dynamodb.NewImage); last[key] == "{}" {
			last[key] = ""
		}
		count++
	}
	if count != m.changes {
		rt.Fatalf("%d records of %d changes", count, m.changes)
	}
	for k, v := range m.items {
		if got := last[text(k.item())]; got != text(v.of(k)) {
			rt.Fatalf("the stream ends in %s, the table in %s", got, text(v.of(k)))
		}
	}
}

func TestAgainstAModel(t *testing.T) {
	t.Parallel()
	for name, compactAt := range map[string]int64{"memory": 0, "log": 1 << 30, "snapshots": 2 << 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				opts := embedded.Options{CompactAt: compactAt}
				if compactAt > 0 {
					opts.Dir = t.TempDir()
				}
				m := &model{t: t, opts: opts, e: start(t, opts), items: map[modelKey]modelItem{}}
				m.e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewAndOldImages),
					withIndex("by-owner", "owner", "rank", projectAll), withWideIndex("wide", []string{"owner:S", "rank:N"}, []string{"n:N", "sk:N"}, projectAll))
				actions := map[string]func(*rapid.T){
					"put": m.Put, "add": m.Add, "leave": m.Leave, "delete": m.Delete, "transact": m.Transact, "batch": m.Batch,
					"query": m.Query, "index": m.QueryIndex, "wide": m.QueryWide, "check": m.Check,
				}
				names := slices.Sorted(maps.Keys(actions))
				for range rapid.IntRange(1, 60).Draw(rt, "steps") {
					actions[rapid.SampledFrom(names).Draw(rt, "action")](rt)
				}
				m.Reopen(rt)
				m.Check(rt)
				if err := m.e.db.Close(); err != nil {
					rt.Fatal(err)
				}
			})
		})
	}
}

// TestManyClients lets sixteen clients count the same items up: no addition is
// lost, and every version is in the stream once, in order.
func TestManyClients(t *testing.T) {
	t.Parallel()
	e := start(t, embedded.Options{Dir: t.TempDir(), CompactAt: 64 << 10})
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage), withIndex("by-owner", "owner", "v", projectAll))
	const clients, rounds = 16, 40
	done := make(chan error, clients)
	for c := range clients {
		go func() {
			for i := range rounds {
				if _, err := e.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName: aws.String("things"), Key: modelKey{"p", (c + i) % 4}.item(), UpdateExpression: aws.String("ADD v :one SET #o = :o"),
					ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":one": n("1"), ":o": s("o" + strconv.Itoa(c%3))},
				}); err != nil {
					done <- err
					return
				}
				if _, err := e.Query(t.Context(), &dynamodb.QueryInput{
					TableName: aws.String("things"), IndexName: aws.String("by-owner"), KeyConditionExpression: aws.String("#o = :o"),
					ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": s("o1")},
				}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	sum, versions := 0, map[string]int{}
	for _, it := range e.scanAll(t, "things", "") {
		v, err := strconv.Atoi(value(it["v"]))
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	for _, r := range e.records(t, "things") {
		key := image(r.Dynamodb.Keys)
		if versions[key]++; imageValue(r.Dynamodb.NewImage["v"]) != strconv.Itoa(versions[key]) {
			t.Fatalf("%s after version %d", strings.TrimSpace(image(r.Dynamodb.NewImage)), versions[key]-1)
		}
	}
	if sum != clients*rounds || len(e.scanAll(t, "things", "by-owner")) != 4 {
		t.Fatal(fmt.Sprint(sum))
	}
}
