package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"net/http"
	"net/url"
	"strconv"

	"daybook/events"
	"daybook/internal/quickjson"
	"daybook/view"
	"daybook/view/query"
)

// row answers GET /{view}/{key}, with at the row as it was. Its entity tag is the row's version, so a
// client keeps it and asks again with If-None-Match.
func (q *queries) row(view, key string) endpoint {
	return func(r *http.Request) (*answer, error) {
		params, err := parameters(r, "after", "at")
		if err != nil {
			return nil, err
		}
		row, err := q.rowOf(r.Context(), view, key, params)
		if err != nil && row.Parked {
			return nil, &failure{error: err, parked: true}
		}
		if err != nil {
			return nil, err
		}
		a := &answer{status: http.StatusOK, contentType: "application/json", body: row.JSON, header: http.Header{}}
		tag := ""
		if row.Version > 0 {
			tag = rowTag(tenantOf(r.Context()), row)
			a.header.Set("ETag", tag)
		}
		a.header.Set("Cache-Control", "private, no-cache")
		if row.Parked {
			a.header.Set("Daybook-Parked", "true")
		}
		if notModified(r.Header, tag) {
			a.status, a.contentType, a.body = http.StatusNotModified, "", nil
		}
		return a, nil
	}
}

// rowTag is the entity tag of a row: its version in quotes, and, of a view whose
// version was raised, the view's behind it ("3.2"). Else who kept a row would be
// told that it is still the same when it looks another way. For the same reason a
// tenant's row has a mark of the tenant at the end ("3~1f0a22c9"): the address of the
// row is also that of other tenants' rows.
func rowTag(tenant string, row view.Row) string {
	tag := strconv.FormatInt(row.Version, 10)
	if row.Shape > 1 {
		tag += "." + strconv.Itoa(row.Shape)
	}
	return `"` + tag + markOf(tenant) + `"`
}

const (
	tenantMark     = "~"
	tenantMarkSize = 4 // bytes
)

// markOf is what a tag of a tenant's row ends with, "" without a tenant.
func markOf(tenant string) string {
	if tenant == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(tenant))
	return tenantMark + hex.EncodeToString(sum[:tenantMarkSize])
}

// rowOf returns the row as it is, or, with at, as it was.
func (q *queries) rowOf(ctx context.Context, name, key string, params url.Values) (view.Row, error) {
	if !params.Has("at") {
		after, err := tokens(params["after"])
		if err != nil {
			return view.Row{}, err
		}
		return q.querier.Get(ctx, tenantOf(ctx), name, key, after)
	}
	switch {
	case len(params["at"]) > 1:
		return view.Row{}, events.Malformed("at", "must not be given twice")
	case params.Has("after"):
		return view.Row{}, events.Malformed("at", "must not be given together with after: the past does not change")
	}
	at, err := query.ParseMoment(params.Get("at"))
	if err != nil {
		return view.Row{}, err
	}
	return q.querier.At(ctx, tenantOf(ctx), name, key, at)
}

// listBody is the answer to GET /{view}: {"items":[…],"next":"cursor of the next page"}.
// The rows stand in it as they are.
func listBody(page query.Page) ([]byte, error) {
	size := len(`{"items":[],"next":""}`) + len(page.Next) + 1
	for _, row := range page.Items {
		size += len(row) + 1
	}
	body := append(make([]byte, 0, size), `{"items":[`...)
	for i, row := range page.Items {
		if !quickjson.Valid(row) {
			return nil, events.Errorf(events.CodeInternal, "row %d of the list is not JSON", i)
		}
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, row...)
	}
	body = append(body, ']')
	if page.Next != "" {
		var err error
		if body, err = jsontext.AppendQuote(append(body, `,"next":`...), page.Next); err != nil {
			return nil, err
		}
	}
	return append(body, '}'), nil
}

// list answers GET /{view}: what its parameters mean is the querier's to say.
func (q *queries) list(view string) endpoint {
	return func(r *http.Request) (*answer, error) {
		params, err := parameters(r)
		if err != nil {
			return nil, err
		}
		if params.Has("after") {
			after, err := tokens(params["after"])
			if err != nil {
				return nil, err
			}
			params.Del("after")
			for _, t := range after {
				params.Add("after", t.String())
			}
		}
		page, err := q.querier.List(r.Context(), tenantOf(r.Context()), view, params)
		if err != nil {
			return nil, err
		}
		body, err := listBody(page)
		if err != nil {
			return nil, err
		}
		a := &answer{status: http.StatusOK, contentType: "application/json", body: body, header: http.Header{}}
		if page.Stale {
			a.header.Set("Daybook-Stale", "true")
		}
		if page.Parked {
			a.header.Set("Daybook-Parked", "true")
		}
		return a, nil
	}
}
