package query

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/internal/definition"
)

// noIndex refuses a query: it says what the view can serve, and which declaration
// would serve this.
func noIndex(d *definition.Definition, q *query) error {
	served := "the view has none; rows are found by id"
	if len(d.Indexes) > 0 {
		each := make([]string, len(d.Indexes))
		for i, ix := range d.Indexes {
			what := "all rows"
			if ix.Partition != nil {
				what = ix.Partition.Name + " compared with eq or in"
			}
			each[i] = ix.Name + " (" + what + ", sorted by " + ix.Sort.Name + ")"
		}
		served = "there are: " + strings.Join(each, ", ")
	}
	advice := ""
	if name, by, ok := advise(d, q); ok {
		advice = "; declare Index(" + strconv.Quote(name) + ", " + by.source() + ") and raise the view's Version"
	}
	return events.Errorf(events.CodeNoIndex, "no index serves this query; %s%s", served, advice)
}

// advisedIndex is an index as view.By or view.All and Then declare it.
type advisedIndex struct {
	field string
	all   bool
	sort  string
}

// advise returns an index that would serve a query: by the field of its first
// equality, in the order that it asks for or filters by. ok is false when no
// index can be declared that does.
func advise(d *definition.Definition, q *query) (name string, by advisedIndex, ok bool) {
	by = advisedIndex{all: true, sort: definition.FieldID}
	for _, f := range q.filters {
		if declared, ok := d.RowField(f.field.Name); ok && declared.Kind != definition.KindOther && (f.op == "eq" || f.op == "in") {
			by, name = advisedIndex{field: f.field.Name, sort: definition.FieldID}, kebab(f.field.Name)
			break
		}
	}
	order := cmp.Or(q.sort, rangeField(d, q, by.field))
	if order != "" && order != definition.FieldID {
		if f, ok := d.RowField(order); !ok || f.Kind == definition.KindOther || f.Kind == definition.KindBool {
			return "", advisedIndex{}, false // version: the view's own
		}
		by.sort = order
	}
	switch {
	case by.all && by.sort == definition.FieldID:
		name = "all"
	case by.all:
		name = "all-by-" + kebab(by.sort)
	case by.sort == definition.FieldID || by.sort == by.field:
		name = "by-" + name
	default:
		name = "by-" + name + "-" + kebab(by.sort)
	}
	for n := 2; slices.ContainsFunc(d.Indexes, func(ix definition.Index) bool { return ix.Name == name }); n++ {
		name = strings.TrimSuffix(name, "-"+strconv.Itoa(n-1)) + "-" + strconv.Itoa(n)
	}
	return name, by, len(d.Indexes) < definition.MaxIndexes
}

// rangeField is the first field, other than the partition's, that a query filters
// by a range of values an index can sort.
func rangeField(d *definition.Definition, q *query, partition string) string {
	for _, f := range q.filters {
		if declared, ok := d.RowField(f.field.Name); ok && f.field.Name != partition && declared.Kind != definition.KindBool &&
			slices.Contains([]string{"lt", "lte", "gt", "gte", "prefix"}, f.op) {
			return f.field.Name
		}
	}
	return ""
}

// source is the declaration of an index in Go.
func (b advisedIndex) source() string {
	source := "view.All()"
	if !b.all {
		source = "view.By(" + strconv.Quote(b.field) + ")"
	}
	if b.sort != definition.FieldID {
		source += ".Then(" + strconv.Quote(b.sort) + ")"
	}
	return source
}

// kebab is the name of a field as a part of an index's name: placedAt is
// placed-at.
func kebab(field string) string {
	var b strings.Builder
	for _, r := range field {
		switch {
		case r >= 'A' && r <= 'Z':
			if b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r - 'A' + 'a')
		case r == '_':
			b.WriteByte('-')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Trim(b.String(), "-")
}
