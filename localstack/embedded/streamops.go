package embedded

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
)

// Limits of the Streams API, from AWS's API reference.
const (
	maxRecords     = 1000
	maxRecordBytes = 1 << 20
	maxShards      = 100
	maxStreams     = 100
	iteratorLife   = 15 * 60 // seconds
)

type listStreamsRequest struct {
	TableName               *string
	Limit                   *int64
	ExclusiveStartStreamArn string
}

// readable are the streams that can be read, by ARN: the ones that are enabled
// and the ones that were disabled less than a day ago.
func (db *DB) readable() []*stream {
	horizon := db.opts.Now().Add(-retention)
	db.mu.RLock()
	defer db.mu.RUnlock()
	var list []*stream
	for _, s := range db.streams {
		if s.readableSince(horizon) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *stream) int { return strings.Compare(a.def.ARN, b.def.ARN) })
	return list
}

func (db *DB) findStream(arn string) (*stream, error) {
	for _, s := range db.readable() {
		if s.def.ARN == arn {
			return s, nil
		}
	}
	return nil, dynamoError("ResourceNotFoundException", "Requested resource not found: Stream: "+arn+" not found")
}

func (in *listStreamsRequest) check(c *checks) {
	c.atLeast(in.Limit, "limit", 1)
	c.atMost(in.Limit, "limit", maxStreams)
	if in.TableName != nil {
		checkTableName(c, *in.TableName, "tableName")
	}
}

// streamName is a stream in a list.
type streamName struct{ StreamArn, TableName, StreamLabel string }

func (db *DB) listStreams(in *listStreamsRequest) (any, error) {
	var out struct {
		Streams                []streamName
		LastEvaluatedStreamArn string `json:",omitzero"`
	}
	limit := limitOr(in.Limit, maxStreams)
	for _, s := range db.readable() {
		if s.def.ARN <= in.ExclusiveStartStreamArn || in.TableName != nil && *in.TableName != s.def.Table {
			continue
		}
		if len(out.Streams) == limit {
			out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
			break
		}
		out.Streams = append(out.Streams, streamName{s.def.ARN, s.def.Table, s.def.Label})
	}
	return out, nil
}

type describeStreamRequest struct {
	StreamArn             string
	Limit                 *int64
	ExclusiveStartShardId string
}

func (in *describeStreamRequest) check(c *checks) {
	c.required(in.StreamArn != "", "streamArn")
	c.atLeast(in.Limit, "limit", 1)
	c.atMost(in.Limit, "limit", maxShards)
}

func (db *DB) describeStream(in *describeStreamRequest) (any, error) {
	s, err := db.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	now := db.opts.Now()
	s.trim(now)
	return struct{ StreamDescription streamDescription }{s.description(in.ExclusiveStartShardId, limitOr(in.Limit, maxShards), now)}, nil
}

type streamDescription struct {
	StreamArn               string
	StreamLabel             string
	StreamStatus            string
	StreamViewType          string
	CreationRequestDateTime float64
	TableName               string
	KeySchema               []keyElement
	Shards                  []shardDescription
	LastEvaluatedShardID    string `json:"LastEvaluatedShardId,omitzero"`
}

type shardDescription struct {
	ShardID             string `json:"ShardId"`
	ParentShardID       string `json:"ParentShardId,omitzero"`
	SequenceNumberRange struct {
		StartingSequenceNumber string
		EndingSequenceNumber   string `json:",omitzero"`
	}
}

// description is a stream with up to limit shards behind the one of an id. A shard that
// was closed longer ago than records are kept is gone.
func (s *stream) description(after string, limit int, now time.Time) streamDescription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := streamDescription{
		StreamArn: s.def.ARN, StreamLabel: s.def.Label, StreamStatus: statusOf(s.enabled()), StreamViewType: s.def.View,
		CreationRequestDateTime: seconds(s.def.Created), TableName: s.def.Table, KeySchema: s.def.Key,
	}
	listed := slices.DeleteFunc(slices.Clone(s.shards), func(sh *shard) bool { return sh.isClosed() && now.Sub(sh.closed) > retention })
	from := 1 + slices.IndexFunc(listed, func(sh *shard) bool { return sh.id == after })
	to := min(len(listed), from+limit)
	for _, sh := range listed[from:to] {
		one := shardDescription{ShardID: sh.id, ParentShardID: sh.parent}
		one.SequenceNumberRange.StartingSequenceNumber = sh.sequence(sh.begin)
		if sh.isClosed() || !s.enabled() {
			one.SequenceNumberRange.EndingSequenceNumber = sh.sequence(max(sh.end, sh.begin+1) - 1)
		}
		out.Shards = append(out.Shards, one)
	}
	if to < len(listed) {
		out.LastEvaluatedShardID = listed[to-1].id
	}
	return out
}

