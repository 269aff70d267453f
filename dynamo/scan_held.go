package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// ScanHeld implements events.Store with one page of a parallel Scan of the
// claims table, at most 1 MB; once-only commands are left out. Like Scan it is
// not strongly consistent, and a cursor belongs to its segment.
func (s *EventStore) ScanHeld(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
	if segments < 1 || segments > maxSegments || segment < 0 || segment >= segments {
		return nil, "", events.Malformed("segment", "segments is from 1 to 1,000,000 and segment below it")
	}
	if err := s.needClaims(); err != nil {
		return nil, "", err
	}
	in := &dynamodb.ScanInput{
		TableName: &s.claims, Segment: ptr(int32(segment)), TotalSegments: ptr(int32(segments)),
		FilterExpression:          ptr("NOT begins_with(#k, :once)"),
		ExpressionAttributeNames:  map[string]string{"#k": attrClaim},
		ExpressionAttributeValues: map[string]types.AttributeValue{":once": &types.AttributeValueMemberS{Value: oncePrefix}},
	}
	if cursor != "" {
		key, ok := parseHeldCursor(cursor, segment, segments)
		if !ok {
			return nil, "", events.Malformed("cursor", "this cursor is not of this scan")
		}
		in.ExclusiveStartKey = claimKey(key)
	}
	out, err := s.client.Scan(ctx, in)
	if err != nil {
		return nil, "", translate(ctx, err)
	}
	page := make([]events.Held, len(out.Items))
	for i, item := range out.Items {
		if page[i], err = decodeHeld(item); err != nil {
			return nil, "", err
		}
	}
	if len(out.LastEvaluatedKey) == 0 {
		return page, "", nil
	}
	return page, heldCursor(textOf(out.LastEvaluatedKey[attrClaim]), segment, segments), nil
}

// heldCursor writes the place behind a page of ScanHeld.
func heldCursor(key string, segment, segments int) string {
	b := binary.AppendUvarint([]byte{scanCursorForm}, uint64(segment))
	b = binary.AppendUvarint(b, uint64(segments))
	return base64.RawURLEncoding.EncodeToString(append(b, key...))
}

func parseHeldCursor(s string, segment, segments int) (key string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 {
		return "", false
	}
	r := unpacker{rest: b[1:]}
	r.uvarint()
	r.uvarint()
	key = string(r.rest)
	return key, !r.failed && key != "" && len(key) <= maxPartitionSize && utf8.ValidString(key) && heldCursor(key, segment, segments) == s
}
