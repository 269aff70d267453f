package expr

import (
	"cmp"
	"slices"
)

// branch is a tree of document paths: what a projection keeps or an update
// changes at and below one place.
type branch struct {
	step     step
	leaf     int // the number of the path that ends here, -1 if it goes on
	children []*branch
}

// newTree puts paths, none inside another, into a tree. Siblings are names in
// the order written, or indexes in ascending order.
func newTree(paths []path) *branch {
	root := &branch{leaf: -1}
	for i, p := range paths {
		at := root
		for _, s := range p {
			at = at.child(s)
		}
		at.leaf = i
	}
	return root
}

// child returns the child at a step, a new one if need be.
func (b *branch) child(s step) *branch {
	for _, c := range b.children {
		if c.step == s {
			return c
		}
	}
	c := &branch{step: s, leaf: -1}
	b.children = append(b.children, c)
	if s.isIndex() {
		slices.SortFunc(b.children, func(x, y *branch) int { return cmp.Compare(x.step.index, y.step.index) })
	}
	return c
}

// isList tells whether the place holds a list: all its children are indexes, or
// none is.
func (b *branch) isList() bool { return len(b.children) > 0 && b.children[0].step.isIndex() }
