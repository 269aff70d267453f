package expr

import "daybook/localstack/embedded/attr"

// section is one of the four kinds of action.
type section uint8

const (
	sectionSet section = iota
	sectionRemove
	sectionAdd
	sectionDelete
)

var sections = [...]string{"SET", "REMOVE", "ADD", "DELETE"}

// action is one change of an update.
type action struct {
	section section
	path    path
	value   *node // nil for REMOVE
}

// Update is a parsed update expression.
type Update struct {
	actions []action
	paths   []path // what the actions write
	reads   []path // what their values read
	tree    *branch
	touched *Projection
}

// ParseUpdate parses an update expression with the placeholders of u.
func ParseUpdate(src string, u *Usage) (*Update, error) {
	p, err := newParser("UpdateExpression", src, sections[:], u)
	if err != nil {
		return nil, err
	}
	up := &Update{}
	c := &checker{lexer: &p.lexer, usage: u, update: true}
	if err := p.update(up, c); err != nil {
		return nil, err
	}
	if err := up.check(c); err != nil {
		return nil, err
	}
	up.touched = &Projection{paths: up.paths, tree: newTree(up.paths)}
	up.tree = up.touched.tree
	return up, nil
}

// update reads all sections.
func (p *parser) update(up *Update, c *checker) error {
	var order []section
	for {
		s, ok := p.section()
		if !ok {
			return p.syntaxError()
		}
		order = append(order, s)
		p.next()
		if err := p.actions(s, up); err != nil {
			return err
		}
		if p.cur.kind == tokEOF {
			break
		}
	}
	if err := p.end(); err != nil {
		return err
	}
	return c.staticSections(up, order)
}

func (p *parser) section() (section, bool) {
	for i, word := range sections {
		if p.keyword(word) {
			return section(i), true
		}
	}
	return 0, false
}

// actions reads the actions of a section, parted by commas.
func (p *parser) actions(s section, up *Update) error {
	for {
		a, err := p.action(s)
		if err != nil {
			return err
		}
		up.actions = append(up.actions, a)
		if !p.accept(',') {
			return nil
		}
	}
}

func (p *parser) action(s section) (action, error) {
	at, err := p.path()
	a := action{section: s, path: at}
	if err != nil || s == sectionRemove {
		return a, err
	}
	if s != sectionSet {
		if p.cur.kind != tokValue {
			return a, p.syntaxError()
		}
		a.value = p.valueOperand()
		return a, nil
	}
	if _, err := p.expect('='); err != nil {
		return a, err
	}
	a.value, err = p.setValue()
	return a, err
}

// setValue reads an operand, or a sum or difference of two, perhaps in
// parentheses.
func (p *parser) setValue() (*node, error) {
	var left *node
	var err error
	if p.cur.kind == '(' {
		left, err = p.grouped(p.setValue)
	} else {
		left, err = p.operand()
	}
	if err != nil || left.kind == nodeArith || p.cur.kind != '+' && p.cur.kind != '-' {
		return left, err
	}
	op := p.text(p.next())
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.operator(nodeArith, op, left, right), nil
}

// staticSections makes the static checks a section at a time, in the order they
// first appear, and refuses a second one of a kind.
func (c *checker) staticSections(up *Update, order []section) error {
	for i, s := range order {
		for _, a := range up.actions {
			if a.section != s {
				continue
			}
			if err := c.words(a.path); err != nil {
				return err
			}
			if a.value == nil {
				continue
			}
			if err := c.static(a.value, false); err != nil {
				return err
			}
		}
		for _, other := range order[:i] {
			if other == s {
				return c.invalid(`The "` + sections[s] + `" section can only be used once in an update expression;`)
			}
		}
	}
	return nil
}

// check resolves placeholders and checks paths and operands.
func (up *Update) check(c *checker) error {
	up.paths = make([]path, len(up.actions))
	for i, a := range up.actions {
		if err := c.resolvePath(a.path); err != nil {
			return err
		}
		up.paths[i] = a.path
	}
	if err := c.checkDistinct(up.paths); err != nil {
		return err
	}
	for _, a := range up.actions {
		if a.value == nil {
			continue
		}
		if err := c.resolve(a.value); err != nil {
			return err
		}
		if err := c.actionKind(a); err != nil {
			return err
		}
		up.reads = a.value.paths(up.reads)
	}
	return nil
}

// longNames are the types' names in the messages about ADD and DELETE.
var longNames = [...]string{"", "STRING", "NUMBER", "BINARY", "BOOLEAN", "NULL", "MAP", "LIST", "STRING_SET", "NUMBER_SET", "BINARY_SET"}

// actionKind refuses values that ADD and DELETE do not take.
func (c *checker) actionKind(a action) error {
	kind := a.value.kindOf()
	switch {
	case a.section == sectionAdd && (kind == attr.Number || kind.IsSet()),
		a.section == sectionDelete && kind.IsSet(),
		a.section == sectionSet:
		return nil
	}
	word := sections[a.section]
	return c.invalid("Incorrect operand type for operator or function; operator: " + word +
		", operand type: " + longNames[kind] + ", typeSet: ALLOWED_FOR_" + word + "_OPERAND")
}

// Attributes returns the top-level attributes that the update writes, in the
// order of the expression. A key must not be among them.
func (up *Update) Attributes() []string { return heads(up.paths, false) }

// KindOf is the type that the update gives a top-level attribute whatever the
// item is, 0 if it depends on the item or the update does not write it.
func (up *Update) KindOf(name string) attr.Kind {
	for _, a := range up.actions {
		if len(a.path) == 1 && a.path[0].name == name && a.value != nil && a.section != sectionDelete {
			return a.value.outcomeKind()
		}
	}
	return 0
}

// ValueOf is the value that the update sets a top-level attribute to whatever the
// item is, false if it depends on the item or the update does not set it.
func (up *Update) ValueOf(name string) (attr.Value, bool) {
	for _, a := range up.actions {
		if a.section == sectionSet && len(a.path) == 1 && a.path[0].name == name && a.value.kind == nodeValue {
			return a.value.value, true
		}
	}
	return attr.Value{}, false
}

// outcomeKind is the type of a SET or ADD value, 0 if it depends on the item.
func (n *node) outcomeKind() attr.Kind {
	switch {
	case n.kind == nodeArith:
		return attr.Number
	case n.fn == fnListAppend:
		return attr.List
	}
	return n.kindOf()
}

// Nested returns the top-level attributes that the update looks inside, be it
// to write or to read; a nil update looks inside none.
func (up *Update) Nested() []string {
	if up == nil {
		return nil
	}
	return heads(append(append([]path(nil), up.paths...), up.reads...), true)
}

// Touched is the projection to what the update writes: of the old item it gives
// UPDATED_OLD, of the new item UPDATED_NEW.
func (up *Update) Touched() *Projection { return up.touched }
