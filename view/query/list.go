package query

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"daybook/events"
	"daybook/parallel"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Bounds of one answer.
const (
	maxPageBytes = 4 << 20 // of rows; Lambda answers at most 6 MB
	readAhead    = 8       // ranges read at the same time
	minChunk     = 8       // rows that one read of a range asks for at least
	searchChunk  = 100     // and at least, when not every row passes the filters
)

// List answers the rows of a tenant ("" without tenants) of a view that the parameters
// ask for:
//
//	field=value, field.op=value   rows whose field compares so: eq, ne, lt, lte,
//	                              gt, gte, prefix, in (a,b,c, or the parameter
//	                              repeated, values then verbatim), exists (true, false)
//	sort=field, sort=-field       the order; rows without a value are left out
//	limit=n                       1 to MaxLimit, DefaultLimit unless given
//	cursor=…                      goes on behind a page
//	after=user/7@3                sees at least that; may be repeated
//
// Values are read as the type of their field. A field that a row leaves out because
// it is zero has its zero value; without one are a nil pointer (null, or no member)
// and an object or a list that is left out. ne is the opposite of eq; all other
// operators pass no row without a value. A field with a normal form (IndexBy.Fold)
// is compared and sorted in it. Rows of equal sort keys, and all where an index
// sorts by nothing, come by key.
//
// A page may hold fewer rows than the limit, even none, and have a Next: reading
// is bounded. Paging through rows that do not change answers each once.
//
// Codes: tenant-required; unknown-view; malformed, naming the parameter, and for a token of a
// version that its stream does not have; no-index, naming the indexes there are;
// and those of Table and events.Store.
func (qs *Queries) List(ctx context.Context, tenant, view string, params map[string][]string) (Page, error) {
	if err := events.CheckTenant(qs.opts.Tenants, tenant); err != nil {
		return Page{}, err
	}
	v, lacking, err := qs.table(ctx, view, cursorOf(params))
	if err != nil {
		return Page{}, err
	}
	q, err := parseQuery(v.Definition, params)
	if err != nil {
		return Page{}, err
	}
	q.tenant = tenant
	if q.after, err = qs.scope(tenant, q.after); err != nil {
		return Page{}, err
	}
	p, err := planQuery(v.Definition, &q)
	if err != nil {
		return Page{}, err
	}
	fingerprint := q.fingerprint(v, p.index)
	places, err := decodeCursor(&q, v, fingerprint, &p)
	if err != nil {
		return Page{}, err
	}
	w, err := qs.await(ctx, v, q.after)
	if err != nil {
		return Page{}, err
	}
	l, stale, err := qs.readPage(ctx, v, &q, &p, places, w)
	if err != nil {
		return Page{}, err
	}
	page := Page{Items: l.items, Stale: stale || lacking, Parked: l.parked || w.parked}
	if v.Keyed && !page.Parked {
		if page.Parked, err = v.AnyParked(ctx, tenant); err != nil {
			return Page{}, err
		}
	}
	if l.more {
		page.Next = encodeCursor(tenant, v, fingerprint, l.places)
	}
	return page, nil
}

// readPage reads the page, again while it lacks a commit that was waited for: an
// index is behind its table for a moment.
func (qs *Queries) readPage(ctx context.Context, v *routing.TableView, q *query, p *plan, places []*driver.Place, w *listWait) (l *listing, stale bool, err error) {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		l = &listing{
			v: v, tenant: q.tenant, plan: p, limit: q.limit, budget: qs.opts.ReadBudget, match: newMatcher(p.filters),
			from: places, places: slices.Clone(places),
		}
		if len(q.after) > 0 {
			l.versions = map[string]int64{}
		}
		if err := l.read(ctx); err != nil {
			return nil, false, err
		}
		if v.Keyed && len(newestTokens(v, q.after)) > 0 {
			if w.seen, err = l.current(ctx, w.seen); err != nil {
				return nil, false, err
			}
		}
		behind, err := l.lacks(w.seen)
		if err != nil {
			return nil, false, err
		}
		w.budget -= qs.opts.ReadBudget - l.budget
		if again, err := w.again(ctx, behind, wait); err != nil || !again {
			return l, w.stale || behind, err
		}
	}
}

// How long a query waits before it looks again.
const (
	firstWait   = 5 * time.Millisecond
	longestWait = 100 * time.Millisecond
)

