package expr

import (
	"strconv"
	"strings"

	"daybook/localstack/embedded/attr"
)

// step is one part of a document path: a name, or a list index if name is "".
type step struct {
	name  string // with its # until the placeholder is resolved
	index int
}

func (s step) isIndex() bool { return s.name == "" }

// path is a document path such as a.b[3].
type path []step

// String is the path as DynamoDB writes it in a message: [a, b, [3]].
func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.name
		if s.isIndex() {
			parts[i] = "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// find returns the value at the path, or the zero Value.
func (p path) find(it attr.Item) attr.Value {
	v := it[p[0].name]
	for _, s := range p[1:] {
		v = child(v, s)
	}
	return v
}

// child returns the element of v at a step, or the zero Value.
func child(v attr.Value, s step) attr.Value {
	switch {
	case s.isIndex():
		if v.Kind() == attr.List && s.index < len(v.Elems()) {
			return v.Elems()[s.index]
		}
	case v.Kind() == attr.Map:
		return v.Fields()[s.name]
	}
	return attr.Value{}
}

// checkDistinct refuses paths that are equal, one inside another, or that use
// one value as a map and as a list.
func (l *lexer) checkDistinct(paths []path) error {
	for i, two := range paths {
		for _, one := range paths[:i] {
			if word := clash(one, two); word != "" {
				return l.invalid("Two document paths " + word + " with each other; must remove or rewrite one of these paths; " +
					"path one: " + one.String() + ", path two: " + two.String())
			}
		}
	}
	return nil
}

// clash tells how two paths exclude each other, "" if they do not.
func clash(one, two path) string {
	for i := range min(len(one), len(two)) {
		if one[i].isIndex() != two[i].isIndex() {
			return "conflict"
		}
		if one[i] != two[i] {
			return ""
		}
	}
	return "overlap"
}

// heads returns the paths' top-level names, without duplicates, in order.
func heads(paths []path, nested bool) []string {
	var names []string
next:
	for _, p := range paths {
		if nested && len(p) == 1 {
			continue
		}
		for _, n := range names {
			if n == p[0].name {
				continue next
			}
		}
		names = append(names, p[0].name)
	}
	return names
}
