package embedded

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// retention is how long a stream keeps its records, from AWS's "Change data
// capture for DynamoDB Streams".
const retention = 24 * time.Hour

// chunkLen is the number of records that a shard allocates and trims together.
const chunkLen = 512

// sequenceLead opens every sequence number, which DynamoDB gives 21 to 40 digits.
const sequenceLead = "1"

// record is one change in a stream. It holds rows in the table's arena, so it
// costs 16 bytes as long as the table (or the next record of the item) holds
// the same rows.
type record struct {
	old, new ref
	at       uint32 // Unix seconds
	event    eventKind
	service  bool // deleted by time to live
}

type eventKind byte

const (
	eventInsert eventKind = iota
	eventModify
	eventRemove
)

// String is the kind's name in a record.
func (k eventKind) String() string { return [...]string{"INSERT", "MODIFY", "REMOVE"}[k] }

// weight is what a record holds beyond the table's current rows, in bytes.
func (s *stream) weight(r record) int64 {
	const size = 16
	if r.old == 0 {
		return size
	}
	return size + int64(len(s.arena.blob(r.old)))
}

// streamDefinition is what the log keeps of a stream, besides its records.
type streamDefinition struct {
	ID       uint64
	ARN      string
	Label    string
	Table    string
	TableID  uint64
	View     string
	Key      []keyElement
	Shards   int
	Created  time.Time
	Disabled time.Time // zero while enabled
}

// stream is a table's stream of changes. A disabled one takes no more records
// and stays readable for a day.
type stream struct {
	def    streamDefinition
	arena  *arena // its table's
	keys   []string
	budget int64 // bytes that one shard keeps

	mu     sync.RWMutex
	shards []*shard
}

// shard is one ordered part of a stream. Positions count its records from 0.
type shard struct {
	id      string
	index   int
	of      int
	first   uint64 // position of the first record of chunks
	trimmed uint64 // position of the first readable record
	begin   uint64 // position of the first record ever
	end     uint64 // position after the last record
	weight  int64  // bytes that the records of chunks hold
	chunks  [][]record
	held    []heldRecord
	early   bool // has trimmed records younger than the retention

	parent   string    // id of the shard that this one follows; "" for none
	depth    int       // how many bits of a hash have chosen it
	children []*shard  // those that follow it, one or two; nil while it is open
	closed   time.Time // zero while it is open
}

// newStream makes a stream of no more than most shards in its life.
func newStream(def streamDefinition, budget int64, most int) *stream {
	s := &stream{def: def, budget: budget / int64(def.Shards)} // the arena comes with the table
	for _, k := range def.Key {
		s.keys = append(s.keys, k.AttributeName)
	}
	for i := range def.Shards {
		s.shards = append(s.shards, &shard{
			id:    fmt.Sprintf("shardId-%020d-%08x", def.Created.UnixMilli(), spread([]byte(def.ARN+"/"+strconv.Itoa(i)))),
			index: i, of: max(most, def.Shards),
		})
	}
	return s
}

// mostShards bounds the shards of a stream that splits some: the page of DescribeStream.
const mostShards = maxShards

// split closes a shard. Records that are kept back come into the shards that follow it.
func (s *stream) split(sh *shard, children int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if children == 0 || len(s.shards)+children > sh.of {
		return
	}
	for range children {
		index := len(s.shards)
		child := &shard{
			id:    fmt.Sprintf("shardId-%020d-%08x", now.UnixMilli(), spread([]byte(s.def.ARN+"/"+strconv.Itoa(index)))),
			index: index, of: sh.of, first: sh.end, trimmed: sh.end, begin: sh.end, end: sh.end,
			parent: sh.id, depth: sh.depth + children - 1,
		}
		s.shards, sh.children = append(s.shards, child), append(sh.children, child)
	}
	sh.closed = now
	for _, h := range sh.held {
		child := s.shardOf(h.key)
		child.held = append(child.held, h)
	}
	sh.held = nil
}

func (sh *shard) isClosed() bool { return sh.children != nil }

func (s *stream) enabled() bool { return s.def.Disabled.IsZero() }

// shardOf chooses a new record's shard by its item's whole key: only the records
// of one item keep their order.
func (s *stream) shardOf(key string) *shard {
	hash := spread([]byte(key))
	sh := s.shards[hash%uint32(s.def.Shards)]
	for sh.isClosed() {
		half := 0
		if len(sh.children) == 2 {
			half = int(hash >> (31 - sh.depth) & 1)
		}
		sh = sh.children[half]
	}
	return sh
}

// newRecord is the record of a change, with the images that the view needs. It
// holds nothing yet.
func (s *stream) newRecord(old, new ref, at uint32, service bool) record {
	r := record{old: old, new: new, at: at, service: service}
	switch {
	case old == 0:
		r.event = eventInsert
	case new == 0:
		r.event = eventRemove
	default:
		r.event = eventModify
		if s.def.View == viewKeys || s.def.View == viewNew {
			r.old = 0
		}
	}
	return r
}

// emit adds a record, or keeps it back if a fault says so.
func (s *stream) emit(key string, r record, hold *hold) {
	s.arena.retain(r.old)
	s.arena.retain(r.new)
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shardOf(key)
	if hold != nil {
		sh.held = append(sh.held, heldRecord{key: key, record: r, hold: *hold})
		return
	}
	for i := range sh.held {
		sh.held[i].records--
	}
	s.append(sh, r)
}

