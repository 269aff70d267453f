package query

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/events/decimal"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// Limits of a query.
const (
	DefaultLimit = 20   // rows of a page, unless told
	MaxLimit     = 1000 // rows of a page, at most
	MaxIn        = 100  // values of one in
	MaxTokens    = 100  // consistency tokens of one query
)

// The parameters of a query that are not filters. A field of such a name is
// filtered by with its operator in words (limit.eq=3).
const (
	paramSort   = "sort"
	paramLimit  = "limit"
	paramCursor = "cursor"
	paramAfter  = "after"
	paramAt     = "at" // of one row only
)

// filter is a condition on one field.
type filter struct {
	param  string // as the client wrote it
	field  definition.Field
	op     string
	values []definition.Value // of in: sorted, each once; else one
	want   bool               // of exists
}

// query is a parsed List.
type query struct {
	tenant  string
	filters []filter // sorted by field and operator
	sort    string   // "": the order of the index
	desc    bool
	limit   int
	cursor  string
	after   []events.Token
}

// parseQuery reads the parameters of a query on a view. Errors are malformed
// and name all parameters that are.
func parseQuery(d *definition.Definition, params map[string][]string) (query, error) {
	q := query{limit: DefaultLimit}
	var faults []events.Field
	for _, param := range slices.Sorted(maps.Keys(params)) {
		values := params[param]
		if len(values) == 0 {
			continue
		}
		if reason := q.set(d, param, values); reason != "" {
			faults = append(faults, events.Field{Path: param, Message: reason})
		}
	}
	slices.SortStableFunc(q.filters, func(a, b filter) int {
		return cmp.Or(strings.Compare(a.field.Name, b.field.Name), strings.Compare(a.op, b.op))
	})
	for i, f := range q.filters {
		if i > 0 && q.filters[i-1].field.Name == f.field.Name && q.filters[i-1].op == f.op {
			faults = append(faults, events.Field{Path: f.param, Message: "is given twice"})
		}
	}
	if len(faults) > 0 {
		return query{}, &events.Error{Code: events.CodeMalformed, Message: "the request is malformed", Fields: faults}
	}
	return q, nil
}

func (q *query) set(d *definition.Definition, param string, values []string) (reason string) {
	switch param {
	case paramAfter:
		return q.setAfter(values)
	case paramSort, paramLimit, paramCursor:
		if len(values) > 1 {
			return "is given twice"
		}
	}
	switch param {
	case paramSort:
		name, desc := strings.CutPrefix(values[0], "-")
		f, ok := d.QueryField(name)
		if !ok || f.Kind == definition.KindOther || f.Kind == definition.KindBool {
			return "must be a field to sort by, or - and the field"
		}
		q.sort, q.desc = name, desc
		return ""
	case paramLimit:
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || n > MaxLimit {
			return "must be a whole number from 1 to " + strconv.Itoa(MaxLimit)
		}
		q.limit = n
		return ""
	case paramCursor:
		q.cursor = values[0]
		return ""
	}
	return q.setFilter(d, param, values)
}

// notAToken says what a value of after must be.
const notAToken = "must be a consistency token such as user/7@3"

// setAfter reads consistency tokens, one in each parameter.
func (q *query) setAfter(values []string) string {
	if len(values) > MaxTokens {
		return "must be given at most " + strconv.Itoa(MaxTokens) + " times"
	}
	for _, text := range values {
		t, err := events.ParseToken(text)
		if err != nil {
			return notAToken
		}
		q.after = append(q.after, t)
	}
	return ""
}

func (q *query) setFilter(d *definition.Definition, param string, values []string) (reason string) {
	f := filter{param: param, op: "eq"}
	var ok bool
	if f.field, ok = d.QueryField(param); !ok {
		dot := strings.LastIndexByte(param, '.')
		if dot < 0 {
			return "the view has no such field"
		}
		if f.field, ok = d.QueryField(param[:dot]); !ok {
			return "the view has no such field"
		}
		f.op = param[dot+1:]
	}
	ops := f.field.Kind.Operators()
	if !slices.Contains(ops, f.op) {
		return "the operators of this field are " + strings.Join(ops, ", ")
	}
	if f.op == "in" {
		if len(values) == 1 {
			values = strings.Split(values[0], ",")
		}
		if len(values) > MaxIn {
			return "must be at most " + strconv.Itoa(MaxIn) + " values"
		}
	} else if len(values) > 1 {
		return "is given twice"
	}
	if f.op == "exists" {
		if values[0] != "true" && values[0] != "false" {
			return "must be true or false"
		}
		f.want = values[0] == "true"
	} else {
		for _, text := range values {
			v, reason := f.field.Parse(text)
			if reason != "" {
				return reason
			}
			f.values = append(f.values, v)
		}
		slices.SortFunc(f.values, f.field.Compare)
		f.values = slices.CompactFunc(f.values, func(a, b definition.Value) bool { return f.field.Compare(a, b) == 0 })
	}
	q.filters = append(q.filters, f)
	return ""
}

