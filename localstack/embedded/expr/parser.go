package expr

import (
	"slices"
	"strconv"
)

// parser builds the tree of one expression. Parsing finds errors of syntax; a
// checker finds the others when the whole tree is there.
type parser struct {
	lexer
	words     []string // the language's own words, never names
	operators int
	slab      []node
}

// The words of conditions. Those of updates are the sections' names, and
// projections have none: there such a word is just a reserved name.
var conditionWords = []string{"AND", "OR", "NOT", "BETWEEN", "IN"}

// newParser checks the source's length and starts reading it.
func newParser(label, src string, words []string, u *Usage) (*parser, error) {
	u.expressions++
	p := &parser{lexer: lexer{label: label}, words: words}
	switch {
	case src == "":
		return nil, p.invalid("The expression can not be empty;")
	case len(src) > maxExpression:
		return nil, p.invalid("Expression size has exceeded the maximum allowed size; expression size: " + strconv.Itoa(len(src)))
	}
	p.init(label, src)
	return p, nil
}

// new returns a node of its own.
func (p *parser) new(n node) *node {
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]node, 0, 8)
	}
	p.slab = append(p.slab, n)
	return &p.slab[len(p.slab)-1]
}

// operator is a new node that counts against the limit of operators.
func (p *parser) operator(kind nodeKind, name string, args ...*node) *node {
	p.operators++
	return p.new(node{kind: kind, name: name, args: args})
}

// expect reads a token of the kind.
func (p *parser) expect(kind tokenKind) (token, error) {
	if p.cur.kind != kind {
		return token{}, p.syntaxError()
	}
	return p.next(), nil
}

// accept reads a token of the kind if it is there.
func (p *parser) accept(kind tokenKind) bool {
	if p.cur.kind != kind {
		return false
	}
	p.next()
	return true
}

// end is called when all is read: nothing may follow.
func (p *parser) end() error {
	switch {
	case p.cur.kind != tokEOF:
		return p.syntaxError()
	case p.operators > maxOperators:
		return p.invalid("The expression contains more than the maximum allowed number of operators; operator count: " +
			strconv.Itoa(p.operators))
	}
	return nil
}

// condition reads a whole condition.
func (p *parser) condition() (*node, error) {
	n, err := p.or(false)
	if err != nil {
		return nil, err
	}
	return n, p.end()
}

// or reads conditions joined by OR. With bare, which is set inside parentheses,
// a lone operand will do: the parentheses may be those of an operand.
func (p *parser) or(bare bool) (*node, error) {
	left, err := p.and(bare)
	for err == nil && p.keyword("OR") {
		if left.bare() {
			return nil, p.syntaxError()
		}
		p.next()
		var right *node
		if right, err = p.and(false); err == nil {
			left = p.operator(nodeOr, "OR", left, right)
		}
	}
	return left, err
}

// and reads conditions joined by AND.
func (p *parser) and(bare bool) (*node, error) {
	left, err := p.not(bare)
	for err == nil && p.keyword("AND") {
		if left.bare() {
			return nil, p.syntaxError()
		}
		p.next()
		var right *node
		if right, err = p.not(false); err == nil {
			left = p.operator(nodeAnd, "AND", left, right)
		}
	}
	return left, err
}

// bare tells whether a node is an operand that is not a condition.
func (n *node) bare() bool { return n.kind == nodePath || n.kind == nodeValue }

// not reads a condition after any number of NOT.
func (p *parser) not(bare bool) (*node, error) {
	if !p.keyword("NOT") {
		return p.comparison(bare)
	}
	p.next()
	n, err := p.not(false)
	if err != nil {
		return nil, err
	}
	return p.operator(nodeNot, "NOT", n), nil
}

// comparison reads a condition without AND, OR and NOT outside parentheses.
func (p *parser) comparison(bare bool) (*node, error) {
	left, err := p.primary()
	if err != nil || !left.isOperand() {
		return left, err
	}
	switch op := p.cur; {
	case op.kind == '=' || op.kind == '<' || op.kind == '>' || op.kind >= tokNE && op.kind <= tokGE:
		p.next()
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		return p.operator(nodeCompare, p.text(op), left, right), nil
	case p.keyword("BETWEEN"):
		p.next()
		return p.between(left)
	case p.keyword("IN"):
		p.next()
		return p.in(left)
	case left.kind == nodeCall || bare:
		return left, nil
	}
	return nil, p.syntaxError()
}

