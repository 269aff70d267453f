package viewtest

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/driver"
)

// scanPage is how many items a page of Scan has: few, so that tests meet cursors.
const scanPage = 10

// Scan implements driver.Table.
func (t *table) Scan(ctx context.Context, segment, segments int, cursor string) ([]driver.ScannedItem, string, error) {
	if _, err := t.enter(ctx, "Scan", nil); err != nil {
		return nil, "", err
	}
	if segments < 1 || segments > 1_000_000 || segment < 0 || segment >= segments {
		return nil, "", events.Malformed("segment", "segments must be from 1 to 1,000,000 and segment below it")
	}
	head := fmt.Sprintf("%d/%d/", segment, segments)
	last := ""
	if cursor != "" {
		quoted, ok := strings.CutPrefix(cursor, head)
		var err error
		if last, err = strconv.Unquote(quoted); !ok || err != nil {
			return nil, "", events.Malformed("cursor", "this cursor is not of this scan")
		}
	}
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	all := t.m.tables[t.name]
	var page []driver.ScannedItem
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key <= last && last != "" || segmentOf(key, segments) != segment {
			continue
		}
		if len(page) == scanPage {
			return page, head + strconv.Quote(page[scanPage-1].Item.Key), nil
		}
		page = append(page, driver.ScannedItem{Item: clone(all[key])})
	}
	return page, "", nil
}

func segmentOf(key string, segments int) int {
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % uint32(segments))
}
