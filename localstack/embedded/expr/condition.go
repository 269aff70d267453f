package expr

import (
	"strings"
	"unicode/utf16"

	"daybook/localstack/embedded/attr"
)

// Kind is the parameter that a condition stands in, for its messages.
type Kind string

// The parameters that take a condition.
const (
	ConditionExpression Kind = "ConditionExpression"
	FilterExpression    Kind = "FilterExpression"
)

// Condition is a parsed condition or filter expression.
type Condition struct {
	root  *node
	paths []path
}

// ParseCondition parses a condition with the placeholders of u.
func ParseCondition(kind Kind, src string, u *Usage) (*Condition, error) {
	root, err := parseCondition(string(kind), src, u)
	if err != nil {
		return nil, err
	}
	return &Condition{root: root, paths: root.paths(nil)}, nil
}

func parseCondition(label, src string, u *Usage) (*node, error) {
	p, err := newParser(label, src, conditionWords, u)
	if err != nil {
		return nil, err
	}
	root, err := p.condition()
	if err != nil {
		return nil, err
	}
	c := checker{lexer: &p.lexer, usage: u}
	if err := c.static(root, true); err != nil {
		return nil, err
	}
	return root, c.resolve(root)
}

// Attributes returns the top-level attributes that the condition reads.
func (c *Condition) Attributes() []string { return heads(c.paths, false) }

// Nested returns the top-level attributes that the condition looks inside; a nil
// condition looks inside none.
func (c *Condition) Nested() []string {
	if c == nil {
		return nil
	}
	return heads(c.paths, true)
}

// Eval tells whether an item meets the condition; nil stands for no item.
func (c *Condition) Eval(it attr.Item) bool { return c.root.holds(it) }

// holds tells whether a condition is true of an item.
func (n *node) holds(it attr.Item) bool {
	switch n.kind {
	case nodeAnd:
		return n.args[0].holds(it) && n.args[1].holds(it)
	case nodeOr:
		return n.args[0].holds(it) || n.args[1].holds(it)
	case nodeNot:
		return !n.args[0].holds(it)
	case nodeCompare:
		return compare(n.name, n.args[0].eval(it), n.args[1].eval(it))
	case nodeBetween:
		v := n.args[0].eval(it)
		return compare(">=", v, n.args[1].eval(it)) && compare("<=", v, n.args[2].eval(it))
	case nodeIn:
		v := n.args[0].eval(it)
		for _, arg := range n.args[1:] {
			if compare("=", v, arg.eval(it)) {
				return true
			}
		}
		return false
	}
	return n.callHolds(it)
}

func (n *node) callHolds(it attr.Item) bool {
	first := n.args[0].eval(it)
	switch n.fn {
	case fnExists:
		return first.Kind() != 0
	case fnNotExists:
		return first.Kind() == 0
	case fnType:
		return first.Kind() != 0 && first.Kind().String() == n.args[1].value.Str()
	case fnBeginsWith:
		prefix := n.args[1].eval(it)
		return isText(first) && first.Kind() == prefix.Kind() && strings.HasPrefix(first.Str(), prefix.Str())
	case fnContains:
		return contains(first, n.args[1].eval(it))
	}
	return false
}

// eval returns an operand's value, the zero Value if the item has none.
func (n *node) eval(it attr.Item) attr.Value {
	switch n.kind {
	case nodeValue:
		return n.value
	case nodePath:
		return n.path.find(it)
	}
	return size(n.args[0].eval(it))
}

// compare applies a comparator. Something that is missing differs from all and
// has no order; nor have values of two types.
func compare(op string, a, b attr.Value) bool {
	if op == "=" || op == "<>" {
		equal := a.Kind() != 0 && attr.Equal(a, b)
		return equal == (op == "=")
	}
	order, ok := attr.Compare(a, b)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func isText(v attr.Value) bool { return v.Kind() == attr.String || v.Kind() == attr.Binary }

// contains tells whether a string or binary has a part, or a set or list an
// element.
func contains(v, part attr.Value) bool {
	switch {
	case isText(v):
		return v.Kind() == part.Kind() && strings.Contains(v.Str(), part.Str())
	case v.Kind().IsSet():
		return v.Contains(part)
	case v.Kind() == attr.List:
		for _, e := range v.Elems() {
			if attr.Equal(e, part) {
				return true
			}
		}
	}
	return false
}

// size is the function size(): characters (UTF-16 units) of a string, bytes of
// a binary, elements of a collection; of another type there is none.
func size(v attr.Value) attr.Value {
	switch v.Kind() {
	case attr.String:
		units := 0
		for _, r := range v.Str() {
			units += max(utf16.RuneLen(r), 1)
		}
		return attr.Int(int64(units))
	case attr.Binary:
		return attr.Int(int64(len(v.Str())))
	case attr.Map:
		return attr.Int(int64(len(v.Fields())))
	case attr.List, attr.StringSet, attr.NumberSet, attr.BinarySet:
		return attr.Int(int64(len(v.Elems())))
	}
	return attr.Value{}
}