// listWait is how a list waits for the commits that tokens name.
type listWait struct {
	deadline time.Time
	budget   int            // items that may be read before it looks again
	seen     []*driver.Item // the rows of streams that have them, as the table has them: an index may still lack them
	parked   bool           // a stream that was asked for is parked
	stale    bool           // not all were there in time
}

// again waits before another look, unless there is no need, no time, or no budget
// for one.
func (w *listWait) again(ctx context.Context, needed bool, wait time.Duration) (bool, error) {
	left := time.Until(w.deadline)
	if !needed || left <= 0 || w.budget <= 0 {
		return false, nil
	}
	return true, routing.Sleep(ctx, min(wait, left))
}

// await waits until the view has applied the commits that tokens name. Tokens of
// streams that do not feed the view say nothing about it, a parked stream is not
// waited for, and a version that its stream does not have is malformed.
func (qs *Queries) await(ctx context.Context, v *routing.TableView, after []events.Token) (*listWait, error) {
	w := &listWait{deadline: time.Now().Add(qs.opts.Wait), budget: qs.opts.ReadBudget}
	wanted := newestTokens(v, after)
	keys := slices.Sorted(maps.Keys(wanted))
	for wait := firstWait; len(keys) > 0; wait = min(2*wait, longestWait) {
		items, err := routing.GetItems(ctx, v.Table, keys)
		if err != nil {
			return nil, err
		}
		w.budget -= len(items)
		behind := keys[:0:0]
		lacking := map[string]*driver.Item{}
		for i, item := range items {
			switch key := keys[i]; {
			case definition.VersionOf(item) >= wanted[key].Version:
				w.seen = append(w.seen, item)
			case definition.IsParked(item):
				w.parked = true
			default:
				behind, lacking[key] = append(behind, key), item
			}
		}
		if wait == firstWait {
			if err := qs.exist(ctx, wanted, lacking); err != nil {
				return nil, err
			}
		}
		keys = behind
		if again, err := w.again(ctx, len(keys) > 0, wait); err != nil {
			return nil, err
		} else if !again {
			break
		}
	}
	w.stale = w.parked || len(keys) > 0
	var err error
	if v.Keyed {
		w.seen, err = contributedRows(ctx, v, w.seen)
	}
	return w, err
}

// exist returns malformed if a stream does not have the version that its token
// names. It looks at those that the view lacks, some at the same time.
func (qs *Queries) exist(ctx context.Context, wanted map[string]events.Token, lacking map[string]*driver.Item) error {
	keys := slices.Sorted(maps.Keys(lacking))
	return parallel.New(readAhead).Try(len(keys), func(i int) error {
		there, err := qs.exists(ctx, wanted[keys[i]], definition.LastCommit(lacking[keys[i]]))
		if err == nil && !there {
			err = noSuchVersion()
		}
		return err
	})
}

// exists reports whether a stream has the version that a token names; the commits
// up to applied it has. It reads single commits, strongly consistent: one when
// the stream ends there or the next commit is the one asked for, else as many as
// twice the logarithm of the commits behind applied.
func (qs *Queries) exists(ctx context.Context, want events.Token, applied int64) (bool, error) {
	low, high := applied, int64(math.MaxInt64) // it has commit low, and not commit high
	for step := int64(1); high-low > 1; {
		n := low + min(step, (high-low)/2)
		page, err := qs.store.Read(ctx, want.Stream, n, 1)
		switch {
		case events.Transient(err):
			return true, nil // unknown: it is waited for
		case err != nil:
			return false, err
		case len(page) == 0:
			high, step = n, math.MaxInt64 // from now on by halves
		case page[0].Version >= want.Version:
			return true, nil
		default:
			low, step = n, max(step, 2*step)
		}
	}
	return false, nil
}

// contributedRows returns the rows that streams contribute to, given their
// checkpoints.
func contributedRows(ctx context.Context, v *routing.TableView, checkpoints []*driver.Item) ([]*driver.Item, error) {
	if len(v.Indexes) == 0 {
		return nil, nil // rows come from the table itself
	}
	var keys []string
	for _, cp := range checkpoints {
		rows, err := v.Keys(definition.MemoOf(cp))
		if err != nil {
			continue // the rows are as they were: the stream can't be applied any more
		}
		for _, row := range rows {
			keys = append(keys, definition.ItemKey(definition.TenantOf(cp.Key), row))
		}
	}
	slices.Sort(keys)
	items, err := routing.GetItems(ctx, v.Table, slices.Compact(keys))
	return slices.DeleteFunc(items, func(item *driver.Item) bool { return item == nil }), err
}

