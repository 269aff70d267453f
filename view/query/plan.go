package query

import (
	"cmp"
	"slices"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// maxRanges bounds the partitions that one query reads: values of the partition
// field times shards.
const maxRanges = 64

// plan is how a query is answered: from rows by their keys, or from ranges of
// an index.
type plan struct {
	index   string         // "" for keys
	keys    []string       // of rows, sorted
	ranges  []driver.Range // each without Limit and After
	filters []filter       // that a row must pass, also those that the ranges ensure
	partial bool           // the ranges hold rows that do not pass
	desc    bool
	sort    definition.Field // what rows are ordered by, then by key
}

// planQuery picks how a query is answered. Rows asked for by id come from their
// keys. Else an index serves if it surely holds every row that matches: its
// partition field is compared with eq or in (or it holds all rows), it is
// sorted as asked, and it leaves out no row for lack of its sort field. Of
// several the one with the most filters on its keys wins, then one by a field,
// then the one with fewer partitions to read, then the one declared first.
func planQuery(d *definition.Definition, q *query) (plan, error) {
	p := plan{filters: slices.Clone(q.filters), desc: q.desc, sort: definition.Field{Name: definition.FieldID, Kind: definition.KindString}}
	if q.sort != "" {
		// Sorting by a field answers the rows that have it.
		p.sort, _ = d.QueryField(q.sort)
		p.filters = append(p.filters, filter{field: p.sort, op: "exists", want: true})
	}
	if f := q.find(definition.FieldID, "eq", "in"); f != nil {
		for _, v := range f.values {
			if d.ValidKey(v.Text) {
				p.keys = append(p.keys, v.Text)
			}
		}
		return p, nil
	}
	best, found := choice{}, false
	for i := range d.Indexes {
		if c, ok := q.choose(&d.Indexes[i]); ok && (!found || c.better(best)) {
			best, found = c, true
		}
	}
	if !found {
		return plan{}, noIndex(d, q)
	}
	if len(best.partitions) > maxRanges {
		return plan{}, events.Malformed(best.partition.param, "has too many values for the index that serves it")
	}
	p.index, p.sort = best.index.Name, best.index.Sort
	p.partial = best.used < len(q.filters)
	if best.empty() {
		return p, nil
	}
	for _, partition := range best.partitions {
		p.ranges = append(p.ranges, driver.Range{
			Index: p.index, Partition: partition, Low: best.low, High: best.high, Prefix: best.prefix, Desc: q.desc,
		})
	}
	return p, nil
}

// choice is an index that serves a query, and how.
type choice struct {
	index      *definition.Index
	partition  *filter // nil: an index of all rows
	partitions []string
	low, high  *driver.Bound
	prefix     string
	used       int // filters that the keys ensure
}

func (c choice) better(o choice) bool {
	all := func(c choice) int {
		if c.partition == nil {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(o.used, c.used),
		cmp.Compare(all(c), all(o)),
		cmp.Compare(len(c.partitions), len(o.partitions)),
	) < 0
}

// choose reports whether an index serves the query.
func (q *query) choose(ix *definition.Index) (c choice, ok bool) {
	c.index = ix
	if q.sort != "" && q.sort != ix.Sort.Name {
		return c, false
	}
	if ix.Sort.Nullable && q.sort == "" && !q.requires(ix.Sort.Name) {
		return c, false
	}
	if ix.Partition == nil {
		c.partitions = ix.Partitions(q.tenant, definition.AllPartition)
	} else {
		if c.partition = q.find(ix.Partition.Name, "eq", "in"); c.partition == nil {
			return c, false
		}
		c.used++
		for _, v := range c.partition.values {
			c.partitions = append(c.partitions, ix.Partitions(q.tenant, ix.Partition.PartitionText(v))...)
		}
	}
	c.bound(q, ix.Sort)
	return c, true
}

// requires reports whether every row that matches has the field.
func (q *query) requires(name string) bool {
	return slices.ContainsFunc(q.filters, func(f filter) bool { return f.field.Name == name && f.present() })
}

// bound turns filters on the sort field into bounds of the ranges. A range of
// values that a sort key can't hold exactly is wider than asked; rows are compared
// anyway.
func (c *choice) bound(q *query, f definition.Field) {
	at := func(flt *filter, open bool) *driver.Bound {
		s, exact := f.SortText(flt.values[0])
		if !exact && s.Kind == driver.SortString {
			s.Text = definition.StringPrefix + events.Beginning(flt.values[0].Text, definition.MaxExactSort)
		}
		return &driver.Bound{Sort: s, Open: open && exact}
	}
	if eq := q.find(f.Name, "eq"); eq != nil {
		s, _ := f.SortText(eq.values[0])
		c.low, c.high = &driver.Bound{Sort: s}, &driver.Bound{Sort: s}
		c.used++
		return
	}
	if p := q.find(f.Name, "prefix"); p != nil {
		c.prefix = definition.StringPrefix + events.Beginning(p.values[0].Text, definition.MaxExactSort)
		c.used++
		return
	}
	if low := q.find(f.Name, "gt", "gte"); low != nil {
		c.low = at(low, low.op == "gt")
		c.used++
	}
	if high := q.find(f.Name, "lt", "lte"); high != nil {
		// A beginning is less than the text it was cut from: no bound above.
		if s, exact := f.SortText(high.values[0]); exact || s.Kind == driver.SortNumber {
			c.high = at(high, high.op == "lt")
		}
		c.used++
	}
}

// empty reports whether no sort key is between the bounds.
func (c *choice) empty() bool {
	if c.low == nil || c.high == nil {
		return false
	}
	order := c.low.Sort.Compare(c.high.Sort)
	return order > 0 || order == 0 && (c.low.Open || c.high.Open)
}
