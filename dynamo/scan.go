package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/events"
)

// maxSegments is the largest TotalSegments of a DynamoDB Scan.
const maxSegments = 1_000_000

// StrongScan returns the store with a Scan that is strongly consistent, for
// double the price: it sees every commit that was acknowledged before it began.
func (s *EventStore) StrongScan() *EventStore {
	return &EventStore{client: s.client, table: s.table, strong: ptr(true)}
}

// Scan implements events.Store with one page of a parallel Scan, at most 1 MB.
// It is not strongly consistent, for half the price: see StrongScan. A cursor
// belongs to its segment; another's, or a damaged one, is malformed.
func (s *EventStore) Scan(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
	if segments < 1 || segments > maxSegments || segment < 0 || segment >= segments {
		return nil, "", events.Malformed("segment", "segments is from 1 to 1,000,000 and segment below it")
	}
	in := &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: s.strong, Segment: ptr(int32(segment)), TotalSegments: ptr(int32(segments))}
	if cursor != "" {
		place, ok := parseScanCursor(cursor)
		if !ok || place.segment != uint64(segment) || place.segments != uint64(segments) {
			return nil, "", events.Malformed("cursor", "this cursor is not of this scan")
		}
		in.ExclusiveStartKey = commitKey(place.stream, place.number)
	}
	out, err := s.client.Scan(ctx, in)
	if err != nil {
		return nil, "", translate(ctx, err)
	}
	page, err := decodeCommits(out.Items)
	if err != nil || len(out.LastEvaluatedKey) == 0 {
		return page, "", err
	}
	var last rawCommit
	last.take(out.LastEvaluatedKey)
	next := scanCursor{segment: uint64(segment), segments: uint64(segments), stream: events.Stream(last.stream), number: last.number}
	return page, next.String(), nil
}

// scanCursor is the place behind a page of a Scan.
type scanCursor struct {
	segment, segments uint64
	number            int64
	stream            events.Stream
}

// scanCursorForm is the first byte of a cursor; another form gets another.
const scanCursorForm = 1

func (c scanCursor) String() string {
	b := binary.AppendUvarint([]byte{scanCursorForm}, c.segment)
	b = binary.AppendUvarint(b, c.segments)
	b = binary.AppendUvarint(b, uint64(c.number))
	return base64.RawURLEncoding.EncodeToString(append(b, c.stream...))
}

func parseScanCursor(s string) (c scanCursor, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != scanCursorForm {
		return c, false
	}
	b = b[1:]
	var fields [3]uint64
	for i := range fields {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return c, false
		}
		fields[i], b = v, b[n:]
	}
	c = scanCursor{segment: fields[0], segments: fields[1], number: int64(fields[2]), stream: events.Stream(b)}
	return c, c.number >= 1 && len(b) > 0 && len(b) <= maxPartitionSize && utf8.Valid(b) && c.String() == s
}
