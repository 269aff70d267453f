package dynamo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// maxSegments is the largest TotalSegments of a DynamoDB Scan.
const maxSegments = 1_000_000

// segment is one part of a parallel Scan. Its cursors are its own: they hold a
// byte that names the form, the segment, how many there are, and the key behind
// which to go on.
type segment struct {
	number, of int
	form       byte // of the cursors; another form gets another
	// encode and decode write and read a key. decode returns nil for what is no
	// key.
	encode func(key map[string]types.AttributeValue) []byte
	decode func(b []byte) map[string]types.AttributeValue
}

// textSegment is a segment of a table whose key is one string.
func textSegment(number, of int, form byte, attribute string) segment {
	return segment{number, of, form,
		func(key map[string]types.AttributeValue) []byte { return []byte(textOf(key[attribute])) },
		func(b []byte) map[string]types.AttributeValue {
			if !isKeyText(b) {
				return nil
			}
			return map[string]types.AttributeValue{attribute: &types.AttributeValueMemberS{Value: string(b)}}
		},
	}
}

func isKeyText(b []byte) bool { return len(b) > 0 && len(b) <= maxPartitionSize && utf8.Valid(b) }

// scan reads one page, at most 1 MB, from a cursor on, and returns the cursor
// behind it, "" at the end. A cursor of anything else is malformed.
func (s segment) scan(ctx context.Context, client API, in *dynamodb.ScanInput, cursor string) (items []map[string]types.AttributeValue, next string, err error) {
	if s.of < 1 || s.of > maxSegments || s.number < 0 || s.number >= s.of {
		return nil, "", events.Malformed("segment", "segments must be from 1 to 1,000,000 and segment below it")
	}
	in.Segment, in.TotalSegments = ptr(int32(s.number)), ptr(int32(s.of))
	if cursor != "" {
		if in.ExclusiveStartKey = s.key(cursor); in.ExclusiveStartKey == nil {
			return nil, "", events.Malformed("cursor", "this cursor is not of this scan")
		}
	}
	out, err := client.Scan(ctx, in)
	if err != nil {
		return nil, "", translate(ctx, err)
	}
	if len(out.LastEvaluatedKey) > 0 {
		next = s.cursor(out.LastEvaluatedKey)
	}
	return out.Items, next, nil
}

func (s segment) cursor(key map[string]types.AttributeValue) string {
	return base64.RawURLEncoding.EncodeToString(append(s.prefix(), s.encode(key)...))
}

func (s segment) prefix() []byte {
	b := binary.AppendUvarint([]byte{s.form}, uint64(s.number))
	return binary.AppendUvarint(b, uint64(s.of))
}

// key is the key in a cursor, nil if the segment did not write it.
func (s segment) key(cursor string) map[string]types.AttributeValue {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	rest, own := bytes.CutPrefix(b, s.prefix())
	if err != nil || !own {
		return nil
	}
	key := s.decode(rest)
	if key == nil || s.cursor(key) != cursor {
		return nil
	}
	return key
}