func (s *stream) shard(id string) *shard {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, sh := range s.shards {
		if sh.id == id {
			return sh
		}
	}
	return nil
}

// Types of a shard iterator.
const (
	iterateHorizon = "TRIM_HORIZON"
	iterateLatest  = "LATEST"
	iterateAt      = "AT_SEQUENCE_NUMBER"
	iterateAfter   = "AFTER_SEQUENCE_NUMBER"
	iterateTime    = "AT_TIMESTAMP"
)

type shardIteratorRequest struct {
	StreamArn         string
	ShardId           string
	ShardIteratorType string
	SequenceNumber    *string
	Timestamp         *float64 // Unix seconds, with milliseconds
}

func (in *shardIteratorRequest) check(c *checks) {
	c.required(in.StreamArn != "", "streamArn")
	c.required(in.ShardId != "", "shardId")
	c.required(in.ShardIteratorType != "", "shardIteratorType")
	c.oneOf(in.ShardIteratorType, "shardIteratorType", iterateAfter, iterateLatest, iterateAt, iterateHorizon, iterateTime)
}

// valid refuses a request whose members don't go with its type.
func (in *shardIteratorRequest) valid(now time.Time) error {
	byNumber := in.ShardIteratorType == iterateAt || in.ShardIteratorType == iterateAfter
	byTime := in.ShardIteratorType == iterateTime
	for _, member := range []struct {
		name         string
		given, taken bool
	}{{"SequenceNumber", in.SequenceNumber != nil, byNumber}, {"Timestamp", in.Timestamp != nil, byTime}} {
		switch {
		case member.taken && !member.given:
			return validation(member.name + " must be specified when ShardIteratorType is " + in.ShardIteratorType)
		case !member.taken && member.given:
			return validation(member.name + " must not be specified when ShardIteratorType is " + in.ShardIteratorType)
		}
	}
	if byTime && in.millis() > float64(now.UnixMilli()) {
		return validation("Timestamp must not be in the future")
	}
	return nil
}

// millis is the request's Timestamp in milliseconds, its precision.
func (in *shardIteratorRequest) millis() float64 { return math.Round(*in.Timestamp * 1000) }

func (db *DB) getShardIterator(in *shardIteratorRequest) (any, error) {
	if err := in.valid(db.opts.Now()); err != nil {
		return nil, err
	}
	s, err := db.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	sh := s.shard(in.ShardId)
	if sh == nil {
		return nil, dynamoError("ResourceNotFoundException", "Requested resource not found: Shard: "+in.ShardId+" in Stream: "+in.StreamArn+" not found")
	}
	s.trim(db.opts.Now())
	it := iterator{stream: s.def.ID, shard: sh.index, issued: db.now()}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if it.position, err = in.position(sh); err != nil {
		return nil, err
	}
	return struct{ ShardIterator string }{it.encode(s.def.ARN)}, nil
}

// position is where the iterator begins. The shard's stream is locked.
func (in *shardIteratorRequest) position(sh *shard) (uint64, error) {
	switch in.ShardIteratorType {
	case iterateHorizon:
		return sh.trimmed, nil
	case iterateLatest:
		return sh.end, nil
	case iterateTime:
		return sh.since(in.millis()), nil
	}
	pos, ok := sh.position(*in.SequenceNumber)
	if !ok || pos > sh.end {
		return 0, validation("Invalid SequenceNumber: " + *in.SequenceNumber)
	}
	if in.ShardIteratorType == iterateAfter {
		pos++
	}
	if pos < sh.trimmed {
		return 0, trimmedAccess()
	}
	return pos, nil
}