// matches reports whether a row passes the filter. ne is the opposite of eq: a
// row without a value passes it.
func (f filter) matches(row definition.Values) bool {
	v, present := row.Of(f.field.Name)
	switch f.op {
	case "exists":
		return present == f.want
	case "ne":
		return !present || f.field.Compare(v, f.values[0]) != 0
	}
	if !present {
		return false
	}
	c := f.field.Compare(v, f.values[0])
	switch f.op {
	case "eq":
		return c == 0
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	case "prefix":
		return strings.HasPrefix(v.Text, f.values[0].Text)
	}
	return slices.ContainsFunc(f.values, func(o definition.Value) bool { return f.field.Compare(v, o) == 0 }) // in
}

// present reports whether a row that passes the filter has a value of the field.
func (f filter) present() bool { return f.op != "ne" && (f.op != "exists" || f.want) }

// find returns the filter on a field with one of the operators, the first
// operator first.
func (q *query) find(name string, ops ...string) *filter {
	for _, op := range ops {
		for i := range q.filters {
			if f := &q.filters[i]; f.field.Name == name && f.op == op {
				return f
			}
		}
	}
	return nil
}

// matcher decides which items answer a query. It is not for concurrent use.
type matcher struct {
	filters []filter
	fields  fields            // that the filters need
	values  definition.Values // of the last row, for their room
}

func newMatcher(filters []filter) matcher {
	m := matcher{filters: filters}
	for _, f := range filters {
		m.fields.add(f.field)
	}
	return m
}

// matches reports whether the item is a row that passes all filters. An error
// has code internal.
func (m *matcher) matches(item *driver.Item) (ok bool, err error) {
	key, isRow := definition.RowKey(item)
	if !isRow || item.Row == nil {
		return false, nil
	}
	if m.values, err = m.fields.read(m.values[:0], item, key); err != nil {
		return false, err
	}
	for i := range m.filters {
		if !m.filters[i].matches(m.values) {
			return false, nil
		}
	}
	return true, nil
}

// fields are fields whose values are needed.
type fields struct {
	row         []definition.Field // that the row itself declares
	id, version bool
}

func (fs *fields) add(f definition.Field) {
	switch {
	case f.Name == definition.FieldID:
		fs.id = true
	case f.Name == definition.FieldVersion:
		fs.version = true
	case !slices.ContainsFunc(fs.row, func(o definition.Field) bool { return o.Name == f.Name }):
		fs.row = append(fs.row, f)
	}
}

// read appends the values of the fields of a row.
func (fs *fields) read(to definition.Values, item *driver.Item, key string) (definition.Values, error) {
	if fs.id {
		to = to.With(definition.FieldID, definition.Value{Text: key})
	}
	if fs.version {
		to = to.With(definition.FieldVersion, definition.Value{Text: strconv.FormatInt(item.Version, 10), Num: decimal.FromInt(item.Version)})
	}
	if len(fs.row) == 0 {
		return to, nil
	}
	return definition.ReadFields(to, item.Row, fs.row)
}

// fingerprint binds a cursor to its query: eight bytes of a digest of the tenant, the
// view, its table, the index, the filters and the order. The limit may change from
// page to page.
func (q *query) fingerprint(v *routing.TableView, index string) [8]byte {
	h := sha256.New()
	if q.tenant != "" {
		fmt.Fprintf(h, "%q\n", q.tenant)
	}
	fmt.Fprintf(h, "%q %d %d %q %q %t\n", v.Name, v.Version, v.Generation, index, q.sort, q.desc)
	for _, f := range q.filters {
		fmt.Fprintf(h, "%q %s %t", f.field.Name, f.op, f.want)
		for _, v := range f.values {
			fmt.Fprintf(h, " %q", v.Text)
		}
		fmt.Fprintln(h)
	}
	return [8]byte(h.Sum(nil)[:8])
}
