package embedded_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"daybook/localstack/embedded"
)

// reopen closes a database and opens its directory again.
func (e *engine) reopen(t testing.TB, opts embedded.Options) *engine {
	t.Helper()
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	return start(t, opts)
}

// state is all that a client can see, as text.
func (e *engine) state(t testing.TB) string {
	t.Helper()
	tables, err := e.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range tables.TableNames {
		d := e.describe(t, name)
		fmt.Fprintln(&b, name, *d.ItemCount, *d.TableSizeBytes)
		for _, it := range e.scanAll(t, name, "") {
			fmt.Fprintln(&b, " ", text(it))
		}
		for _, x := range d.GlobalSecondaryIndexes {
			fmt.Fprintln(&b, *x.IndexName, x.IndexStatus, *x.ItemCount, *x.IndexSizeBytes)
			for _, it := range e.scanAll(t, name, *x.IndexName) {
				fmt.Fprintln(&b, " ", text(it))
			}
		}
		if d.LatestStreamArn == nil {
			continue
		}
		for i, shard := range e.shardRecords(t, *d.LatestStreamArn) {
			for _, r := range shard {
				fmt.Fprintln(&b, "shard", i, *r.Dynamodb.SequenceNumber, *r.EventID, r.EventName,
					image(r.Dynamodb.Keys), image(r.Dynamodb.OldImage), image(r.Dynamodb.NewImage), r.UserIdentity != nil)
			}
		}
	}
	return b.String()
}

// image is a stream record's image as text.
func image(it map[string]streamtypes.AttributeValue) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		parts = append(parts, name+"="+imageValue(it[name]))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func imageValue(v streamtypes.AttributeValue) string {
	switch v := v.(type) {
	case *streamtypes.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *streamtypes.AttributeValueMemberN:
		return v.Value
	}
	return fmt.Sprintf("%#v", v)
}

func (e *engine) scanAll(t testing.TB, table, index string) []item {
	t.Helper()
	in := &dynamodb.ScanInput{TableName: &table}
	if index != "" {
		in.IndexName = &index
	}
	var items []item
	for p := dynamodb.NewScanPaginator(e, in); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, out.Items...)
	}
	return items
}

// text is an item with its attributes in order.
func text(it item) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		parts = append(parts, name+"="+value(it[name]))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func value(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberM:
		return text(v.Value)
	case *types.AttributeValueMemberL:
		var parts []string
		for _, e := range v.Value {
			parts = append(parts, value(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", v.Value)
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("%q", slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		return fmt.Sprint(slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberBS:
		return fmt.Sprintf("%x", slices.SortedFunc(slices.Values(v.Value), bytes.Compare))
	case *types.AttributeValueMemberBOOL:
		return strconv.FormatBool(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	}
	return fmt.Sprintf("%#v", v)
}

func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// lastLog is the path of the directory's last segment.
func lastLog(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "log-*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return slices.Max(names)
}

func size(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// history makes some changes of every kind in a directory and notes what a
// client sees, and how long the log is, after each.
func history(t testing.TB, e *engine, dir string) (states []string, sizes []int64) {
	t.Helper()
	note := func() {
		states, sizes = append(states, e.state(t)), append(sizes, size(t, lastLog(t, dir)))
	}
	note()
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewAndOldImages), withIndex("by-owner", "owner", "sk", projectAll))
	note()
	for i := range 6 {
		e.put(t, "things", item{"pk": s(fmt.Sprint("p", i)), "sk": n("1"), "owner": s("ann"), "n": n(strconv.Itoa(i))})
		note()
	}
	mustUpdate(t, e, &dynamodb.UpdateItemInput{
		TableName: aws.String("things"), Key: item{"pk": s("p1"), "sk": n("1")}, UpdateExpression: aws.String("REMOVE #o SET n = n + :n"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":n": n("10")},
	})
	note()
	if _, err := e.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("things"), Key: item{"pk": s("p2"), "sk": n("1")}}); err != nil {
		t.Fatal(err)
	}
	note()
	e.transfer(t, "token-1", "p3", "p4")
	note()
	e.table(t, "other", "")
	note()
	e.put(t, "other", item{"pk": s("x"), "m": &types.AttributeValueMemberM{Value: item{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("1"), s("")}}}}})
	note()
	return states, sizes
}

