package dynamo

import (
	"context"
	"encoding/binary"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
	"daybook/view/driver"
)

// The forms of the cursors of scans. Those of the events and the claims table
// differ in their keys.
const (
	commitCursor = 1
	claimCursor  = 1
	itemCursor   = 2
)

// StrongScan returns the store with a Scan that is strongly consistent, for
// double the price: it sees every commit that was acknowledged before it began.
func (s *EventStore) StrongScan() *EventStore {
	return &EventStore{client: s.client, table: s.table, strong: ptr(true)}
}

// Scan implements events.Store with one page of a parallel Scan, at most 1 MB.
// It is not strongly consistent, for half the price: see StrongScan. A cursor
// belongs to its segment; another's, or a damaged one, is malformed.
func (s *EventStore) Scan(ctx context.Context, number, of int, cursor string) ([]events.Commit, string, error) {
	items, next, err := commitSegment(number, of).scan(ctx, s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: s.strong}, cursor)
	if err != nil {
		return nil, "", err
	}
	page, err := decodeCommits(items)
	if err != nil {
		return nil, "", err
	}
	return page, next, nil
}

// ScanTolerant implements events.TolerantScanner with the requests of Scan.
func (s *EventStore) ScanTolerant(ctx context.Context, number, of int, cursor string) (page []events.Commit, damaged []events.Damage, next string, err error) {
	items, next, err := commitSegment(number, of).scan(ctx, s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: s.strong}, cursor)
	if err != nil {
		return nil, nil, "", err
	}
	page = make([]events.Commit, 0, len(items))
	for _, item := range items {
		c, err := decodeCommit(item)
		if e, ok := events.DamageOf(err); ok {
			damaged = append(damaged, e.Damage())
			continue
		}
		if err != nil {
			return nil, nil, "", err
		}
		page = append(page, c)
	}
	return page, damaged, next, nil
}

// commitSegment is a segment of the events table. A cursor holds a commit's number
// and its stream.
func commitSegment(number, of int) segment {
	return segment{number, of, commitCursor,
		func(key map[string]types.AttributeValue) []byte {
			var c rawCommit
			c.take(key)
			return append(binary.AppendUvarint(nil, uint64(c.number)), c.stream...)
		},
		func(b []byte) map[string]types.AttributeValue {
			u := unpacker{rest: b}
			number := int64(u.uvarint())
			if number < 1 || !isKeyText(u.rest) {
				return nil
			}
			return commitKey(events.Stream(u.rest), number)
		},
	}
}

// ScanHeld implements events.Store with one page of a parallel Scan of the
// claims table, at most 1 MB; once-only commands are left out. Like Scan it is
// not strongly consistent, and a cursor belongs to its segment.
func (s *EventStore) ScanHeld(ctx context.Context, number, of int, cursor string) ([]events.Held, string, error) {
	if err := s.needClaims(); err != nil {
		return nil, "", err
	}
	items, next, err := textSegment(number, of, claimCursor, attrClaim).scan(ctx, s.client, &dynamodb.ScanInput{
		TableName:                &s.claims,
		FilterExpression:         ptr("attribute_not_exists(#x)"), // what expires are once-only commands
		ExpressionAttributeNames: map[string]string{"#x": attrExpires},
	}, cursor)
	if err != nil {
		return nil, "", err
	}
	page := make([]events.Held, len(items))
	for i, item := range items {
		if page[i], err = decodeHeld(item); err != nil {
			return nil, "", err
		}
	}
	return page, next, nil
}

// Scan implements driver.Table with one page of a parallel Scan, at most 1 MB,
// strongly consistent: a read unit for each 4 KB. An item that can't be read keeps
// its key.
func (t *table) Scan(ctx context.Context, number, of int, cursor string) ([]driver.ScannedItem, string, error) {
	items, next, err := textSegment(number, of, itemCursor, attrKey).scan(ctx, t.client, &dynamodb.ScanInput{TableName: &t.name, ConsistentRead: ptr(true)}, cursor)
	if err != nil {
		return nil, "", err
	}
	page := make([]driver.ScannedItem, len(items))
	for i, raw := range items {
		if page[i].Item, page[i].Err = decodeItem(raw); page[i].Err != nil {
			page[i].Item = driver.Item{Key: textOf(raw[attrKey])}
		}
	}
	return page, next, nil
}
