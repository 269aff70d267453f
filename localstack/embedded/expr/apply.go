package expr

import (
	"maps"
	"slices"

	"daybook/localstack/embedded/attr"
)

// Faults that show only when an update meets an item.
const (
	msgPath    = "The document path provided in the update expression is invalid for update"
	msgOperand = "An operand in the update expression has an incorrect data type"
	msgMissing = "The provided expression refers to an attribute that does not exist in the item"
	msgNesting = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

// change is what an action does to its place: put value there, or clear it if
// value is the zero Value.
type change struct{ value attr.Value }

// Apply returns the item after the update; it (nil for no item) is not changed
// and shares values with the result. Every action sees the item as it was
// before. The error is a *attr.ValidationError: an operand of a wrong type, a
// path that does not exist, a number out of range.
func (up *Update) Apply(it attr.Item) (attr.Item, error) {
	changes := make([]change, len(up.actions))
	for i, a := range up.actions {
		value, err := a.outcome(it)
		if err != nil {
			return nil, err
		}
		if depth(value)+len(a.path)-1 > attr.MaxDepth {
			return nil, invalid(msgNesting)
		}
		changes[i] = change{value: value}
	}
	if it == nil && up.onlyRemoves() {
		return attr.Item{}, nil
	}
	return applyMap(it, up.tree, changes)
}

// onlyRemoves tells whether the update has no action but REMOVE. DynamoDB then
// passes over the paths of an item that does not exist.
func (up *Update) onlyRemoves() bool {
	return !slices.ContainsFunc(up.actions, func(a action) bool { return a.section != sectionRemove })
}

// outcome is the value after the action, the zero Value if there is none.
func (a action) outcome(it attr.Item) (attr.Value, error) {
	switch a.section {
	case sectionSet:
		return a.value.compute(it)
	case sectionRemove:
		return attr.Value{}, nil
	}
	old, operand := a.path.find(it), a.value.value
	switch {
	case old.Kind() == 0 && a.section == sectionAdd:
		return operand, nil
	case old.Kind() == 0:
		return old, nil
	case old.Kind() != operand.Kind():
		return attr.Value{}, invalid(msgOperand)
	case a.section == sectionDelete:
		if left := attr.Difference(old, operand); len(left.Elems()) > 0 {
			return left, nil
		}
		return attr.Value{}, nil
	case operand.Kind() == attr.Number:
		return arith("+", old, operand)
	}
	return attr.Union(old, operand), nil
}

// compute returns the value that a SET puts.
func (n *node) compute(it attr.Item) (attr.Value, error) {
	switch n.kind {
	case nodeValue:
		return n.value, nil
	case nodePath:
		v := n.path.find(it)
		if v.Kind() == 0 {
			return v, invalid(msgMissing)
		}
		return v, nil
	}
	if n.fn == fnIfNotExists {
		if v := n.args[0].path.find(it); v.Kind() != 0 {
			return v, nil
		}
		return n.args[1].compute(it)
	}
	a, err := n.args[0].compute(it)
	if err != nil {
		return attr.Value{}, err
	}
	b, err := n.args[1].compute(it)
	if err != nil {
		return attr.Value{}, err
	}
	if n.kind == nodeArith {
		return arith(n.name, a, b)
	}
	if a.Kind() != attr.List || b.Kind() != attr.List {
		return attr.Value{}, invalid(msgOperand)
	}
	joined := make([]attr.Value, 0, len(a.Elems())+len(b.Elems()))
	return attr.L(append(append(joined, a.Elems()...), b.Elems()...)), nil
}

// arith adds or subtracts two numbers.
func arith(op string, a, b attr.Value) (attr.Value, error) {
	if a.Kind() != attr.Number || b.Kind() != attr.Number {
		return attr.Value{}, invalid(msgOperand)
	}
	sum := a.Num().Add
	if op == "-" {
		sum = a.Num().Sub
	}
	n, err := sum(b.Num())
	return attr.N(n), err
}

// applyMap returns a map with the changes at and below a branch made.
func applyMap(it attr.Item, b *branch, changes []change) (attr.Item, error) {
	changed := maps.Clone(it)
	if changed == nil {
		changed = attr.Item{}
	}
	for _, c := range b.children {
		v, err := apply(it[c.step.name], c, changes)
		if err != nil {
			return nil, err
		}
		if v.Kind() == 0 {
			delete(changed, c.step.name)
		} else {
			changed[c.step.name] = v
		}
	}
	return changed, nil
}

// apply returns a value with the changes at and below a branch made.
func apply(v attr.Value, b *branch, changes []change) (attr.Value, error) {
	switch {
	case b.leaf >= 0:
		return changes[b.leaf].value, nil
	case v.Kind() == attr.Map && !b.isList():
		fields, err := applyMap(v.Fields(), b, changes)
		return attr.M(fields), err
	case v.Kind() == attr.List && b.isList():
		return applyList(v, b, changes)
	}
	return attr.Value{}, invalid(msgPath)
}

// applyList makes the changes of elements. Indexes are those of the list as it
// was: what is removed leaves no gap, and what is put beyond the end is
// appended, in ascending order of the indexes.
func applyList(v attr.Value, b *branch, changes []change) (attr.Value, error) {
	old := v.Elems()
	elems := make([]attr.Value, 0, len(old)+len(b.children))
	next := 0
	for _, c := range b.children {
		for next < min(c.step.index, len(old)) {
			elems = append(elems, old[next])
			next++
		}
		e, err := apply(child(v, c.step), c, changes)
		if err != nil {
			return attr.Value{}, err
		}
		if e.Kind() != 0 {
			elems = append(elems, e)
		}
		next = min(c.step.index+1, len(old))
	}
	return attr.L(append(elems, old[next:]...)), nil
}

// depth is how many levels a value takes: 1 for a scalar.
func depth(v attr.Value) int {
	deepest := 0
	switch v.Kind() {
	case attr.Map:
		for _, e := range v.Fields() {
			deepest = max(deepest, depth(e))
		}
	case attr.List:
		for _, e := range v.Elems() {
			deepest = max(deepest, depth(e))
		}
	}
	return deepest + 1
}