func mustUpdate(t testing.TB, e *engine, in *dynamodb.UpdateItemInput) *dynamodb.UpdateItemOutput {
	t.Helper()
	out, err := e.UpdateItem(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// transfer moves one from n of an item to n of another in a transaction.
func (e *engine) transfer(t testing.TB, token, from, to string) {
	t.Helper()
	update := func(pk, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String("things"), Key: item{"pk": s(pk), "sk": n("1")},
			UpdateExpression: aws.String("ADD n :by"), ExpressionAttributeValues: item{":by": n(by)},
		}}
	}
	_, err := e.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{update(from, "-1"), update(to, "1")},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReopenedDatabaseIsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir, SyncWrites: true})
	states, _ := history(t, e, dir)
	want := states[len(states)-1]
	for range 2 {
		e = e.reopen(t, embedded.Options{Dir: dir})
		if got := e.state(t); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
	e.transfer(t, "token-1", "p3", "p4")
	if got := e.state(t); got != want {
		t.Fatal("a transaction's token was forgotten by the restart")
	}
	e.put(t, "things", item{"pk": s("p1"), "sk": n("1"), "owner": s("bob")})
	if got := len(e.records(t, "things")); got != 11 {
		t.Fatalf("got %d records", got)
	}
}

// TestOlderDataAreRead: testdata/v1 is a directory as it was written in November 2026, in
// format version 1: a snapshot and the log after it, with tables, an index and time to
// live made, changed and dropped before and after the snapshot; v1.txt is what a client
// saw of it then.
func TestOlderDataAreRead(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(filepath.Join("testdata", "v1.txt"))
	if err != nil {
		t.Fatal(err)
	}
	dir := copyDir(t, filepath.Join("testdata", "v1"))
	opts := embedded.Options{Dir: dir, Now: func() time.Time { return time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) }}
	e := start(t, opts)
	if got := e.state(t); got != string(want) {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	e.transfer(t, "token-2", "p3", "p4")
	if got := e.reopen(t, opts).state(t); got != string(want) {
		t.Fatal("a transaction's token was forgotten")
	}
}

