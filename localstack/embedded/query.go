package embedded

import (
	"slices"

	"github.com/tidwall/btree"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// maxPage is the most that a Query or Scan reads for one page, in bytes.
const maxPage = 1 << 20

// batchRows is how many rows are taken under the table's lock at a time. What
// is done with them is done without the lock.
const batchRows = 256

// reading is what Query and Scan have in common.
type reading struct {
	TableName              string
	IndexName              *string
	ConsistentRead         bool
	ExclusiveStartKey      attributes
	FilterExpression       *string
	ProjectionExpression   *string
	Limit                  *int64
	Select                 string
	ReturnConsumedCapacity string
	placeholders
}

type queryRequest struct {
	reading
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

type scanRequest struct {
	reading
	Segment       *int64
	TotalSegments *int64
}

func (in *queryRequest) check(c *checks) {
	if in.Limit != nil && *in.Limit < 1 {
		c.unquoted("Limit", "Member must have value greater than or equal to 1")
	}
	in.reading.check(c)
}

func (in *scanRequest) check(c *checks) {
	c.atLeast(in.Limit, "limit", 1)
	in.reading.check(c)
	c.atLeast(in.Segment, "segment", 0)
	c.atMost(in.Segment, "segment", 999999)
	c.atLeast(in.TotalSegments, "totalSegments", 1)
	c.atMost(in.TotalSegments, "totalSegments", 1000000)
}

func (in *reading) check(c *checks) {
	checkTableName(c, in.TableName, "tableName")
	if in.IndexName != nil {
		checkTableName(c, *in.IndexName, "indexName")
	}
	checkCapacity(c, in.ReturnConsumedCapacity)
	c.oneOf(in.Select, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
}

// checkSelect refuses a Select that contradicts the rest of the request.
func (in *reading) checkSelect() error {
	projected := in.ProjectionExpression != nil
	switch {
	case in.Select == "ALL_PROJECTED_ATTRIBUTES" && in.IndexName == nil:
		return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case projected && in.Select == "COUNT":
		return validation("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case projected && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES":
		return validationf("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	case !projected && in.Select == "SPECIFIC_ATTRIBUTES":
		return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	}
	return nil
}

// page is one page of a Query or Scan being read.
type page struct {
	t          *table
	x          *index // nil for the table itself
	from, to   string // interval of keys; to "" has no end
	after      string // resume after this key; "" from the start
	backward   bool
	filter     *expr.Condition
	projection *expr.Projection
	countOnly  bool
	consistent bool
	limit      int // rows to look at; 0 for no limit
	faults     *faults

	items   []byte // what has been written of Items
	count   int
	scanned int
	bytes   int
	last    row // set when there may be more
}

// place opens the table or index that a request reads.
func (in *reading) place(db *DB, u *expr.Usage) (*page, error) {
	filter, err := parseCondition(expr.FilterExpression, in.FilterExpression, u)
	if err != nil {
		return nil, err
	}
	projection, err := parseProjection(in.ProjectionExpression, u)
	if err != nil {
		return nil, err
	}
	if err := u.Unused(); err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	p := &page{
		t: t, filter: filter, projection: projection, countOnly: in.Select == "COUNT", consistent: in.ConsistentRead, faults: db.faults,
	}
	if in.Limit != nil {
		p.limit = int(*in.Limit)
	}
	if in.IndexName == nil {
		return p, t.withRead(func() error { return t.checkPaths(projection) })
	}
	return p, t.withRead(func() error {
		p.x = t.index(*in.IndexName)
		if err := in.checkIndex(p); err != nil {
			return err
		}
		return t.checkPaths(projection)
	})
}

// checkIndex refuses what an index can't give. The table is locked.
func (in *reading) checkIndex(p *page) error {
	x := p.x
	switch {
	case x == nil:
		return validationf("The table does not have the specified index: %s", *in.IndexName)
	case x.building:
		return validationf("Cannot read from backfilling global secondary index: %s", *in.IndexName)
	case in.ConsistentRead:
		return validation("Consistent reads are not supported on global secondary indexes")
	case x.all:
		return nil
	case in.Select == "ALL_ATTRIBUTES":
		return invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", *in.IndexName)
	}
	if p.projection != nil {
		var missing []string
		for _, name := range p.projection.Attributes() {
			if !slices.Contains(x.names, name) {
				missing = append(missing, name)
			}
		}
		if missing != nil {
			return invalidParameter("Global secondary index %s does not project %v", *in.IndexName, missing)
		}
	}
	return nil
}

func (p *page) schema() keySchema {
	if p.x != nil {
		return p.x.schema
	}
	return p.t.schema
}

// startKey turns an ExclusiveStartKey into the key to resume after.
func (p *page) startKey(start attributes) error {
	if !start.set {
		return nil
	}
	if start.err != nil {
		return validation("The provided starting key is invalid: " + start.err.Error())
	}
	own := attr.Item{}
	for _, part := range p.t.schema.all {
		if v, ok := start.item[part.Name]; ok {
			own[part.Name] = v
		}
	}
	parts := slices.Clone(p.t.schema.all)
	if p.x != nil {
		for _, part := range p.x.schema.all {
			if !p.t.schema.isKey(part.Name) {
				parts = append(parts, part)
			}
		}
	}
	if len(start.item) != len(parts) {
		return validation("The provided starting key is invalid")
	}
	for _, part := range parts {
		if v, ok := start.item[part.Name]; !ok || v.Kind() != part.Kind {
			return validation("The provided starting key is invalid: The provided key element does not match the schema")
		}
	}
	key, err := p.t.schema.keyOnly(own)
	if err != nil {
		return validation("The provided starting key is invalid: The provided key element does not match the schema")
	}
	if p.x != nil {
		r := newRow(key, start.item, 0)
		indexKey, ok := p.x.keyOf(r)
		if !ok {
			return validation("The provided starting key is invalid")
		}
		key = indexKey
	}
	p.after = key
	return nil
}

// take collects the next rows under the table's lock; more tells that there
// may be others after them.
func (p *page) take(n int, buf []row) (rows []row, more bool, err error) {
	c := &collector{p: p, n: n, rows: buf}
	err = p.t.withRead(func() error {
		if p.x == nil {
			p.walkRows(c)
			return nil
		}
		if !slices.Contains(p.t.indexes, p.x) {
			return validationf("The table does not have the specified index: %s", p.x.def.IndexName)
		}
		p.walkEntries(c)
		return nil
	})
	return c.rows, c.full, err
}

// wants decides on one key of a walk: whether the walk goes on, and whether
// the row at the key is taken.
func (p *page) wants(key []byte) (more, take bool) {
	if p.backward {
		return string(key) >= p.from, (p.to == "" || string(key) < p.to) && (p.after == "" || string(key) < p.after)
	}
	return p.to == "" || string(key) < p.to, string(key) != p.after
}

// start is the key at which a walk begins.
func (p *page) start() (key string, bounded bool) {
	if p.backward {
		if p.after != "" && (p.to == "" || p.after < p.to) {
			return p.after, true
		}
		return p.to, p.to != ""
	}
	return max(p.from, p.after), true
}

func (p *page) walkRows(c *collector) {
	walk(p, p.t.rows, func(pivot ref) ref { return pivot }, func(r ref) bool { return c.visit(p.t.arena.rowKey(r), r) })
}

func (p *page) walkEntries(c *collector) {
	walk(p, p.x.entries, func(pivot ref) entry { return entry{key: pivot} },
		func(e entry) bool { return c.visit(p.t.arena.text(e.key), e.row) })
}

// walk visits a tree in the page's direction, from where it begins; at makes an
// element to begin at of a pivot.
func walk[T any](p *page, tree *btree.BTreeG[T], at func(pivot ref) T, visit func(T) bool) {
	key, bounded := p.start()
	pivot := p.t.arena.pivot(key)
	defer p.t.arena.done(pivot)
	switch {
	case !p.backward:
		tree.Ascend(at(pivot), visit)
	case bounded:
		tree.Descend(at(pivot), visit)
	default:
		tree.Reverse(visit)
	}
}

// collector copies rows out of the table while a walk meets them: n of them, or
// as many as a page can hold.
type collector struct {
	p    *page
	n    int
	size int
	rows []row
	full bool
}

func (c *collector) visit(key []byte, r ref) bool {
	more, take := c.p.wants(key)
	if more && take {
		copied := c.p.t.arena.row(r)
		c.rows = append(c.rows, copied)
		c.size += copied.size()
		c.full = len(c.rows) == c.n || c.size > maxPage
	}
	return more && !c.full
}

// read reads the page.
func (p *page) read() error {
	early := p.faults.endPage(p.from + p.after)
	var buf [32]row
	for {
		n := batchRows
		if p.limit > 0 {
			n = min(n, p.limit-p.scanned)
		}
		rows, more, err := p.take(n, buf[:0])
		if err != nil {
			return err
		}
		for _, r := range rows {
			size := r.size()
			if p.x != nil {
				size = p.x.sizeOf(r)
			}
			if p.scanned > 0 && p.bytes+size > maxPage {
				return nil
			}
			p.bytes += size
			p.scanned++
			p.last = r
			p.add(r)
			if p.scanned == early {
				return nil
			}
		}
		if p.limit > 0 && p.scanned == p.limit {
			return nil
		}
		if !more {
			p.last = ""
			return nil
		}
		p.after = p.keyOf(p.last)
	}
}

func (p *page) keyOf(r row) string {
	if p.x == nil {
		return r.key()
	}
	key, _ := p.x.keyOf(r)
	return key
}

// add filters one row and writes what is projected of it.
func (p *page) add(r row) {
	if p.filter != nil && !p.matches(r) {
		return
	}
	p.count++
	if p.countOnly {
		return
	}
	if p.count > 1 {
		p.items = append(p.items, ',')
	}
	switch {
	case p.projection == nil && (p.x == nil || p.x.all):
		p.items = r.appendJSON(p.items)
	case p.projection == nil:
		p.items = appendItem(p.items, r.pick(p.x.names))
	default:
		p.items = r.appendProjected(p.items, p.projection)
	}
}

// matches evaluates the filter on what the index projects.
func (p *page) matches(r row) bool {
	names := p.filter.Attributes()
	if p.x != nil && !p.x.all {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(p.x.names, name) })
	}
	return p.filter.Eval(r.pick(names))
}

// answer reads the page and writes it.
func (p *page) answer(out []byte, detail string) ([]byte, error) {
	if err := p.read(); err != nil {
		return nil, err
	}
	m := open(out)
	if !p.countOnly {
		m.add("Items")
		m.out = append(m.out, '[')
		m.out = append(m.out, p.items...)
		m.out = append(m.out, ']')
	}
	m.int("Count", p.count)
	m.int("ScannedCount", p.scanned)
	if p.last != "" {
		m.add("LastEvaluatedKey")
		names := p.t.schema.names()
		if p.x != nil {
			names = append(names, p.x.schema.names()...)
		}
		m.out = appendItem(m.out, p.last.pick(names))
	}
	used := charge{t: p.t}
	if units := readUnits(p.bytes, p.consistent); p.x == nil {
		used.addRead(units)
	} else {
		used.addIndex(p.x.def.IndexName, units)
		p.t.meter.read(units)
	}
	m.capacity(&used, detail)
	return m.close(), nil
}

func (db *DB) query(in *queryRequest, out []byte) ([]byte, error) {
	if err := in.checkSelect(); err != nil {
		return nil, err
	}
	u, err := in.usage()
	if err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	condition, err := expr.ParseKeyCondition(*in.KeyConditionExpression, u)
	if err != nil {
		return nil, err
	}
	p, err := in.place(db, u)
	if err != nil {
		return nil, err
	}
	p.backward = in.ScanIndexForward != nil && !*in.ScanIndexForward
	if err := p.bind(condition, in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	return p.answer(out, in.ReturnConsumedCapacity)
}

// checkFilterPaths refuses a filter that looks inside a key.
func (p *page) checkFilterPaths() error {
	return p.t.withRead(func() error { return p.t.checkPaths(p.filter) })
}

// bind turns the key condition into the interval of keys to read.
func (p *page) bind(condition *expr.KeyCondition, start attributes) error {
	s := p.schema()
	r, err := condition.Bind(s.KeySchema)
	if err != nil {
		return err
	}
	if p.filter != nil {
		for _, name := range p.filter.Attributes() {
			if s.isKey(name) {
				return validationf("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
			}
		}
	}
	if err := p.checkFilterPaths(); err != nil {
		return err
	}
	from, to := r.Interval()
	partition := appendHash(nil, r.Hash...)
	p.from, p.to = string(partition[:hashLen])+string(from), string(partition[:hashLen])+string(to)
	if err := p.startKey(start); err != nil {
		return err
	}
	if !start.set {
		return nil
	}
	if !inRange(p.after, string(partition)) {
		return validation("The provided starting key is outside query boundaries based on provided conditions")
	}
	if p.after < p.from || p.to != "" && p.after >= p.to {
		return validation("The provided starting key does not match the range key predicate")
	}
	return nil
}

// inRange reports whether a key belongs to the partition with the prefix.
func inRange(key, prefix string) bool { return len(key) >= len(prefix) && key[:len(prefix)] == prefix }

func (db *DB) scan(in *scanRequest, out []byte) ([]byte, error) {
	if err := in.checkSegments(); err != nil {
		return nil, err
	}
	if err := in.checkSelect(); err != nil {
		return nil, err
	}
	u, err := in.usage()
	if err != nil {
		return nil, err
	}
	p, err := in.place(db, u)
	if err != nil {
		return nil, err
	}
	if err := p.checkFilterPaths(); err != nil {
		return nil, err
	}
	if in.Segment != nil {
		p.from, p.to = segment(*in.Segment, *in.TotalSegments)
	}
	if in.ExclusiveStartKey.err == nil && in.ExclusiveStartKey.set && !p.t.schema.fits(in.ExclusiveStartKey.item) {
		return nil, validation("The provided starting key is invalid: The provided key element does not match the schema")
	}
	if err := p.startKey(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if p.after != "" && (p.after < p.from || p.to != "" && p.after >= p.to) {
		return nil, validationf("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "+
			"TotalSegments: %d Segment: %d", *in.TotalSegments, *in.Segment)
	}
	return p.answer(out, in.ReturnConsumedCapacity)
}

func (in *scanRequest) checkSegments() error {
	switch {
	case in.Segment == nil && in.TotalSegments == nil:
		return nil
	case in.TotalSegments == nil:
		return validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil:
		return validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *in.Segment >= *in.TotalSegments:
		return validationf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments)
	}
	return nil
}

// segment is the interval of keys of one segment of a parallel scan: an equal
// part of the range of partition hashes.
func segment(i, of int64) (from, to string) {
	bound := func(i int64) string {
		h := uint64(i) << 32 / uint64(of)
		return string([]byte{byte(h >> 24), byte(h >> 16), byte(h >> 8), byte(h)})
	}
	if i+1 < of {
		to = bound(i + 1)
	}
	return bound(i), to
}
