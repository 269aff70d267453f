package view

import (
	"cmp"
	"slices"

	"daybook/events"
)

// maxRanges bounds the partitions that one query reads: values of the partition
// field times shards.
const maxRanges = 64

// plan is how a query is answered: from rows by their keys, or from ranges of
// an index.
type plan struct {
	index   string   // "" for keys
	keys    []string // of rows, sorted
	ranges  []Range  // each without Limit and After
	filters []filter // that a row must pass, also those that the ranges ensure
	partial bool     // the ranges hold rows that do not pass
	desc    bool
	sort    field // what rows are ordered by, then by key
}

// planQuery picks how a query is answered. Rows asked for by id come from their
// keys. Else an index serves if it surely holds every row that matches: its
// partition field is compared with eq or in (or it holds all rows), it is
// sorted as asked, and it leaves out no row for lack of its sort field. Of
// several the one with the most filters on its keys wins, then one by a field,
// then the one with fewer partitions to read, then the one declared first.
func planQuery(d *def, q *query) (plan, error) {
	p := plan{filters: slices.Clone(q.filters), desc: q.desc, sort: field{name: fieldID, kind: kindString}}
	if q.sort != "" {
		// Sorting by a field answers the rows that have it.
		p.sort, _ = d.queryField(q.sort)
		p.filters = append(p.filters, filter{field: p.sort, op: "exists", want: true})
	}
	if f := q.find(fieldID, "eq", "in"); f != nil {
		for _, v := range f.values {
			if d.validKey(v.text) {
				p.keys = append(p.keys, v.text)
			}
		}
		return p, nil
	}
	best, found := choice{}, false
	for i := range d.indexes {
		if c, ok := q.choose(&d.indexes[i]); ok && (!found || c.better(best)) {
			best, found = c, true
		}
	}
	if !found {
		return plan{}, noIndex(d, q)
	}
	if len(best.partitions) > maxRanges {
		return plan{}, events.Malformed(best.partition.param, "has too many values for the index that serves it")
	}
	p.index, p.sort = best.index.name, best.index.sort
	p.partial = best.used < len(q.filters)
	if best.empty() {
		return p, nil
	}
	for _, partition := range best.partitions {
		p.ranges = append(p.ranges, Range{
			Index: p.index, Partition: partition, Low: best.low, High: best.high, Prefix: best.prefix, Desc: q.desc,
		})
	}
	return p, nil
}

// choice is an index that serves a query, and how.
type choice struct {
	index      *index
	partition  *filter // nil: an index of all rows
	partitions []string
	low, high  *Bound
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
func (q *query) choose(ix *index) (c choice, ok bool) {
	c.index = ix
	if q.sort != "" && q.sort != ix.sort.name {
		return c, false
	}
	if ix.sort.nullable && q.sort == "" && !q.requires(ix.sort.name) {
		return c, false
	}
	if ix.partition == nil {
		c.partitions = ix.partitions(allPartition)
	} else {
		if c.partition = q.find(ix.partition.name, "eq", "in"); c.partition == nil {
			return c, false
		}
		c.used++
		for _, v := range c.partition.values {
			c.partitions = append(c.partitions, ix.partitions(ix.partition.partitionText(v))...)
		}
	}
	c.bound(q, ix.sort)
	return c, true
}

// requires reports whether every row that matches has the field.
func (q *query) requires(name string) bool {
	return slices.ContainsFunc(q.filters, func(f filter) bool { return f.field.name == name && f.present() })
}

// bound turns filters on the sort field into bounds of the ranges. A range of
// values that a sort key can't hold exactly is wider than asked; rows are compared
// anyway.
func (c *choice) bound(q *query, f field) {
	at := func(flt *filter, open bool) *Bound {
		s, exact := f.sortText(flt.values[0])
		if !exact && s.Kind == SortString {
			s.Text = stringPrefix + events.Beginning(flt.values[0].text, maxExactSort)
		}
		return &Bound{Sort: s, Open: open && exact}
	}
	if eq := q.find(f.name, "eq"); eq != nil {
		s, _ := f.sortText(eq.values[0])
		c.low, c.high = &Bound{Sort: s}, &Bound{Sort: s}
		c.used++
		return
	}
	if p := q.find(f.name, "prefix"); p != nil {
		c.prefix = stringPrefix + events.Beginning(p.values[0].text, maxExactSort)
		c.used++
		return
	}
	if low := q.find(f.name, "gt", "gte"); low != nil {
		c.low = at(low, low.op == "gt")
		c.used++
	}
	if high := q.find(f.name, "lt", "lte"); high != nil {
		// A beginning is less than the text it was cut from: no bound above.
		if s, exact := f.sortText(high.values[0]); exact || s.Kind == SortNumber {
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