// newestTokens returns the newest token of each stream that feeds the view, by the
// key of the item that says how far the view is.
func newestTokens(v *routing.TableView, after []events.Token) map[string]events.Token {
	wanted := map[string]events.Token{}
	for _, t := range after {
		if !v.Follows(t.Stream) {
			continue
		}
		key := v.ItemKeyOf(t.Stream)
		if t.Version > wanted[key].Version {
			wanted[key] = t
		}
	}
	return wanted
}

// listing is the reading of one page.
type listing struct {
	v      *routing.TableView
	tenant string
	plan   *plan
	match  matcher
	limit  int
	budget int
	from   []*driver.Place // behind which the page begins
	places []*driver.Place // behind which the page after this one goes on
	last   *driver.Place   // of the items read from an index, the last in order

	items    []jsontext.Value
	versions map[string]int64 // of the items read from an index, by key; nil without tokens
	bytes    int
	parked   bool
	more     bool
}

func (l *listing) read(ctx context.Context) error {
	if l.plan.index == "" {
		return l.byKeys(ctx)
	}
	return l.byIndex(ctx)
}

// lacks reports whether the page can't be right, given rows as the table has
// them: it was read from an index that is behind.
func (l *listing) lacks(seen []*driver.Item) (bool, error) {
	for _, item := range seen {
		if l.plan.index == "" {
			return false, nil
		}
		if got, ok := l.versions[item.Key]; ok {
			if got < item.Version {
				return true, nil
			}
			continue
		}
		ok, err := l.match.matches(item)
		if err != nil || ok && l.covers(item) {
			return ok, err
		}
	}
	return false, nil
}

// current adds the rows of the page to seen, as the table has them: a row that a
// stream left is in no list of what it contributes to. A row is read once, so
// that one which goes on changing is not waited for.
func (l *listing) current(ctx context.Context, seen []*driver.Item) ([]*driver.Item, error) {
	known := map[string]bool{}
	for _, item := range seen {
		known[item.Key] = true
	}
	var keys []string
	for key := range l.versions {
		if !known[key] {
			keys = append(keys, key)
		}
	}
	items, err := routing.GetItems(ctx, l.v.Table, keys)
	if err != nil {
		return nil, err
	}
	return append(seen, slices.DeleteFunc(items, func(item *driver.Item) bool { return item == nil })...), nil
}

// covers reports whether an item that matches belongs in the page by its place.
// Among equal sort keys the order is the database's own, so of an item that
// sorts like one at an end of the page it can't be said.
func (l *listing) covers(item *driver.Item) bool {
	k, ok := item.Index[l.plan.index]
	if !ok {
		return false
	}
	for i, r := range l.plan.ranges {
		if r.Partition == k.Partition {
			behind := l.from[i] == nil || l.plan.order(k.Sort, l.from[i].Sort) > 0
			before := !l.more || l.last != nil && l.plan.order(k.Sort, l.last.Sort) < 0
			return behind && before
		}
	}
	return false
}

// full reports whether the page takes no more rows.
func (l *listing) full() bool { return len(l.items) >= l.limit || l.bytes >= maxPageBytes }

// addMatching adds an item to the page if it passes the filters.
func (l *listing) addMatching(item *driver.Item) error {
	ok, err := l.match.matches(item)
	if err != nil || !ok {
		return err
	}
	if l.items == nil {
		l.items = make([]jsontext.Value, 0, l.limit)
	}
	row := l.v.Row(item)
	l.items = append(l.items, row.JSON)
	l.bytes += len(row.JSON)
	l.parked = l.parked || row.Parked
	return nil
}

// byKeys answers rows by their keys: all are read, and put in order here.
func (l *listing) byKeys(ctx context.Context) error {
	stored, err := wholeRows(ctx, l.v, l.tenant, l.plan.keys)
	if err != nil {
		return err
	}
	var found []placedItem
	var order fields
	order.add(l.plan.sort)
	for _, item := range stored {
		if item == nil {
			continue
		}
		ok, err := l.match.matches(item)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		key, _ := definition.RowKey(item)
		row, err := order.read(nil, item, key)
		if err != nil {
			return err
		}
		value, _ := row.Of(l.plan.sort.Name)
		sort, _ := l.plan.sort.SortText(value)
		found = append(found, placedItem{*item, driver.Place{Sort: sort, Key: item.Key}})
	}
	slices.SortFunc(found, func(a, b placedItem) int { return l.plan.compare(a.place, b.place) })
	for _, f := range found {
		if after := l.from[0]; after != nil && l.plan.compare(f.place, *after) <= 0 {
			continue
		}
		if l.more = l.full(); l.more {
			break
		}
		if err := l.addMatching(&f.item); err != nil {
			return err
		}
		l.places[0] = &f.place
	}
	return nil
}

