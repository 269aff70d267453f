package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/events/schema"
	"daybook/view/internal/definition"
)

// Shape is what a view's table is filled by, as far as a declaration tells it: a
// table that was filled by one shape can't be read or written by another. It is
// plain data with one canonical form. Descriptions are not part of it, nor is the
// order of declaration; what handlers do inside can't be told.
type Shape struct {
	View       string   `json:"view"`
	Version    int      `json:"version"`
	Kind       string   `json:"kind"`       // rows or keyed
	Aggregates []string `json:"aggregates"` // sorted
	Events     []string `json:"events"`     // that are handled, sorted
	// Row has the types of the row's fields, as its JSON has them, and Memory that
	// of what a keyed view remembers of a stream.
	Row     map[string]string     `json:"row"`
	Memory  string                `json:"memory,omitzero"`
	Hides   bool                  `json:"hides,omitzero"`  // some rows
	Spread  int                   `json:"spread,omitzero"` // parts of a row
	Indexes map[string]IndexShape `json:"indexes,omitzero"`
}

// IndexShape is how rows stand in an index.
type IndexShape struct {
	Partition     string `json:"partition,omitzero"` // field; "" for all rows
	PartitionForm string `json:"partitionForm,omitzero"`
	Sort          string `json:"sort"` // field
	SortForm      string `json:"sortForm,omitzero"`
	Shards        int    `json:"shards"`
	// Zeros are those of its fields that a row's JSON leaves out while they are
	// zero, and that stand in the index nevertheless. Tables of programs that did
	// not know better lack such rows.
	Zeros []string `json:"zeros,omitzero"`
}

// ShapeOf returns the shape of a view at its own version.
func ShapeOf(v View) Shape {
	d := v.Definition()
	s := Shape{
		View: d.Name, Version: d.Version, Kind: kindOfView(d).String(), Aggregates: slices.Clone(d.Aggregates), Events: d.Handled(),
		Row: map[string]string{}, Hides: d.Hiding, Spread: d.Spread,
	}
	if d.RowType != nil {
		for _, m := range membersOf(d.RowType, nil) {
			s.Row[m.name] = m.text
		}
	}
	if d.MemoType != nil {
		s.Memory = typeText(d.MemoType, nil)
	}
	for _, ix := range d.Indexes {
		if s.Indexes == nil {
			s.Indexes = map[string]IndexShape{}
		}
		s.Indexes[ix.Name] = indexShape(ix)
	}
	return s
}

func indexShape(ix definition.Index) IndexShape {
	s := IndexShape{Sort: ix.Sort.Name, SortForm: ix.Sort.Form.Stored(), Shards: ix.Shards}
	fields := []definition.Field{ix.Sort}
	if ix.Partition != nil {
		s.Partition, s.PartitionForm = ix.Partition.Name, ix.Partition.Form.Stored()
		fields = append(fields, *ix.Partition)
	}
	for _, f := range fields {
		if f.Omitted && !f.Nullable {
			s.Zeros = append(s.Zeros, f.Name)
		}
	}
	slices.Sort(s.Zeros)
	s.Zeros = slices.Compact(s.Zeros)
	return s
}

// JSON writes the canonical form.
func (s Shape) JSON() jsontext.Value {
	b, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return nil // strings and numbers
	}
	return b
}

// Digest names the shape: the first half of the SHA-256 of its canonical form, in
// hexadecimal digits.
func (s Shape) Digest() string {
	sum := sha256.Sum256(s.JSON())
	return hex.EncodeToString(sum[:len(sum)/2])
}

// FileName is the name of the file that keeps the shape beside its declaration:
// "users.v2.json".
func (s Shape) FileName() string { return s.View + ".v" + strconv.Itoa(s.Version) + ".json" }

// ParseShape reads what JSON wrote, indented or not. Its error has code internal.
func ParseShape(text []byte) (Shape, error) {
	var s Shape
	if err := json.Unmarshal(text, &s); err != nil {
		return Shape{}, events.Wrap(events.CodeInternal, err, "the shape of a view can't be read")
	}
	return s, nil
}

// member is one of a struct's JSON, with its type in words.
type member struct{ name, text string }

// membersOf lists the members of a struct's JSON, by name.
func membersOf(t reflect.Type, within []reflect.Type) []member {
	var all []member
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("json")
		if sf.Anonymous && !tagged && sf.Type.Kind() == reflect.Struct {
			all = append(all, membersOf(sf.Type, within)...)
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" || !sf.IsExported() && !sf.Anonymous {
			continue
		}
		name = cmp.Or(name, sf.Name)
		text := typeText(sf.Type, within)
		if options != "" {
			text += ", " + options
		}
		all = append(all, member{name, text})
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return all
}

// typeText writes a type as far as its JSON depends on it, in words: the sizes of
// numbers and the names of types don't count, but for a type that writes its JSON
// itself.
func typeText(t reflect.Type, within []reflect.Type) string {
	kind, _ := definition.KindOf(t)
	switch {
	case kind == definition.KindTime:
		return kind.String()
	case t.Kind() == reflect.Pointer:
		return typeText(t.Elem(), within) + " or null"
	case t.Name() != "" && schema.WritesJSON(t):
		return t.String()
	case kind != definition.KindOther:
		return kind.String()
	case slices.Contains(within, t):
		return "recursive " + t.Name()
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		if t.Kind() == reflect.Array {
			return "list of " + strconv.Itoa(t.Len()) + " " + typeText(t.Elem(), within)
		}
		return "list of " + typeText(t.Elem(), within)
	case reflect.Map:
		return "map of " + typeText(t.Elem(), within)
	case reflect.Struct:
		var parts []string
		for _, m := range membersOf(t, within) {
			parts = append(parts, m.name+" "+m.text)
		}
		return "{" + strings.Join(parts, "; ") + "}"
	}
	return t.String()
}
