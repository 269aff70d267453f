package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/events"
	"daybook/functions/names"
)

// TenantOf returns the tenant whose item it is, by the item's key: "" for an item of no
// tenant. table is the table's name without the installation's prefix, and key the text of
// the partition key. Ids may hold what tenants' names and separators are made of, so each
// table has its own rule.
func TenantOf(table, key string) string {
	switch table {
	case names.EventsTable, names.KeysTable: // acme:user/7
		return events.Stream(key).Tenant()
	case names.ClaimsTable: // acme:user-email=ann@example.com, acme:once:7
		return tenantBefore(key, "=#")
	case names.RequestsTable: // acme:7
		return tenantBefore(key, "")
	case names.ProcessesTable: // fulfilment/acme:order/7
		_, stream, _ := strings.Cut(key, "/")
		return events.Stream(stream).Tenant()
	case names.ControlTable:
		return ""
	}
	if rest, ok := strings.CutPrefix(key, "@tenant/"); ok { // a row
		tenant, _, _ := strings.Cut(rest, "/")
		return tenant
	}
	for _, prefix := range []string{"@stream/", "@parked/"} {
		if stream, ok := strings.CutPrefix(key, prefix); ok {
			return events.Stream(stream).Tenant()
		}
	}
	return ""
}

// tenantBefore is the tenant in front of the first colon, if none of the ends comes
// before it.
func tenantBefore(key, ends string) string {
	if i := strings.IndexAny(key, ":"+ends); i > 0 && key[i] == ':' {
		return key[:i]
	}
	return ""
}

// StoredSize is a commit as the events table holds it, without its events.
type StoredSize struct {
	Stream  events.Stream
	Number  int64 // of the commit
	Version int64 // of the stream after it
	Time    time.Time
	Bytes   int // of the item, as DynamoDB bills it
}

// ScanSizes reads one page of a part of the events table, at most 1 MB, as Scan does; the
// commits of a stream come one after another. A cursor is one of Scan and ScanSizes alike.
func (s *EventStore) ScanSizes(ctx context.Context, number, of int, cursor string) ([]StoredSize, string, error) {
	items, next, err := commitSegment(number, of).scan(ctx, s.client, &dynamodb.ScanInput{TableName: &s.table, ConsistentRead: s.strong}, cursor)
	if err != nil {
		return nil, "", err
	}
	page := make([]StoredSize, len(items))
	for i, item := range items {
		var c rawCommit
		c.take(item)
		page[i] = StoredSize{events.Stream(c.stream), c.number, c.version, time.UnixMilli(c.time).UTC(), itemSize(item)}
	}
	return page, next, nil
}
