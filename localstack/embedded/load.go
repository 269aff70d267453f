package embedded

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const lockName = "lock"

// load opens the directory: the last snapshot, then the log after it.
func (db *DB) load(ctx context.Context) (err error) {
	dir := db.opts.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("embedded: make the data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return fmt.Errorf("embedded: lock %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	db.lock = lock
	files, err := listFiles(dir)
	if err != nil {
		return err
	}
	l := loader{db: db, tables: map[uint64]*filling{}}
	if files.snapshot != 0 {
		if err := l.snapshot(ctx, snapshotPath(dir, files.snapshot), files.snapshot); err != nil {
			return err
		}
	}
	if err := l.logs(ctx, files); err != nil {
		return err
	}
	if err := l.finish(); err != nil {
		return errors.Join(&DamagedError{Path: dir, Reason: err.Error()}, db.log.file.Close())
	}
	go db.log.syncLoop(db.syncFailed)
	for _, s := range db.streams {
		db.release(s, func(heldRecord) bool { return true })
	}
	return nil
}

func (db *DB) syncFailed(err error) {
	db.opts.Log.Error("embedded dynamodb: the log can't be brought to the disk", "error", err)
}

// dataFiles are what a directory holds.
type dataFiles struct {
	snapshot uint64   // number of the last one, 0 for none
	logs     []uint64 // numbers of the segments since, ascending
}

// listFiles reads the directory, removes what a snapshot made needless or left
// unfinished, and refuses a directory that is not ours.
func listFiles(dir string) (files dataFiles, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return files, fmt.Errorf("embedded: read the data directory: %w", err)
	}
	var foreign, needless []string
	for _, e := range entries {
		kind, number, ok := parseName(e.Name())
		switch {
		case e.Name() == lockName:
		case strings.HasPrefix(e.Name(), "snapshot-") && strings.HasSuffix(e.Name(), ".tmp"):
			needless = append(needless, e.Name())
		case !ok:
			foreign = append(foreign, e.Name())
		case kind == kindSnapshot:
			files.snapshot = max(files.snapshot, number)
		default:
			files.logs = append(files.logs, number)
		}
	}
	if files.snapshot == 0 && len(files.logs) == 0 && len(foreign) > 0 {
		return files, fmt.Errorf("%w: %s holds %s", ErrForeign, dir, strings.Join(foreign, ", "))
	}
	for _, e := range entries {
		if _, number, ok := parseName(e.Name()); ok && number < files.snapshot {
			needless = append(needless, e.Name())
		}
	}
	for _, name := range needless {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return files, fmt.Errorf("embedded: remove a needless file: %w", err)
		}
	}
	files.logs = slices.DeleteFunc(files.logs, func(n uint64) bool { return n < files.snapshot })
	slices.Sort(files.logs)
	first := max(1, files.snapshot)
	for i, n := range files.logs {
		if n != first+uint64(i) {
			return files, &DamagedError{Path: segmentPath(dir, first+uint64(i)), Reason: "the segment is missing"}
		}
	}
	if files.snapshot != 0 && len(files.logs) == 0 {
		return files, &DamagedError{Path: segmentPath(dir, first), Reason: "the segment is missing"}
	}
	return files, nil
}

func parseName(name string) (kind byte, number uint64, ok bool) {
	digits, isLog := strings.CutPrefix(name, "log-")
	kind = kindLog
	if !isLog {
		if digits, ok = strings.CutPrefix(name, "snapshot-"); !ok {
			return 0, 0, false
		}
		kind = kindSnapshot
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return kind, n, err == nil && len(digits) == 20
}

// loader brings a database back from its files.
type loader struct {
	db       *DB
	tables   map[uint64]*filling
	images   []row            // of the snapshot's stream records
	kept     map[*arena][]ref // where they are kept
	complete bool             // the snapshot's last record was seen
}

// openData opens a data file and verifies its header. A header that is cut off
// is errTorn.
func openData(path string, kind byte, number uint64) (*os.File, *fileReader, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("embedded: open the data: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	r := &fileReader{path: path, number: number, size: info.Size(), at: fileHeaderLen, r: bufio.NewReaderSize(f, 1<<18)}
	head := make([]byte, fileHeaderLen)
	if _, err := io.ReadFull(r.r, head); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errTorn
		}
		return f, nil, err
	}
	if err := checkHeader(path, head, kind, number); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, r, nil
}

