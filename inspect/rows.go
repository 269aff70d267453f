package inspect

import (
	"context"
	"encoding/json/jsontext"

	"daybook/events"
	"daybook/parallel"
	"daybook/view"
	"daybook/view/projection"
)

// Row is one row as queries answer it.
type Row struct {
	Tenant  string         `json:"tenant,omitzero"`
	View    string         `json:"view"`
	Key     string         `json:"key"`
	Version int64          `json:"version"`
	Row     jsontext.Value `json:"row"`
	// Parked says that the row may be behind, since a stream is parked.
	Parked bool `json:"parked,omitzero"`
}

// RowsPage is a page of rows as queries answer them.
type RowsPage struct {
	Items  []jsontext.Value `json:"items"`
	Next   string           `json:"next,omitzero"` // the cursor of the next page
	Stale  bool             `json:"stale,omitzero"`
	Parked bool             `json:"parked,omitzero"`
}

// Rows answers a query of a tenant ("" without tenants) of a view, with the parameters and codes of query.Queries'
// List: filters, sort, limit and cursor as the HTTP API takes them.
func (i *Installation) Rows(ctx context.Context, tenant, name string, params map[string][]string) (RowsPage, error) {
	if err := i.CheckTenant(tenant); err != nil {
		return RowsPage{}, err
	}
	page, err := i.queries.List(ctx, tenant, name, params)
	if page.Items == nil {
		page.Items = []jsontext.Value{}
	}
	return RowsPage{page.Items, page.Next, page.Stale, page.Parked}, err
}

// Row answers one row of a tenant ("" without tenants), with the codes of
// query.Queries' Get.
func (i *Installation) Row(ctx context.Context, tenant, name, key string) (Row, error) {
	if err := i.CheckTenant(tenant); err != nil {
		return Row{}, err
	}
	row, err := i.queries.Get(ctx, tenant, name, key, nil)
	return Row{tenant, name, key, row.Version, row.JSON, row.Parked}, err
}

// RowReport is what comparing a row with the events gave.
type RowReport struct {
	Tenant  string         `json:"tenant,omitzero"`
	View    string         `json:"view"`
	Key     string         `json:"key"`
	Right   bool           `json:"right"`
	Stored  jsontext.Value `json:"stored,omitzero"`   // absent when there is no row
	Expect  jsontext.Value `json:"expected,omitzero"` // absent when the events make none
	Differs []Difference   `json:"differences,omitempty"`
}

// VerifyRow compares a row of a tenant ("" without tenants), as queries answer it, with what the events say: those
// of its stream, or for a view whose rows many streams feed, those of all streams of
// the tenant that it follows, at most budget commits.
//
// Codes: tenant-required; unknown-view; too-large when budget is not enough; internal for events
// that the view can't apply; and those of the stores.
func (i *Installation) VerifyRow(ctx context.Context, tenant, name, key string, budget int) (RowReport, error) {
	r := RowReport{Tenant: tenant, View: name, Key: key}
	if err := i.CheckTenant(tenant); err != nil {
		return r, err
	}
	f, err := i.followers(ctx, []string{name})
	if err != nil || len(f.views) == 0 {
		return r, events.Errorf(events.CodeUnknownView, "there is no view %q", name)
	}
	fold, err := projection.NewFold(f.views[0], i.codec)
	if err != nil {
		return r, err
	}
	if d := f.views[0].Describe(); d.Kind == view.KindRows {
		err = i.foldStream(ctx, fold, events.StreamOf(d.Aggregates[0], key).In(tenant))
	} else {
		err = i.foldAll(ctx, fold, f.views[0], tenant, budget)
	}
	if err != nil {
		return r, err
	}
	expected, ok, err := fold.Row(tenant, key)
	if err != nil {
		return r, err
	}
	if ok {
		r.Expect = expected.JSON
	}
	stored, err := i.queries.Get(ctx, tenant, name, key, nil)
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		return r, err
	}
	r.Stored = stored.JSON
	r.Differs = compareObjects("row", r.Stored, r.Expect)
	r.Right = len(r.Differs) == 0
	return r, nil
}

// foldStream adds one stream, if it exists.
func (i *Installation) foldStream(ctx context.Context, fold *projection.Fold, stream events.Stream) error {
	if _, err := events.ParseStored(string(stream)); err != nil {
		return nil // no stream has such a name, so there is no row
	}
	var commits []events.Commit
	err := i.eachCommit(ctx, stream, func(c *events.Commit) bool {
		commits = append(commits, *c)
		return true
	})
	if events.CodeOf(err) == events.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return fold.Add(commits)
}

// foldAll adds all streams of a tenant that a view follows.
func (i *Installation) foldAll(ctx context.Context, fold *projection.Fold, v view.View, tenant string, budget int) error {
	const parts = 8
	read := make([][]events.Commit, parts)
	each := max(1, budget/parts)
	err := parallel.New(parts).Until(ctx, parts, func(ctx context.Context, segment int) error {
		for page, err := range events.Pages(ctx, i.sources.Events.Scan, segment, parts) {
			if err != nil {
				return err
			}
			for _, c := range page {
				if _, ok := projection.StreamKey(v, c.Stream); ok && c.Stream.Tenant() == tenant {
					read[segment] = append(read[segment], c)
				}
			}
			if len(read[segment]) > each {
				return events.Errorf(events.CodeTooLarge, "many streams feed %s, with more than %d commits: run verify on the view", v.Describe().Name, budget)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, commits := range read {
		for len(commits) > 0 {
			n := 1
			for n < len(commits) && commits[n].Stream == commits[0].Stream {
				n++
			}
			if err := fold.Add(commits[:n]); err != nil {
				return err
			}
			commits = commits[n:]
		}
	}
	return nil
}
