package expr

import (
	"strconv"

	"daybook/localstack/embedded/attr"
)

// maxPath is how deep a document path may go.
const maxPath = attr.MaxDepth

// checker makes the checks that need the whole tree: words come first in the
// order they are written (static), then placeholders and operands (resolve).
type checker struct {
	*lexer
	usage  *Usage
	update bool
}

// static checks reserved words and functions: that they exist, stand where they
// may, and have as many operands as they take. In place of a condition, only
// some functions may stand.
func (c *checker) static(n *node, condition bool) error {
	switch n.kind {
	case nodePath:
		return c.words(n.path)
	case nodeCall:
		if err := c.staticCall(n, condition); err != nil {
			return err
		}
	}
	logical := n.kind == nodeAnd || n.kind == nodeOr || n.kind == nodeNot
	for _, arg := range n.args {
		if err := c.static(arg, logical); err != nil {
			return err
		}
	}
	return nil
}

// words refuses reserved words in a path.
func (c *checker) words(at path) error {
	for _, s := range at {
		if !s.isIndex() && s.name[0] != '#' && isReserved(s.name) {
			return c.invalid("Attribute name is a reserved keyword; reserved keyword: " + s.name)
		}
	}
	return nil
}

func (c *checker) staticCall(n *node, condition bool) error {
	switch {
	case n.fn == fnUnknown:
		return c.invalid("Invalid function name; function: " + n.name)
	case c.update && !n.fn.inUpdate():
		return c.invalid("The function is not allowed in an update expression; function: " + n.name)
	case !c.update && n.fn.inUpdate():
		return c.invalid("The function is not allowed in a condition expression; function: " + n.name)
	case condition != n.fn.inCondition():
		return c.invalid("The function is not allowed to be used this way in an expression; function: " + n.name)
	case len(n.args) != functions[n.name].arity:
		return c.invalid("Incorrect number of operands for operator or function; operator or function: " + n.name +
			", number of operands: " + strconv.Itoa(len(n.args)))
	}
	return nil
}

// resolve puts names and values in place of their placeholders, from the leaves
// up, and checks the operands' types.
func (c *checker) resolve(n *node) error {
	for _, arg := range n.args {
		if err := c.resolve(arg); err != nil {
			return err
		}
	}
	switch n.kind {
	case nodePath:
		return c.resolvePath(n.path)
	case nodeValue:
		return c.resolveValue(n)
	case nodeCompare:
		return c.comparison(n)
	case nodeBetween:
		return c.between(n)
	case nodeIn:
		if len(n.args)-1 > maxIn {
			return c.invalid("The IN operator is provided with too many operands; number of operands: " +
				strconv.Itoa(len(n.args)-1))
		}
		return c.distinct(n)
	case nodeCall:
		return c.call(n)
	case nodeArith:
		return c.operandKinds(n, n.args, attr.Number)
	}
	return nil
}

func (c *checker) resolvePath(at path) error {
	for i, s := range at {
		if s.isIndex() || s.name[0] != '#' {
			continue
		}
		name, ok := c.usage.name(s.name)
		if !ok {
			return c.invalid("An expression attribute name used in the document path is not defined; attribute name: " + s.name)
		}
		at[i].name = name
	}
	if len(at) > maxPath {
		return c.invalid("The document path has too many nesting levels; nesting levels: " + strconv.Itoa(len(at)))
	}
	return nil
}

func (c *checker) resolveValue(n *node) error {
	v, ok := c.usage.value(n.name)
	if !ok {
		return c.invalid("An expression attribute value used in expression is not defined; attribute value: " + n.name)
	}
	n.value = v
	return nil
}

func (c *checker) comparison(n *node) error {
	if err := c.distinct(n); err != nil {
		return err
	}
	if n.name == "=" || n.name == "<>" {
		return nil
	}
	return c.operandKinds(n, n.args, attr.String, attr.Number, attr.Binary)
}

func (c *checker) between(n *node) error {
	if err := c.distinct(n); err != nil {
		return err
	}
	if err := c.operandKinds(n, n.args, attr.String, attr.Number, attr.Binary); err != nil {
		return err
	}
	low, high := n.args[1], n.args[2]
	if low.kind != nodeValue || high.kind != nodeValue {
		return nil
	}
	order, same := attr.Compare(low.value, high.value)
	problem := ""
	switch {
	case !same:
		problem = "same data type for lower and upper bounds"
	case order > 0:
		problem = "upper bound to be greater than or equal to lower bound"
	default:
		return nil
	}
	return c.invalid("The BETWEEN operator requires " + problem + "; lower bound operand: " + operandText(low.value) +
		", upper bound operand: " + operandText(high.value))
}

// operandText is a value as DynamoDB writes it in a message.
func operandText(v attr.Value) string {
	text := v.Str()
	switch v.Kind() {
	case attr.Number:
		text = v.Num().String()
	case attr.Binary:
		size := strconv.Itoa(len(text))
		text = "java.nio.HeapByteBuffer[pos=0 lim=" + size + " cap=" + size + "]"
	}
	return "AttributeValue: {" + v.Kind().String() + ":" + text + "}"
}

// distinct refuses a path that is compared with itself.
func (c *checker) distinct(n *node) error {
	first := n.args[0]
	if first.kind != nodePath {
		return nil
	}
	for _, other := range n.args[1:] {
		if other.kind == nodePath && len(other.path) == len(first.path) && clash(first.path, other.path) == "overlap" {
			return c.invalid("The first operand must be distinct from the remaining operands for this operator or function; " +
				"operator: " + n.name + ", first operand: " + first.path.String())
		}
	}
	return nil
}

// operandKinds refuses an operand whose type is known and not allowed.
func (c *checker) operandKinds(n *node, operands []*node, allowed ...attr.Kind) error {
next:
	for _, o := range operands {
		kind := o.kindOf()
		for _, a := range allowed {
			if kind == 0 || kind == a {
				continue next
			}
		}
		return c.wrongType(n, kind.String())
	}
	return nil
}

func (c *checker) wrongType(n *node, kind string) error {
	return c.invalid("Incorrect operand type for operator or function; operator or function: " + n.name +
		", operand type: " + kind)
}

// call checks the operands of a function.
func (c *checker) call(n *node) error {
	switch n.fn {
	case fnExists, fnNotExists, fnType, fnIfNotExists:
		if n.args[0].kind != nodePath {
			return c.invalid("Operator or function requires a document path; operator or function: " + n.name)
		}
	}
	switch n.fn {
	case fnSize:
		return c.operandKinds(n, n.args, attr.String, attr.Binary, attr.StringSet, attr.NumberSet, attr.BinarySet, attr.List, attr.Map)
	case fnListAppend:
		return c.operandKinds(n, n.args, attr.List)
	}
	if err := c.distinct(n); err != nil {
		return err
	}
	switch n.fn {
	case fnBeginsWith:
		return c.operandKinds(n, n.args, attr.String, attr.Binary)
	case fnType:
		return c.typeName(n)
	}
	return nil
}

// typeName checks the second operand of attribute_type.
func (c *checker) typeName(n *node) error {
	name := n.args[1]
	switch kind := name.kindOf(); {
	case kind == 0:
		return c.wrongType(n, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	case kind != attr.String:
		return c.wrongType(n, kind.String())
	}
	if _, ok := attr.KindOf(name.value.Str()); !ok {
		return c.invalid("Invalid attribute type name found; type: " + name.value.Str() +
			", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
	}
	return nil
}