func (l *loader) snapshot(ctx context.Context, path string, number uint64) error {
	f, r, err := openData(path, kindSnapshot, number)
	if err == nil {
		err = r.each(ctx, l.record)
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	if errors.Is(err, errTorn) || errors.Is(err, io.EOF) && !l.complete {
		return &DamagedError{Path: path, Reason: "the snapshot is not complete"}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	l.forgetImages()
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("embedded: open the data: %w", err)
	}
	l.db.snapshot = info.Size()
	return nil
}

// logs replays the segments and leaves the last one open for writing.
func (l *loader) logs(ctx context.Context, files dataFiles) error {
	db := l.db
	w := &wal{
		dir: db.opts.Dir, every: db.opts.SyncEvery, wait: db.opts.SyncWrites,
		dirty: make(chan struct{}, 1), done: make(chan struct{}), stopped: make(chan struct{}),
	}
	for i, number := range files.logs {
		last := i == len(files.logs)-1
		file, end, err := l.segment(ctx, number, last)
		if err != nil {
			return err
		}
		w.written += end
		if !last {
			if err := file.Close(); err != nil {
				return fmt.Errorf("embedded: close a segment of the log: %w", err)
			}
			continue
		}
		if _, err := file.Seek(end, io.SeekStart); err != nil {
			return errors.Join(fmt.Errorf("embedded: open the log: %w", err), file.Close())
		}
		w.file, w.number, w.offset = file, number, end
	}
	if w.file == nil {
		file, err := createSegment(w.dir, 1)
		if err != nil {
			return err
		}
		w.file, w.number, w.offset, w.synced = file, 1, fileHeaderLen, fileHeaderLen
	}
	db.log = w
	return nil
}

// segment replays one segment. A torn tail of the last one is cut off. Writes
// torn by the end of the process were never acknowledged; a power cut can tear
// acknowledged ones, unless Options.SyncWrites makes answers wait for the disk.
func (l *loader) segment(ctx context.Context, number uint64, last bool) (*os.File, int64, error) {
	path := segmentPath(l.db.opts.Dir, number)
	f, r, err := openData(path, kindLog, number)
	if errors.Is(err, errTorn) && last { // a crash while the segment was made
		if err := f.Close(); err != nil {
			return nil, 0, fmt.Errorf("embedded: close a segment of the log: %w", err)
		}
		l.db.opts.Log.Warn("embedded dynamodb: repaired a segment of the log that was being made when the process ended", "file", path)
		f, err := createSegment(l.db.opts.Dir, number)
		return f, fileHeaderLen, err
	}
	if err == nil {
		err = r.each(ctx, l.record)
	}
	switch {
	case errors.Is(err, io.EOF):
		return f, r.at, nil
	case errors.Is(err, errTorn) && last:
		l.db.opts.Log.Warn("embedded dynamodb: repaired the log, which ended inside a record: "+l.db.opts.tornTail(),
			"file", path, "offset", r.at, "bytes", r.size-r.at)
		if err := f.Truncate(r.at); err != nil {
			return nil, 0, errors.Join(fmt.Errorf("embedded: repair the log: %w", err), f.Close())
		}
		return f, r.at, nil
	case errors.Is(err, errTorn):
		err = &DamagedError{Path: path, Offset: fileEnd(r), Reason: "the segment is cut off, and another follows it"}
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	return nil, 0, err
}

// tornTail says what a torn tail of the log can have cost.
func (o Options) tornTail() string {
	if o.SyncWrites {
		return "no acknowledged write is lost"
	}
	return "if the process was killed, no acknowledged write is lost; after a power cut, writes of the last " +
		o.SyncEvery.String() + " before it may be lost"
}

func fileEnd(r *fileReader) int64 {
	if r == nil {
		return 0
	}
	return r.at
}

// record makes one record of a file happen.
func (l *loader) record(payload []byte) error {
	r := &reader{b: payload}
	switch r.byte() {
	case recordSchema:
		return l.schema(r.b)
	case recordWrite:
		return l.write(r)
	case recordRelease:
		return l.release(r)
	case recordRows:
		return l.rows(r)
	case recordImages:
		for len(r.b) > 0 {
			l.images = append(l.images, row(r.row()))
		}
		return r.end()
	case recordShard:
		return l.shard(r)
	case recordHeld:
		return l.held(r)
	case recordTokens:
		for len(r.b) > 0 {
			u := tokenUse{token: r.hash(), digest: r.hash()}
			l.db.tokens.end(&u, uint32(r.uint()), true)
		}
		return r.end()
	case recordTrailer:
		l.complete = true
		return r.end()
	}
	return errRecord
}

func (l *loader) schema(b []byte) error {
	var c schemaChange
	if err := json.Unmarshal(b, &c); err != nil {
		return errRecord
	}
	for _, id := range c.Dropped {
		if f := l.tables[id]; f != nil {
			if f.finish() != nil { // a table lets go of the rows in its tree
				return errRecord
			}
			delete(l.tables, id)
		}
	}
	l.db.applySchema(c)
	for _, def := range c.Tables {
		if t := l.db.tables[def.Name]; l.tables[def.ID] == nil {
			l.tables[def.ID] = newFilling(t)
		}
	}
	return nil
}

// finish gives every table its rows.
func (l *loader) finish() error {
	var tables sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, f := range l.tables {
		tables.Go(func() {
			err := f.finish()
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	tables.Wait()
	return errors.Join(errs...)
}

func (l *loader) write(r *reader) error {
	at := uint32(r.uint())
	if r.byte() == 1 {
		u := tokenUse{token: r.hash(), digest: r.hash()}
		l.db.tokens.end(&u, at, true)
	}
	for range r.uint() {
		f := l.tables[r.uint()]
		if f == nil || !f.write(r, at) {
			return errRecord
		}
	}
	return r.end()
}

// write makes a change of the log happen; false if it can't be read.
func (f *filling) write(r *reader, at uint32) bool {
	flags := r.byte()
	var key []byte
	var old, new ref
	if flags&flagDelete != 0 {
		if key = r.bytes(r.uint()); r.bad {
			return false
		}
		old = f.remove(key)
	} else {
		row := r.row()
		if r.bad {
			return false
		}
		old, new = f.put(row)
		key = f.t.arena.rowKey(new)
	}
	if s := f.t.stream; s != nil && s.enabled() {
		var kept *hold
		if flags&flagHeld != 0 {
			kept = &hold{records: 1 << 30, until: time.Unix(int64(at), 0)}
		}
		s.emit(string(key), s.newRecord(old, new, at, flags&flagService != 0), kept)
	}
	f.t.arena.release(old)
	return true
}

func (l *loader) release(r *reader) error {
	s, shard, i := l.db.streams[r.uint()], r.uint(), r.uint()
	if s == nil || shard >= uint64(len(s.shards)) || i >= uint64(len(s.shards[shard].held)) {
		return errRecord
	}
	s.enter(int(shard), int(i))
	return r.end()
}

func (l *loader) rows(r *reader) error {
	f := l.tables[r.uint()]
	if f == nil {
		return errRecord
	}
	for len(r.b) > 0 {
		row := r.row()
		if r.bad {
			return errRecord
		}
		f.put(row)
	}
	return r.end()
}