// append adds a record at a shard's end. s.mu is held for writing.
func (s *stream) append(sh *shard, r record) {
	last := len(sh.chunks) - 1
	if last < 0 || len(sh.chunks[last]) == chunkLen {
		s.trimShard(sh, int64(r.at)-int64(retention/time.Second))
		last = len(sh.chunks) - 1
		var chunk []record
		if last >= 0 {
			chunk = make([]record, 0, chunkLen)
		}
		sh.chunks = append(sh.chunks, chunk)
		last++
	}
	sh.chunks[last] = append(sh.chunks[last], r)
	sh.end++
	sh.weight += s.weight(r)
	for sh.weight > s.budget && len(sh.chunks) > 1 {
		s.dropChunk(sh)
		sh.early = true
	}
}

// dropChunk forgets a shard's oldest chunk.
func (s *stream) dropChunk(sh *shard) {
	for _, r := range sh.chunks[0] {
		sh.weight -= s.weight(r)
		s.arena.release(r.old)
		s.arena.release(r.new)
	}
	sh.first += uint64(len(sh.chunks[0]))
	sh.chunks[0] = nil
	sh.chunks = sh.chunks[1:]
	sh.trimmed = max(sh.trimmed, sh.first)
}

// at returns the record at a position that is not trimmed.
func (sh *shard) at(pos uint64) record {
	i := pos - sh.first
	return sh.chunks[i/chunkLen][i%chunkLen]
}

// since is the position of the first readable record whose time is at or after a
// Unix time in milliseconds. A record that a fault kept back is younger than its
// time, so times need not ascend.
func (sh *shard) since(millis float64) uint64 {
	pos := sh.trimmed
	for pos < sh.end && float64(sh.at(pos).at)*1000 < millis {
		pos++
	}
	return pos
}

// trim forgets what is older than the retention.
func (s *stream) trim(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.shards {
		s.trimShard(sh, now.Add(-retention).Unix())
	}
}

func (s *stream) trimShard(sh *shard, horizon int64) {
	for sh.trimmed < sh.end && int64(sh.at(sh.trimmed).at) < horizon {
		sh.trimmed++
	}
	for len(sh.chunks) > 0 && len(sh.chunks[0]) == chunkLen && sh.first+chunkLen <= sh.trimmed {
		s.dropChunk(sh)
	}
}

// sequence is the sequence number of a position: increasing in the shard, and
// no other shard of the stream has it.
func (sh *shard) sequence(pos uint64) string {
	return fmt.Sprintf("%s%020d", sequenceLead, pos*uint64(sh.of)+uint64(sh.index)+1)
}

// position is the position of a sequence number; false if it can't be the
// shard's.
func (sh *shard) position(sequence string) (uint64, bool) {
	digits, ok := strings.CutPrefix(sequence, sequenceLead)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n == 0 || (n-1)%uint64(sh.of) != uint64(sh.index) {
		return 0, false
	}
	return (n - 1) / uint64(sh.of), true
}

// images is a record with copies of its rows, for use without a lock.
type images struct {
	record
	old, new row
}

// images copies a record's rows. s.mu is held.
func (s *stream) images(r record) images {
	return images{record: r, old: s.arena.row(r.old), new: s.arena.row(r.new)}
}

// appendRecord writes a record as GetRecords sends it.
func (s *stream) appendRecord(dst []byte, sh *shard, pos uint64, r images, region string) []byte {
	dst = append(dst, `{"eventID":"`...)
	dst = fmt.Appendf(dst, "%08x%08x%016x", uint32(s.def.ID), spread([]byte(s.def.ARN)), pos*uint64(sh.of)+uint64(sh.index)+1)
	dst = append(dst, `","eventName":"`...)
	dst = append(dst, r.event.String()...)
	dst = append(dst, `","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":`...)
	dst = appendString(dst, region)
	dst = append(dst, `,"dynamodb":{"ApproximateCreationDateTime":`...)
	dst = strconv.AppendUint(dst, uint64(r.at), 10)
	keys := cmp.Or(r.new, r.old).pick(s.keys)
	size := keys.Size()
	dst = append(dst, `,"Keys":`...)
	dst = appendItem(dst, keys)
	if r.new != "" && (s.def.View == viewNew || s.def.View == viewBoth) {
		dst = append(dst, `,"NewImage":`...)
		dst = r.new.appendJSON(dst)
		size += r.new.size()
	}
	if r.old != "" && (s.def.View == viewOld || s.def.View == viewBoth) {
		dst = append(dst, `,"OldImage":`...)
		dst = r.old.appendJSON(dst)
		size += r.old.size()
	}
	dst = append(dst, `,"SequenceNumber":"`...)
	dst = append(dst, sh.sequence(pos)...)
	dst = append(dst, `","SizeBytes":`...)
	dst = strconv.AppendInt(dst, int64(size), 10)
	dst = append(dst, `,"StreamViewType":"`...)
	dst = append(dst, s.def.View...)
	dst = append(dst, `"}`...)
	if r.service {
		dst = append(dst, `,"userIdentity":{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"}`...)
	}
	return append(dst, '}')
}

// readableSince reports whether the stream can be read at all.
func (s *stream) readableSince(horizon time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.enabled() || s.def.Disabled.After(horizon)
}
