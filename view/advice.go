package view

import (
	"slices"
	"strconv"
	"strings"

	"daybook/events"
)

// noIndex refuses a query: it says what the view can serve, and which declaration
// would serve this.
func noIndex(d *def, q *query) error {
	served := "the view has none; rows are found by id"
	if len(d.indexes) > 0 {
		each := make([]string, len(d.indexes))
		for i, ix := range d.indexes {
			what := "all rows"
			if ix.partition != nil {
				what = ix.partition.name + " compared with eq or in"
			}
			each[i] = ix.name + " (" + what + ", sorted by " + ix.sort.name + ")"
		}
		served = "there are: " + strings.Join(each, ", ")
	}
	advice := ""
	if name, by, ok := d.advise(q); ok {
		advice = "; declare Index(" + strconv.Quote(name) + ", " + by.source() + ") and raise the view's Version"
	}
	return events.Errorf(events.CodeNoIndex, "no index serves this query; %s%s", served, advice)
}

// advise returns an index that would serve a query: by the field of its first
// equality, in the order that it asks for or filters by. ok is false when no
// index can be declared that does.
func (d *def) advise(q *query) (name string, by IndexBy, ok bool) {
	by = All()
	for _, f := range q.filters {
		if declared, ok := d.rowField(f.field.name); ok && declared.kind != kindOther && (f.op == "eq" || f.op == "in") {
			by, name = By(f.field.name), kebab(f.field.name)
			break
		}
	}
	order := q.sort
	if order == "" {
		order = d.rangeField(q, by.field)
	}
	if order != "" && order != fieldID {
		if f, ok := d.rowField(order); !ok || f.kind == kindOther || f.kind == kindBool {
			return "", IndexBy{}, false // version: the view's own
		}
		by = by.Then(order)
	}
	switch {
	case by.all && by.sort == fieldID:
		name = "all"
	case by.all:
		name = "all-by-" + kebab(by.sort)
	case by.sort == fieldID || by.sort == by.field:
		name = "by-" + name
	default:
		name = "by-" + name + "-" + kebab(by.sort)
	}
	for n := 2; slices.ContainsFunc(d.indexes, func(ix index) bool { return ix.name == name }); n++ {
		name = strings.TrimSuffix(name, "-"+strconv.Itoa(n-1)) + "-" + strconv.Itoa(n)
	}
	return name, by, len(d.indexes) < maxIndexes
}

// rangeField is the first field, other than the partition's, that a query filters
// by a range of values an index can sort.
func (d *def) rangeField(q *query, partition string) string {
	for _, f := range q.filters {
		if declared, ok := d.rowField(f.field.name); ok && f.field.name != partition && declared.kind != kindBool &&
			slices.Contains([]string{"lt", "lte", "gt", "gte", "prefix"}, f.op) {
			return f.field.name
		}
	}
	return ""
}

// source is the declaration of an index in Go.
func (b IndexBy) source() string {
	source := "view.All()"
	if !b.all {
		source = "view.By(" + strconv.Quote(b.field) + ")"
	}
	if b.sort != fieldID {
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
