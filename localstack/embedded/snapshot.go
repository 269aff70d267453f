package embedded

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"daybook/localstack/durable"
)

// snapshotBatch is about the size of a snapshot's records, in bytes.
const snapshotBatch = 256 << 10

// compactIfGrown starts a snapshot in the background when the log has grown
// enough, unless one is being written.
func (db *DB) compactIfGrown() {
	grown := db.log.grown()
	if grown < db.opts.CompactAt {
		return
	}
	select {
	case <-db.compacting:
	default:
		return
	}
	if grown < db.snapshot || db.closing.Err() != nil {
		db.compacting <- struct{}{}
		return
	}
	db.background.Go(func() {
		defer func() { db.compacting <- struct{}{} }()
		if err := db.compact(); err != nil {
			db.opts.Log.Error("embedded dynamodb: the log could not be compacted", "error", err)
		}
	})
}

// compact writes a snapshot and removes what it replaces. A crash at any point
// leaves either the old files or the new ones.
func (db *DB) compact() error {
	im, err := db.freeze()
	if err != nil {
		return err
	}
	defer im.thaw()
	size, err := im.write(db.opts.Dir)
	if err != nil {
		return err
	}
	db.snapshot = size
	entries, err := os.ReadDir(db.opts.Dir)
	if err != nil {
		return fmt.Errorf("embedded: read the data directory: %w", err)
	}
	for _, e := range entries {
		if _, number, ok := parseName(e.Name()); ok && number < im.number {
			err = errors.Join(err, os.Remove(filepath.Join(db.opts.Dir, e.Name())))
		}
	}
	return errors.Join(err, durable.SyncDir(db.opts.Dir))
}

// image is a database at one point of time: all that the log before a segment
// led to.
type image struct {
	number  uint64 // of the segment
	schema  schemaChange
	tables  []frozenTable
	streams []frozenStream
	tokens  []byte
	frozen  []*arena
}

// freeze keeps an arena's blobs until the image is thawed.
func (im *image) freeze(a *arena) *arena {
	a.freeze()
	im.frozen = append(im.frozen, a)
	return a
}

func (im *image) thaw() {
	for _, a := range im.frozen {
		a.thaw()
	}
}

type frozenTable struct {
	id    uint64
	arena *arena
	rows  *btree.BTreeG[ref]
}

type frozenStream struct {
	def    streamDefinition
	rows   *btree.BTreeG[ref] // of its table, nil if it was deleted
	shards []shard
	s      *stream
}

// freeze takes the image and starts the next segment. It holds all locks, but
// copies nothing that is big: trees are copied on write, records don't change.
func (db *DB) freeze() (*image, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	tables := make([]*table, 0, len(db.tables))
	for _, t := range db.tables {
		tables = append(tables, t)
	}
	unlock, err := lockAll(tables, func(t *table) sync.Locker { return &t.mu })
	if err != nil {
		return nil, err
	}
	defer unlock()
	number, err := db.log.rotate()
	if err != nil {
		return nil, err
	}
	im := &image{number: number}
	rows := map[uint64]*btree.BTreeG[ref]{}
	for _, t := range tables {
		rows[t.id] = t.rows.Copy()
		im.schema.Tables = append(im.schema.Tables, t.def.clone())
		im.tables = append(im.tables, frozenTable{t.id, im.freeze(t.arena), rows[t.id]})
	}
	horizon := db.opts.Now().Add(-retention)
	for id, s := range db.streams {
		if !s.readableSince(horizon) {
			delete(db.streams, id)
			continue
		}
		im.freeze(s.arena)
		f := s.freeze()
		f.rows = rows[s.def.TableID]
		im.schema.Streams = append(im.schema.Streams, f.def)
		im.streams = append(im.streams, f)
	}
	slices.SortFunc(im.schema.Tables, func(a, b definition) int { return strings.Compare(a.Name, b.Name) })
	db.tokens.each(func(u tokenUse, at uint32) {
		im.tokens = append(append(im.tokens, u.token[:]...), u.digest[:]...)
		im.tokens = binary.AppendUvarint(im.tokens, uint64(at))
	})
	return im, nil
}

