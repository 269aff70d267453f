package expr

import "daybook/localstack/embedded/attr"

// Projection is a parsed projection expression, or a list of attributes.
type Projection struct {
	paths []path
	tree  *branch
}

// ParseProjection parses a projection expression with the placeholders of u.
func ParseProjection(src string, u *Usage) (*Projection, error) {
	p, err := newParser("ProjectionExpression", src, nil, u)
	if err != nil {
		return nil, err
	}
	var paths []path
	for {
		at, err := p.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, at)
		if !p.accept(',') {
			break
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	c := checker{lexer: &p.lexer, usage: u}
	for _, at := range paths {
		if err := c.words(at); err != nil {
			return nil, err
		}
	}
	for _, at := range paths {
		if err := c.resolvePath(at); err != nil {
			return nil, err
		}
	}
	if err := p.checkDistinct(paths); err != nil {
		return nil, err
	}
	return &Projection{paths: paths, tree: newTree(paths)}, nil
}

// Attributes returns the top-level attributes that the projection keeps.
func (p *Projection) Attributes() []string { return heads(p.paths, false) }

// Nested returns the top-level attributes that the projection looks inside; a
// nil projection looks inside none.
func (p *Projection) Nested() []string {
	if p == nil {
		return nil
	}
	return heads(p.paths, true)
}

// Apply returns what the projection keeps of an item: elements of a list close
// up in ascending order of their indexes, and a map or list of which nothing is
// kept is left out. The result shares values with the item.
func (p *Projection) Apply(it attr.Item) attr.Item { return projectItem(it, p.tree) }

func projectItem(it attr.Item, b *branch) attr.Item {
	kept := attr.Item{}
	for _, c := range b.children {
		if v := project(it[c.step.name], c); v.Kind() != 0 {
			kept[c.step.name] = v
		}
	}
	return kept
}

// project returns what is kept of a value, or the zero Value.
func project(v attr.Value, b *branch) attr.Value {
	switch {
	case b.leaf >= 0:
		return v
	case v.Kind() == attr.Map && !b.isList():
		if kept := projectItem(v.Fields(), b); len(kept) > 0 {
			return attr.M(kept)
		}
	case v.Kind() == attr.List && b.isList():
		var kept []attr.Value
		for _, c := range b.children {
			if e := project(child(v, c.step), c); e.Kind() != 0 {
				kept = append(kept, e)
			}
		}
		if kept != nil {
			return attr.L(kept)
		}
	}
	return attr.Value{}
}
