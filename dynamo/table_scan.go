package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view/driver"
)

// Scan implements driver.Table with one page of a parallel Scan, at most 1 MB,
// strongly consistent: a read unit for each 4 KB.
func (t *table) Scan(ctx context.Context, segment, segments int, cursor string) ([]driver.Scanned, string, error) {
	if segments < 1 || segments > maxSegments || segment < 0 || segment >= segments {
		return nil, "", events.Malformed("segment", "segments is from 1 to 1,000,000 and segment below it")
	}
	in := &dynamodb.ScanInput{
		TableName: &t.name, ConsistentRead: ptr(true),
		Segment: ptr(int32(segment)), TotalSegments: ptr(int32(segments)),
	}
	if cursor != "" {
		place, ok := parseItemCursor(cursor)
		if !ok || place.segment != uint64(segment) || place.segments != uint64(segments) {
			return nil, "", events.Malformed("cursor", "this cursor is not of this scan")
		}
		in.ExclusiveStartKey = itemKey(place.key)
	}
	out, err := t.client.Scan(ctx, in)
	if err != nil {
		return nil, "", translate(ctx, err)
	}
	page := make([]driver.Scanned, len(out.Items))
	for i, raw := range out.Items {
		page[i] = scannedItem(raw)
	}
	if len(out.LastEvaluatedKey) == 0 {
		return page, "", nil
	}
	next := itemCursor{segment: uint64(segment), segments: uint64(segments), key: textOf(out.LastEvaluatedKey[attrKey])}
	return page, next.String(), nil
}

// scannedItem decodes an item; one that can't be read keeps its key.
func scannedItem(raw map[string]types.AttributeValue) driver.Scanned {
	it, err := decodeItem(raw)
	if err != nil {
		return driver.Scanned{Item: driver.Item{Key: textOf(raw[attrKey])}, Err: err}
	}
	return driver.Scanned{Item: it}
}

// itemCursor is the place behind a page of a Scan of a query table.
type itemCursor struct {
	segment, segments uint64
	key               string
}

// itemCursorForm is the first byte of a cursor; another form gets another.
const itemCursorForm = 2

func (c itemCursor) String() string {
	b := binary.AppendUvarint([]byte{itemCursorForm}, c.segment)
	b = binary.AppendUvarint(b, c.segments)
	return base64.RawURLEncoding.EncodeToString(append(b, c.key...))
}

func parseItemCursor(s string) (c itemCursor, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != itemCursorForm {
		return c, false
	}
	b = b[1:]
	var fields [2]uint64
	for i := range fields {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return c, false
		}
		fields[i], b = v, b[n:]
	}
	c = itemCursor{segment: fields[0], segments: fields[1], key: string(b)}
	return c, len(b) > 0 && len(b) <= maxPartitionSize && utf8.Valid(b) && c.String() == s
}
