package simulation

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/url"
)

// listed returns the field by which a list of all rows of a view is ordered.
func (s *system) listed(name string) (field string, ok bool) {
	v := s.app.View(name)
	if v == nil {
		return "", false
	}
	for _, index := range v.Describe().Indexes {
		if index.Partition == "" {
			return index.Sort, true
		}
	}
	return "", false
}

// list asks for a page of a list and for the next one, and hands the first page's cursor
// to another query, which must refuse it.
func (c *client) list(ctx context.Context, s step, field string) {
	pages := []struct{ sort, cursor string }{{field, ""}, {field, "…"}, {"-" + field, "…"}}
	cursor := ""
	for n, page := range pages {
		query := url.Values{"sort": {page.sort}, "limit": {"1"}}
		if page.cursor != "" {
			query.Set("cursor", cursor)
		}
		status, body, err := c.ask(ctx, fmt.Sprintf("%s/%d", s.name, n+1), http.MethodGet, "/"+s.view+"?"+query.Encode(), "", nil)
		if err != nil || status >= 500 {
			return
		}
		var answer struct {
			Items []any  `json:"items"`
			Next  string `json:"next"`
		}
		other := page.sort != field
		switch {
		case other && status != http.StatusBadRequest:
			c.faults = append(c.faults, fmt.Sprintf("%s: the cursor of a list by %s is accepted for a list by %s: %d %s", s, field, page.sort, status, body))
		case other || status == http.StatusBadRequest && n == 1: // a table that was replaced
		case status != http.StatusOK || json.Unmarshal(body, &answer) != nil || len(answer.Items) > 1:
			c.faults = append(c.faults, fmt.Sprintf("%s: the answer for a page of the list by %s is %d %s", s, page.sort, status, body))
		}
		if n == 0 {
			if cursor = answer.Next; cursor == "" {
				return
			}
		}
	}
}
