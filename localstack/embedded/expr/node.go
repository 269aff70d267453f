package expr

import "daybook/localstack/embedded/attr"

// nodeKind says what a node of a condition or of an update's value is.
type nodeKind uint8

const (
	nodePath    nodeKind = iota // an operand: a document path
	nodeValue                   // an operand: a :value
	nodeCall                    // a function
	nodeCompare                 // = <> < <= > >=
	nodeBetween
	nodeIn
	nodeNot
	nodeAnd
	nodeOr
	nodeArith // + and -
)

// function is what a call calls.
type function uint8

const (
	fnUnknown function = iota
	fnExists
	fnNotExists
	fnType
	fnBeginsWith
	fnContains
	fnSize
	fnIfNotExists
	fnListAppend
)

var functions = map[string]struct {
	fn    function
	arity int
}{
	"attribute_exists":     {fnExists, 1},
	"attribute_not_exists": {fnNotExists, 1},
	"attribute_type":       {fnType, 2},
	"begins_with":          {fnBeginsWith, 2},
	"contains":             {fnContains, 2},
	"size":                 {fnSize, 1},
	"if_not_exists":        {fnIfNotExists, 2},
	"list_append":          {fnListAppend, 2},
}

// inCondition tells whether a function is a condition of its own.
func (f function) inCondition() bool { return f >= fnExists && f <= fnContains }

// inUpdate tells whether a function is one of update expressions.
func (f function) inUpdate() bool { return f == fnIfNotExists || f == fnListAppend }

// node is a condition, or an operand of one or of an update.
type node struct {
	kind   nodeKind
	fn     function
	parens bool   // written in parentheses
	name   string // the operator, function or :value, as written
	path   path
	value  attr.Value
	args   []*node
}

// isOperand tells whether a node can stand beside a comparator.
func (n *node) isOperand() bool {
	return n.kind == nodePath || n.kind == nodeValue || n.kind == nodeCall
}

// kindOf is the type that an operand has whatever the item is, 0 if it depends
// on the item.
func (n *node) kindOf() attr.Kind {
	switch {
	case n.kind == nodeValue:
		return n.value.Kind()
	case n.kind == nodeCall && n.fn == fnSize:
		return attr.Number
	}
	return 0
}

// paths appends the document paths that a node reads.
func (n *node) paths(to []path) []path {
	if n.kind == nodePath {
		return append(to, n.path)
	}
	for _, arg := range n.args {
		to = arg.paths(to)
	}
	return to
}