// TestEveryTruncationKeepsWhatWasAcknowledged cuts the log at every byte: what
// is left is the state after the last record that is whole.
func TestEveryTruncationKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	states, sizes := history(t, e, dir)
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	cut := t.TempDir()
	step := 7
	for at := len(whole); at >= 0; at -= step {
		if err := os.WriteFile(filepath.Join(cut, filepath.Base(log)), whole[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		db, err := embedded.Open(t.Context(), embedded.Options{Dir: cut, Log: slog.New(slog.NewTextHandler(&lines, nil))})
		if err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		k, clean := 0, false
		for i, n := range sizes {
			if n <= int64(at) {
				k, clean = i, n == int64(at)
			}
		}
		if got := clients(db, db.RoundTripper(), "http://embedded").state(t); got != states[k] {
			t.Fatalf("cut at %d: got\n%s\nwant\n%s", at, got, states[k])
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if repaired := strings.Count(lines.String(), "repaired"); repaired != 1 && !clean || clean && repaired != 0 {
			t.Fatalf("cut at %d: %q", at, lines.String())
		}
	}
}

// The line about a torn tail promises what holds: a power cut can tear what was
// acknowledged, unless answers wait for the disk.
func TestTornTailPromisesWhatHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	history(t, e, dir)
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for syncWrites, promise := range map[bool]string{
		false: "after a power cut, writes of the last 100ms before it may be lost",
		true:  "no acknowledged write is lost",
	} {
		if err := os.WriteFile(log, whole[:len(whole)-1], 0o600); err != nil {
			t.Fatal(err)
		}
		var lines bytes.Buffer
		db, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, SyncWrites: syncWrites, Log: slog.New(slog.NewTextHandler(&lines, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if line := lines.String(); !strings.Contains(line, promise) || syncWrites == strings.Contains(line, "power cut") {
			t.Errorf("with SyncWrites %v: %s", syncWrites, line)
		}
	}
}

func TestEveryFlippedByteIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	history(t, e, dir)
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	log := lastLog(t, dir)
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 11 {
		whole[at] ^= 0x40
		if err := os.WriteFile(log, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		whole[at] ^= 0x40
		db, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Fatalf("flipped byte %d was not noticed: %v", at, db.Close())
		}
		var damaged *embedded.DamagedError
		if !errors.As(err, &damaged) && !errors.Is(err, embedded.ErrForeign) {
			t.Fatalf("flipped byte %d: %v", at, err)
		}
		if damaged != nil && (damaged.Offset > int64(at) || damaged.Path != log || !strings.Contains(err.Error(), "damaged at byte")) {
			t.Fatalf("flipped byte %d: %v", at, err)
		}
	}
	if got := size(t, log); got != int64(len(whole)) {
		t.Fatalf("a refusal changed the log from %d to %d bytes", len(whole), got)
	}
}

func TestZerosAfterAPowerCutAreATornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	states, _ := history(t, e, dir)
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(lastLog(t, dir), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := start(t, embedded.Options{Dir: dir}).state(t); got != states[len(states)-1] {
		t.Fatal(got)
	}
}

func TestDirectoriesThatAreRefused(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, dir, name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log := "log-00000000000000000001"
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    error
	}{
		"foreign directory": {func(t *testing.T, dir string) { write(t, dir, "holiday.jpg", nil) }, embedded.ErrForeign},
		"foreign file":      {func(t *testing.T, dir string) { write(t, dir, log, bytes.Repeat([]byte("x"), 100)) }, embedded.ErrForeign},
		"later version": {func(t *testing.T, dir string) {
			write(t, dir, log, append([]byte("daybook\x63"), make([]byte, 100)...))
		}, embedded.ErrForeign},
		"missing segment": {func(t *testing.T, dir string) {
			write(t, dir, "log-00000000000000000002", nil)
		}, new(embedded.DamagedError)},
		"missing log": {func(t *testing.T, dir string) {
			write(t, dir, "snapshot-00000000000000000002", nil)
		}, new(embedded.DamagedError)},
		"empty snapshot": {func(t *testing.T, dir string) {
			write(t, dir, "snapshot-00000000000000000002", nil)
			write(t, dir, "log-00000000000000000002", nil)
		}, new(embedded.DamagedError)},
		"torn before the last segment": {func(t *testing.T, dir string) {
			write(t, dir, log, nil)
			write(t, dir, "log-00000000000000000002", nil)
		}, new(embedded.DamagedError)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c.prepare(t, dir)
			_, err := tryStart(t, embedded.Options{Dir: dir})
			var damaged *embedded.DamagedError
			if _, ok := c.want.(*embedded.DamagedError); ok != errors.As(err, &damaged) || !ok && !errors.Is(err, c.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	if _, err := tryStart(t, embedded.Options{Dir: dir}); !errors.Is(err, embedded.ErrLocked) {
		t.Fatalf("got %v", err)
	}
	e.reopen(t, embedded.Options{Dir: dir})
}

// TestCompaction lets the log be replaced by snapshots again and again while
// clients write, and crashes by copying the directory at any time.
func TestCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := embedded.Options{Dir: dir, CompactAt: 4 << 10}
	e := start(t, opts)
	history(t, e, dir)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				e.put(t, "things", item{"pk": s(fmt.Sprint("w", w)), "sk": n(strconv.Itoa(i % 50)), "owner": s("eve"), "i": n(strconv.Itoa(i))})
			}
		})
	}
	wg.Wait()
	if e.stream(t, "things") == 0 {
		t.Fatal("no records")
	}
	want := e.state(t)
	e = e.reopen(t, opts)
	snapshots, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
	if err != nil || len(snapshots) != 1 || strings.HasSuffix(snapshots[0], ".tmp") {
		t.Fatal(snapshots, err)
	}
	if got := e.state(t); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	e.transfer(t, "token-1", "p3", "p4")
	if got := e.state(t); got != want {
		t.Fatal("a transaction's token was forgotten by the snapshot")
	}
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(snapshots[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(data); at += len(data) / 50 {
		broken := copyDir(t, dir)
		flipped := bytes.Clone(data)
		flipped[at] ^= 1
		if err := os.WriteFile(filepath.Join(broken, filepath.Base(snapshots[0])), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tryStart(t, embedded.Options{Dir: broken}); err == nil {
			t.Fatalf("flipped byte %d of a snapshot was not noticed", at)
		}
	}
}

func (e *engine) stream(t testing.TB, table string) int { return len(e.records(t, table)) }

func TestUnfinishedSnapshotIsForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	states, _ := history(t, e, dir)
	if err := e.db.Close(); err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(dir, "snapshot-00000000000000000002.tmp")
	if err := os.WriteFile(tmp, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := start(t, embedded.Options{Dir: dir}).state(t); got != states[len(states)-1] {
		t.Fatal(got)
	}
	if _, err := os.Stat(tmp); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// TestCrashWhileWriting copies the directory while clients write, as kill -9
// would leave it: every write acknowledged before the copy is in the copy.
func TestCrashWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, embedded.Options{Dir: dir})
	e.table(t, "things", types.ScalarAttributeTypeN, withStream(types.StreamViewTypeNewImage))
	var mu sync.Mutex
	acknowledged := 0
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			e.put(t, "things", item{"pk": s("p"), "sk": n(strconv.Itoa(i))})
			mu.Lock()
			acknowledged = i + 1
			mu.Unlock()
		}
	})
	for range 5 {
		mu.Lock()
		least := acknowledged
		mu.Unlock()
		copied := t.TempDir()
		from, err := os.Open(lastLog(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		to, err := os.Create(filepath.Join(copied, filepath.Base(from.Name())))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, from); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(from.Close(), to.Close()); err != nil {
			t.Fatal(err)
		}
		c := start(t, embedded.Options{Dir: copied})
		if got := len(c.scanAll(t, "things", "")); got < least || c.stream(t, "things") != got {
			t.Fatalf("got %d items, %d were acknowledged", got, least)
		}
	}
	close(stop)
	wg.Wait()
}
