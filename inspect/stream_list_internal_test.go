package inspect

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
)

// TestNewest compares the pages with sorting everything.
func TestNewest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 6).Draw(t, "limit")
		var all []*events.Commit
		for n, ms := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 12).Draw(t, "times") {
			at := time.UnixMilli(int64(ms))
			all = append(all, &events.Commit{Stream: events.Stream(fmt.Sprint("user/", n)), Number: 1, Version: 1, Time: at, Events: []events.Event{{Name: "x"}}})
		}
		want, got := []StreamInfo{}, []StreamInfo{}
		for _, c := range all {
			want = append(want, infoOf(c))
		}
		slices.SortFunc(want, byTime)
		for before := (*StreamPlace)(nil); ; {
			n := &Newest{Limit: limit, Before: before}
			for _, c := range all {
				n.Add(infoOf(c))
			}
			page := n.Sorted()
			if got = append(got, page...); len(page) < limit {
				break
			}
			before = &StreamPlace{page[limit-1].Time, page[limit-1].Stream}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}