// freeze copies what is needed to read the stream as it is now.
func (s *stream) freeze() frozenStream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f := frozenStream{def: s.def, s: s}
	for _, sh := range s.shards {
		c := *sh
		c.chunks = slices.Clone(sh.chunks)
		c.held = slices.Clone(sh.held)
		f.shards = append(f.shards, c)
	}
	return f
}

// snapshotWriter writes a snapshot's records.
type snapshotWriter struct {
	out    *bufio.Writer
	number uint64
	offset int64
	buf    []byte
	images map[imageRef]uint64
}

// imageRef is a row of a stream's table.
type imageRef struct {
	arena *arena
	row   ref
}

// write makes the snapshot's file and returns its size.
func (im *image) write(dir string) (size int64, err error) {
	path := snapshotPath(dir, im.number)
	file, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("embedded: write a snapshot: %w", err)
	}
	w := &snapshotWriter{out: bufio.NewWriterSize(file, 1<<18), number: im.number, offset: fileHeaderLen, images: map[imageRef]uint64{}}
	_, err = w.out.Write(fileHeader(kindSnapshot, im.number))
	if err == nil {
		err = im.writeRecords(w)
	}
	if err = errors.Join(err, w.out.Flush(), file.Sync(), file.Close()); err != nil {
		return 0, errors.Join(fmt.Errorf("embedded: write a snapshot: %w", err), os.Remove(path+".tmp"))
	}
	if err := errors.Join(os.Rename(path+".tmp", path), durable.SyncDir(dir)); err != nil {
		return 0, fmt.Errorf("embedded: write a snapshot: %w", err)
	}
	return w.offset, nil
}

func (im *image) writeRecords(w *snapshotWriter) error {
	w.buf = startRecord(w.buf)
	var err error
	if w.buf, err = appendSchema(w.buf, im.schema); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	for _, t := range im.tables {
		if err := w.rows(t); err != nil {
			return err
		}
	}
	for _, s := range im.streams {
		if err := w.stream(s); err != nil {
			return err
		}
	}
	w.start(recordTokens)
	w.buf = append(w.buf, im.tokens...)
	if err := w.flush(); err != nil {
		return err
	}
	w.start(recordTrailer)
	return w.flush()
}

func (w *snapshotWriter) start(kind byte, numbers ...uint64) {
	w.buf = append(startRecord(w.buf), kind)
	for _, n := range numbers {
		w.buf = binary.AppendUvarint(w.buf, n)
	}
}

func (w *snapshotWriter) flush() error {
	finishRecord(w.buf, w.number, w.offset)
	w.offset += int64(len(w.buf))
	_, err := w.out.Write(w.buf)
	return err
}

func (w *snapshotWriter) rows(t frozenTable) error {
	var err error
	empty := true
	t.rows.Scan(func(r ref) bool {
		if empty {
			w.start(recordRows, t.id)
			empty = false
		}
		w.buf = appendBytes(w.buf, t.arena.blob(r))
		if len(w.buf) >= snapshotBatch {
			err = w.flush()
			empty = true
		}
		return err == nil
	})
	if err != nil || empty {
		return err
	}
	return w.flush()
}

