package projection

import (
	"context"

	"daybook/view/driver"
)

// bulkRun is rowsRun for a table that is being filled, where most streams are new: it
// stores their rows many per request.
type bulkRun struct {
	*rowsRun
	table driver.Inserter
}

// HandleAll implements follow.Grouper.
func (r *bulkRun) HandleAll(ctx context.Context, ps []*position) []error {
	errs := make([]error, len(ps))
	chunks := (len(ps) + driver.MaxInsert - 1) / driver.MaxInsert
	r.limit.Each(chunks, func(i int) {
		from := i * driver.MaxInsert
		to := min(from+driver.MaxInsert, len(ps))
		r.handle(ctx, ps[from:to], errs[from:to])
	})
	return errs
}

// handle handles as many streams as one request may insert. Those that have a row and
// those that can't be applied are handled one by one.
func (r *bulkRun) handle(ctx context.Context, ps []*position, errs []error) {
	var items []driver.Item
	var places []int
	for i, p := range ps {
		if p.item != nil {
			errs[i] = r.Handle(ctx, p)
			continue
		}
		next, fault, err := r.advance(ctx, p)
		switch {
		case err != nil:
			errs[i] = err
		case fault != nil:
			errs[i] = r.Handle(ctx, p)
		default:
			items, places = append(items, next), append(places, i)
		}
	}
	if len(items) == 0 {
		return
	}
	for j, err := range r.table.Insert(ctx, items) {
		errs[places[j]] = r.stored(ps[places[j]], items[j], err)
	}
}