// placedItem is an item with its place in the order of the answer.
type placedItem struct {
	item  driver.Item
	place driver.Place
}

// compare orders places as the query asks.
func (p *plan) compare(a, b driver.Place) int {
	c := strings.Compare(a.Key, b.Key)
	if p.desc {
		c = -c
	}
	return cmp.Or(p.order(a.Sort, b.Sort), c)
}

// order is compare by sort keys only.
func (p *plan) order(a, b driver.Sort) int {
	if p.desc {
		return b.Compare(a)
	}
	return a.Compare(b)
}

// byIndex answers rows from the ranges of an index, merged in order.
func (l *listing) byIndex(ctx context.Context) error {
	parts := make([]*partRead, len(l.plan.ranges))
	for i, r := range l.plan.ranges {
		r.After = l.from[i]
		parts[i] = &partRead{l: l, r: r}
	}
	if err := l.fillAll(ctx, parts); err != nil {
		return err
	}
	for !l.full() {
		next := -1
		for i, p := range parts {
			if len(p.rows) == 0 && !p.end {
				if l.budget <= 0 {
					l.more = true
					return nil
				}
				if err := p.fill(ctx); err != nil {
					return err
				}
			}
			if len(p.rows) > 0 && (next < 0 || l.plan.compare(p.rows[0].place, parts[next].rows[0].place) < 0) {
				next = i
			}
		}
		if next < 0 {
			return nil
		}
		first := &parts[next].rows[0]
		parts[next].rows = parts[next].rows[1:]
		l.places[next], l.last = &first.place, &first.place
		if l.versions != nil {
			l.versions[first.item.Key] = first.item.Version
		}
		if err := l.addMatching(&first.item); err != nil {
			return err
		}
	}
	// The page is full: is there another row?
	for _, p := range parts {
		l.more = l.more || len(p.rows) > 0
	}
	for _, p := range parts {
		if l.more || p.end {
			continue
		}
		if err := p.fill(ctx); err != nil {
			return err
		}
		l.more = len(p.rows) > 0
	}
	return nil
}

// partRead is one range with the rows of it that were read and not yet used.
type partRead struct {
	l    *listing
	r    driver.Range
	rows []placedItem
	end  bool
}

// chunk is how many rows one read of a range asks for.
func (l *listing) chunk() int {
	n := l.limit + 1
	if k := len(l.plan.ranges); k > 1 {
		n = min(n, max(minChunk, 2*n/k))
	}
	if l.plan.partial {
		n = max(n, searchChunk)
	}
	return n
}

func (p *partRead) fill(ctx context.Context) error {
	p.r.Limit = p.l.chunk()
	items, end, err := p.l.v.Table.Range(ctx, p.r)
	if err != nil {
		return err
	}
	if len(items) == 0 && !end {
		return events.Errorf(events.CodeInternal, "a read of the table returned neither items nor its end")
	}
	p.end = end
	p.rows = slices.Grow(p.rows, len(items))
	for _, item := range items {
		p.rows = append(p.rows, placedItem{item, driver.Place{Sort: item.Index[p.r.Index].Sort, Key: item.Key}})
	}
	if n := len(p.rows); n > 0 {
		p.r.After = &p.rows[n-1].place
	}
	p.l.budget -= len(items)
	return nil
}

// fillAll does the first read of all ranges, some at the same time.
func (l *listing) fillAll(ctx context.Context, parts []*partRead) error {
	if len(parts) == 1 {
		return parts[0].fill(ctx)
	}
	budget := l.budget
	err := parallel.New(readAhead).Try(len(parts), func(i int) error {
		alone := *l
		parts[i].l = &alone
		return parts[i].fill(ctx)
	})
	if err != nil {
		return err
	}
	for _, p := range parts {
		p.l = l
		budget -= len(p.rows)
	}
	l.budget = budget
	return nil
}