func (w *snapshotWriter) stream(s frozenStream) error {
	for i := range s.shards {
		sh := &s.shards[i]
		pos := sh.trimmed
		for {
			n := min(chunkLen, int(sh.end-pos))
			if err := w.records(s, sh, pos, n); err != nil {
				return err
			}
			if pos += uint64(n); pos == sh.end {
				break
			}
		}
		for _, h := range sh.held {
			w.start(recordHeld, s.def.ID, uint64(sh.index))
			w.buf = appendText(w.buf, h.key)
			w.buf = binary.AppendUvarint(w.buf, uint64(h.record.at))
			w.buf = append(w.buf, byte(h.record.event), asByte(h.record.service))
			w.buf = appendText(w.buf, string(s.s.arena.row(h.record.old)))
			w.buf = appendText(w.buf, string(s.s.arena.row(h.record.new)))
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func asByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// How a stream record's image is found again: not at all, in the table, or
// among the snapshot's images.
const (
	imageNone = iota
	imageCurrent
	imageKept
)

// records writes some of a shard's records, before them the images that the
// table does not hold.
func (w *snapshotWriter) records(s frozenStream, sh *shard, from uint64, n int) error {
	w.start(recordImages)
	some := false
	for i := range n {
		r := sh.at(from + uint64(i))
		for _, image := range []ref{r.old, r.new} {
			if image == 0 || s.current(image) {
				continue
			}
			at := imageRef{s.s.arena, image}
			if _, ok := w.images[at]; !ok {
				w.images[at] = uint64(len(w.images))
				w.buf = appendBytes(w.buf, s.s.arena.blob(image))
				some = true
			}
		}
	}
	if some {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.start(recordShard, s.def.ID, uint64(sh.index), from, uint64(n))
	for i := range n {
		r := sh.at(from + uint64(i))
		w.buf = binary.AppendUvarint(w.buf, uint64(r.at))
		w.buf = append(w.buf, byte(r.event), asByte(r.service))
		w.image(s, r.old)
		w.image(s, r.new)
	}
	return w.flush()
}

func (w *snapshotWriter) image(s frozenStream, image ref) {
	switch {
	case image == 0:
		w.buf = append(w.buf, imageNone)
	case s.current(image):
		w.buf = appendBytes(append(w.buf, imageCurrent), s.s.arena.rowKey(image))
	default:
		w.buf = binary.AppendUvarint(append(w.buf, imageKept), w.images[imageRef{s.s.arena, image}])
	}
}

// current reports whether the table holds the very row.
func (s frozenStream) current(image ref) bool {
	if s.rows == nil {
		return false
	}
	r, ok := s.rows.Get(image)
	return ok && r == image
}

// shard reads records of a snapshot back.
func (l *loader) shard(r *reader) error {
	s, index, from, n := l.db.streams[r.uint()], r.uint(), r.uint(), r.uint()
	if s == nil || index >= uint64(len(s.shards)) {
		return errRecord
	}
	sh := s.shards[index]
	if len(sh.chunks) == 0 {
		sh.first, sh.trimmed, sh.end = from, from, from
	}
	for range n {
		rec := record{at: uint32(r.uint()), event: eventKind(r.byte()), service: r.byte() == 1}
		rec.old, rec.new = l.image(s, r), l.image(s, r)
		if r.bad {
			return errRecord
		}
		s.append(sh, rec)
	}
	return r.end()
}

// image reads an image back, with a holder for the record.
func (l *loader) image(s *stream, r *reader) ref {
	switch r.byte() {
	case imageNone:
		return 0
	case imageCurrent:
		key := r.bytes(r.uint())
		if f := l.tables[s.def.TableID]; f != nil && !r.bad {
			kept := f.find(key)
			s.arena.retain(kept)
			return kept
		}
	case imageKept:
		if i := r.uint(); i < uint64(len(l.images)) {
			return l.keep(s, i)
		}
	}
	r.fail()
	return 0
}

// keep puts an image into the arena of a stream's table, once for all records
// that have it.
func (l *loader) keep(s *stream, i uint64) ref {
	if l.kept == nil {
		l.kept = map[*arena][]ref{}
	}
	kept := l.kept[s.arena]
	for uint64(len(kept)) <= i {
		kept = append(kept, 0)
	}
	if kept[i] == 0 {
		kept[i] = s.arena.put(string(l.images[i]))
	}
	l.kept[s.arena] = kept
	s.arena.retain(kept[i])
	return kept[i]
}

// forgetImages lets go of the images once all records hold theirs.
func (l *loader) forgetImages() {
	for a, kept := range l.kept {
		for _, r := range kept {
			a.release(r)
		}
	}
	l.images, l.kept = nil, nil
}

// held reads a held record of a snapshot back.
func (l *loader) held(r *reader) error {
	s, index := l.db.streams[r.uint()], r.uint()
	if s == nil || index >= uint64(len(s.shards)) {
		return errRecord
	}
	h := heldRecord{key: r.text()}
	h.record = record{at: uint32(r.uint()), event: eventKind(r.byte()), service: r.byte() == 1}
	for _, image := range []*ref{&h.record.old, &h.record.new} {
		if text := r.text(); text != "" {
			*image = s.arena.put(text)
		}
	}
	s.shards[index].held = append(s.shards[index].held, h)
	return r.end()
}