func trimmedAccess() error {
	return dynamoError("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard. (Requested position has been trimmed)")
}

// iterator is a place in a shard, as a ShardIterator carries it.
type iterator struct {
	stream   uint64
	shard    int
	position uint64
	issued   uint32 // Unix seconds
	// repeated is the position up to which records were delivered twice on
	// purpose, so that nothing is repeated for ever.
	repeated uint64
}

// encode writes the iterator as DynamoDB does: the stream's ARN and an opaque part.
func (it iterator) encode(arn string) string {
	b := binary.AppendUvarint(nil, it.stream)
	b = binary.AppendUvarint(b, uint64(it.shard))
	b = binary.AppendUvarint(b, it.position)
	b = binary.AppendUvarint(b, uint64(it.issued))
	b = binary.AppendUvarint(b, it.repeated)
	b = binary.LittleEndian.AppendUint32(b, spread(b))
	return arn + "|1|" + base64.StdEncoding.EncodeToString(b)
}

func decodeIterator(s string) (it iterator, ok bool) {
	i := strings.LastIndexByte(s, '|')
	b, err := base64.StdEncoding.DecodeString(s[i+1:])
	if err != nil || len(b) < 4 {
		return it, false
	}
	body, sum := b[:len(b)-4], b[len(b)-4:]
	if binary.LittleEndian.Uint32(sum) != spread(body) {
		return it, false
	}
	r := reader{b: body}
	it = iterator{stream: r.uint(), shard: int(r.uint()), position: r.uint(), issued: uint32(r.uint()), repeated: r.uint()}
	return it, r.end() == nil
}

type getRecordsRequest struct {
	ShardIterator string
	Limit         *int64
}

func (in *getRecordsRequest) check(c *checks) {
	c.required(in.ShardIterator != "", "shardIterator")
	c.atLeast(in.Limit, "limit", 1)
	c.atMost(in.Limit, "limit", maxRecords)
}

func (db *DB) getRecords(in *getRecordsRequest, out []byte) ([]byte, error) {
	it, ok := decodeIterator(in.ShardIterator)
	if !ok {
		return nil, validation("Invalid ShardIterator")
	}
	if db.now() > it.issued+iteratorLife {
		return nil, dynamoError("ExpiredIteratorException", "Iterator expired. The iterator was created at a time more than 15 minutes ago")
	}
	db.mu.RLock()
	s := db.streams[it.stream]
	db.mu.RUnlock()
	if s == nil || !s.readableSince(db.opts.Now().Add(-retention)) {
		return nil, resourceNotFound()
	}
	s.trim(db.opts.Now())
	return db.readShard(s, it, limitOr(in.Limit, maxRecords), out)
}

// readShard writes up to limit records from an iterator on.
func (db *DB) readShard(s *stream, it iterator, limit int, out []byte) ([]byte, error) {
	s.mu.RLock()
	if it.shard >= len(s.shards) {
		s.mu.RUnlock()
		return nil, resourceNotFound()
	}
	sh := s.shards[it.shard]
	if it.position < sh.trimmed {
		s.mu.RUnlock()
		return nil, trimmedAccess()
	}
	n := min(limit, int(sh.end-min(sh.end, it.position)))
	n = db.faults.splitBatch(n)
	records, size := make([]images, 0, n), 0
	for i := range n {
		r := s.images(sh.at(it.position + uint64(i)))
		if size += r.old.size() + r.new.size(); i > 0 && size > maxRecordBytes {
			break
		}
		records = append(records, r)
	}
	pos := it.position
	closed := (sh.isClosed() || !s.enabled()) && pos+uint64(len(records)) >= sh.end && len(sh.held) == 0
	s.mu.RUnlock()
	m := open(out)
	m.add("Records")
	m.out = appendList(m.out, records, func(out []byte, r images) []byte {
		out = s.appendRecord(out, sh, pos, r, db.opts.Region)
		pos++
		return out
	})
	if !closed {
		next := iterator{stream: it.stream, shard: it.shard, position: pos, issued: db.now(), repeated: it.repeated}
		db.faults.repeat(&next, it.position)
		m.str("NextShardIterator", next.encode(s.def.ARN))
	}
	return m.close(), nil
}