// primary reads parentheses or an operand.
func (p *parser) primary() (*node, error) {
	if p.cur.kind == '(' {
		return p.grouped(func() (*node, error) { return p.or(true) })
	}
	return p.operand()
}

// grouped reads what inner reads, in parentheses.
func (p *parser) grouped(inner func() (*node, error)) (*node, error) {
	p.next()
	n, err := inner()
	if err != nil {
		return nil, err
	}
	if _, err := p.expect(')'); err != nil {
		return nil, err
	}
	if n.parens {
		return nil, p.invalid("The expression has redundant parentheses;")
	}
	n.parens = true
	return n, nil
}

func (p *parser) between(left *node) (*node, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !p.keyword("AND") {
		return nil, p.syntaxError()
	}
	p.next()
	high, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.operator(nodeBetween, "BETWEEN", left, low, high), nil
}

func (p *parser) in(left *node) (*node, error) {
	list, err := p.operands()
	if err != nil {
		return nil, err
	}
	n := p.operator(nodeIn, "IN", left)
	n.args = append(n.args, list...)
	return n, nil
}

// operands reads a list of operands in parentheses.
func (p *parser) operands() ([]*node, error) {
	if _, err := p.expect('('); err != nil {
		return nil, err
	}
	list := make([]*node, 0, 2)
	for {
		n, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.accept(',') {
			_, err := p.expect(')')
			return list, err
		}
	}
}

// operand reads a path, a :value or a function, perhaps in parentheses.
func (p *parser) operand() (*node, error) {
	switch p.cur.kind {
	case '(':
		return p.grouped(p.operand)
	case tokValue:
		return p.valueOperand(), nil
	case tokName:
	case tokIdent:
		if p.isKeyword() {
			return nil, p.syntaxError()
		}
		if p.scan(p.cur.end).kind == '(' {
			return p.call()
		}
	default:
		return nil, p.syntaxError()
	}
	at, err := p.path()
	if err != nil {
		return nil, err
	}
	return p.new(node{kind: nodePath, path: at}), nil
}

func (p *parser) valueOperand() *node {
	return p.new(node{kind: nodeValue, name: p.text(p.next())})
}

func (p *parser) call() (*node, error) {
	name := p.text(p.next())
	args, err := p.operands()
	if err != nil {
		return nil, err
	}
	n := p.operator(nodeCall, name)
	n.fn, n.args = functions[name].fn, args
	return n, nil
}

// isKeyword tells whether cur is a word of the language.
func (p *parser) isKeyword() bool { return slices.ContainsFunc(p.words, p.keyword) }

// path reads a document path, its placeholders unresolved.
func (p *parser) path() (path, error) {
	first, err := p.pathName()
	if err != nil {
		return nil, err
	}
	at := make(path, 1, 2)
	at[0] = first
	for {
		switch {
		case p.accept('.'):
			s, err := p.pathName()
			if err != nil {
				return nil, err
			}
			at = append(at, s)
		case p.accept('['):
			s, err := p.pathIndex()
			if err != nil {
				return nil, err
			}
			at = append(at, s)
		default:
			return at, nil
		}
	}
}

func (p *parser) pathName() (step, error) {
	if p.cur.kind != tokName && (p.cur.kind != tokIdent || p.isKeyword()) {
		return step{}, p.syntaxError()
	}
	return step{name: p.text(p.next())}, nil
}

func (p *parser) pathIndex() (step, error) {
	t, err := p.expect(tokInt)
	if err != nil {
		return step{}, err
	}
	if _, err := p.expect(']'); err != nil {
		return step{}, err
	}
	index, err := strconv.Atoi(p.text(t))
	if err != nil || index > maxListIndex {
		return step{}, p.invalid("List index is not within the allowable range; index: [" + p.text(t) + "]")
	}
	return step{index: index}, nil
}
