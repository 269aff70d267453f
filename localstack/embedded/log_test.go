package embedded

import (
	"errors"
	"log/slog"

	"slices"
	"testing"
)

// disk is a log's file that fails on demand.
type disk struct {
	data     []byte
	room     int // bytes that fit; the rest of a write is refused
	stuck    bool
	noSync   bool
	noCut    bool
	position int
}

var errDisk = errors.New("no space left")

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room-d.position)
	if d.stuck {
		n = 0
	}
	d.data = append(d.data[:d.position], b[:n]...)
	d.position += n
	if n < len(b) {
		return n, errDisk
	}
	return n, nil
}

func (d *disk) Seek(offset int64, _ int) (int64, error) { d.position = int(offset); return offset, nil }
func (d *disk) Close() error                            { return nil }

func (d *disk) Sync() error {
	if d.noSync {
		return errDisk
	}
	return nil
}

func (d *disk) Truncate(size int64) error {
	if d.noCut {
		return errDisk
	}
	d.data = d.data[:size]
	return nil
}

func newWAL(d *disk) *wal {
	return &wal{file: d, number: 1, wait: true, dirty: make(chan struct{}, 1)}
}

func recordOf(payload string) []byte { return append(startRecord(nil), payload...) }

// TestHalfAWriteIsUndone fills the disk in the middle of a record: the record
// is refused, its part cut off, and later ones fit again.
func TestHalfAWriteIsUndone(t *testing.T) {
	t.Parallel()
	d := &disk{room: 40}
	w := newWAL(d)
	if _, err := w.append(recordOf("0123456789")); err != nil {
		t.Fatal(err)
	}
	whole := slices.Clone(d.data)
	if _, err := w.append(recordOf("too long for what is left")); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if !slices.Equal(d.data, whole) || w.broken != nil {
		t.Fatalf("%q", d.data)
	}
	if _, err := w.append(recordOf("fits")); err != nil || len(d.data) != len(whole)+recordHeaderLen+4 {
		t.Fatalf("%v %q", err, d.data)
	}
	d.room, d.noCut = len(d.data)+3, true
	for range 2 {
		if _, err := w.append(recordOf("x")); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
	}
	if d.noCut = false; !errors.Is(w.broken, errLogBroken) {
		t.Fatal("a log of which the end is not known takes writes")
	}
}

func TestFailedFsyncRefusesWrites(t *testing.T) {
	t.Parallel()
	d := &disk{room: 1000, noSync: true}
	w := newWAL(d)
	pos, err := w.append(recordOf("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.waitSynced(pos); !errors.Is(err, errLogBroken) || !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if _, err := w.append(recordOf("y")); !errors.Is(err, errLogBroken) {
		t.Fatal(err)
	}
	if _, err := w.rotate(); !errors.Is(err, errLogBroken) {
		t.Fatal(err)
	}
}

// TestRefusedWriteChangesNothing lets the disk fill up under a database.
func TestRefusedWriteChangesNothing(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the log is broken on purpose
	run := func(operation, body string) answer {
		return db.answer(t.Context(), targetTables+operation, []byte(body))
	}
	if a := run("CreateTable", `{"TableName":"things","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`); a.status != 200 {
		t.Fatalf("%s", a.body)
	}
	file := db.log.file
	t.Cleanup(func() { _ = file.Close() })
	db.log.file = &disk{stuck: true}
	for operation, body := range map[string]string{
		"PutItem":            `{"TableName":"things","Item":{"pk":{"S":"a"}}}`,
		"BatchWriteItem":     `{"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`,
		"TransactWriteItems": `{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"things","Item":{"pk":{"S":"a"}}}}]}`,
		"DeleteTable":        `{"TableName":"things"}`,
		"UpdateTimeToLive":   `{"TableName":"things","TimeToLiveSpecification":{"Enabled":true,"AttributeName":"x"}}`,
	} {
		if a := run(operation, body); a.status != 500 || string(a.body) != `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}` {
			t.Errorf("%s: %d %s", operation, a.status, a.body)
		}
	}
	if a := run("Scan", `{"TableName":"things"}`); string(a.body) != `{"Items":[],"Count":0,"ScannedCount":0}` {
		t.Errorf("%s", a.body)
	}
	db.log.file = &disk{room: 1 << 20}
	if a := run("TransactWriteItems", `{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"things","Item":{"pk":{"S":"a"}}}}]}`); a.status != 200 {
		t.Errorf("a token that was not used is taken: %s", a.body)
	}
}

// TestRecordsThatCannotBeRead have a good checksum and no meaning: they are
// damage, not a panic.
func TestRecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string][]byte{
		"empty": {}, "unknown kind": {99}, "schema": {recordSchema, '{'}, "write": {recordWrite, 1, 0, 200},
		"unknown table": {recordWrite, 1, 0, 1, 9, 0, 1, 'x'}, "token": {recordWrite, 1, 1, 1}, "release": {recordRelease, 1, 1, 1},
		"rows": {recordRows, 9}, "shard": {recordShard, 9, 0, 0, 0}, "held": {recordHeld, 9, 0}, "images": {recordImages, 200},
		"tokens": {recordTokens, 1, 2, 3}, "trailer": {recordTrailer, 1}, "more": {recordWrite, 1, 0, 0, 1},
	} {
		db := &DB{opts: Options{}.withDefaults(), tables: map[string]*table{}, streams: map[uint64]*stream{}}
		l := loader{db: db, tables: map[uint64]*filling{}}
		if err := l.record(payload); !errors.Is(err, errRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
