package expr

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"daybook/localstack/embedded/attr"
)

// KeyAttribute is one attribute of a key.
type KeyAttribute struct {
	Name string
	Kind attr.Kind // String, Number or Binary
}

// KeySchema is the key of the table or index that a key condition selects from.
// A table has one hash attribute and at most one range attribute, an index up to
// four of each.
type KeySchema struct {
	Hash  []KeyAttribute
	Range []KeyAttribute
}

// RangeOp is what a key condition asks of a range attribute.
type RangeOp uint8

// The conditions on a range attribute. RangeAll is none.
const (
	RangeAll RangeOp = iota
	RangeEqual
	RangeLess
	RangeLessOrEqual
	RangeGreater
	RangeGreaterOrEqual
	RangeBetween
	RangeBeginsWith
)

// KeyCondition is a parsed key condition expression, not bound to a key schema
// yet.
type KeyCondition struct{ terms []keyTerm }

// keyTerm is the condition on one attribute.
type keyTerm struct {
	name   string
	op     RangeOp
	values []attr.Value
}

// KeyRange is a key condition on a certain table or index.
type KeyRange struct {
	// Hash are the values of the hash attributes.
	Hash []attr.Value
	// Prefix are the values of the range attributes before the one that Op is
	// about.
	Prefix []attr.Value
	// Op is the condition on the last range attribute that has one.
	Op RangeOp
	// Low is its operand, the lower bound of RangeBetween.
	Low attr.Value
	// High is the upper bound of RangeBetween.
	High attr.Value
}

const keyLabel = "KeyConditionExpression"

// ParseKeyCondition parses a key condition expression with the placeholders of
// u, as far as no key schema is needed: DynamoDB makes these checks before it
// looks for the table.
func ParseKeyCondition(src string, u *Usage) (*KeyCondition, error) {
	root, err := parseCondition(keyLabel, src, u)
	if err != nil {
		return nil, err
	}
	k := &KeyCondition{}
	if err := k.collect(root); err != nil {
		return nil, err
	}
	return k, nil
}

// collect takes the terms of a tree of AND.
func (k *KeyCondition) collect(n *node) error {
	if n.kind == nodeAnd {
		if err := k.collect(n.args[0]); err != nil {
			return err
		}
		return k.collect(n.args[1])
	}
	op, ok := rangeOps[n.name]
	if !ok {
		return invalid("Invalid operator used in " + keyLabel + ": " + n.name)
	}
	term := keyTerm{op: op}
	if err := term.read(n); err != nil {
		return err
	}
	for _, other := range k.terms {
		if other.name == term.name {
			return invalid("Invalid " + keyLabel + ": KeyConditionExpressions must only contain one condition per key")
		}
	}
	k.terms = append(k.terms, term)
	return nil
}

var rangeOps = map[string]RangeOp{
	"=": RangeEqual, "<": RangeLess, "<=": RangeLessOrEqual, ">": RangeGreater, ">=": RangeGreaterOrEqual,
	"BETWEEN": RangeBetween, "begins_with": RangeBeginsWith,
}

// mirrored is a comparison with its operands swapped.
var mirrored = map[RangeOp]RangeOp{
	RangeEqual: RangeEqual, RangeLess: RangeGreater, RangeLessOrEqual: RangeGreaterOrEqual,
	RangeGreater: RangeLess, RangeGreaterOrEqual: RangeLessOrEqual,
}

// read takes the attribute and the values of a condition.
func (t *keyTerm) read(n *node) error {
	for _, arg := range n.args {
		if arg.kind == nodeCall {
			return invalid("KeyConditionExpressions cannot contain nested operations")
		}
	}
	if n.kind != nodeCompare && n.args[0].kind != nodePath {
		return invalid("Invalid condition in " + keyLabel + ": " + n.name +
			" operator must have the key attribute as its first operand")
	}
	for i, arg := range n.args {
		switch {
		case arg.kind == nodeValue:
			t.values = append(t.values, arg.value)
			continue
		case t.name != "":
			return invalid("Invalid condition in " + keyLabel + ": Multiple attribute names used in one condition")
		case len(arg.path) > 1:
			return invalid("Invalid " + keyLabel + ": KeyConditionExpressions cannot have conditions on nested attributes")
		}
		t.name = arg.path[0].name
		if i == 1 {
			t.op = mirrored[t.op]
		}
	}
	if t.name == "" {
		return invalid("Invalid condition in " + keyLabel + ": No key attribute specified")
	}
	return nil
}

// Bind applies the condition to a key schema. A *attr.ValidationError says what
// is missing, too much, or of a wrong type.
func (k *KeyCondition) Bind(schema KeySchema) (KeyRange, error) {
	if size := len(schema.Hash) + len(schema.Range); len(k.terms) > size {
		return KeyRange{}, invalid("The number of query conditions (" + strconv.Itoa(len(k.terms)) +
			") exceeds the number of key attributes defined in the schema (" + strconv.Itoa(size) + ")")
	}
	var r KeyRange
	for i, a := range schema.Hash {
		hash, err := k.term(a)
		if err != nil {
			return KeyRange{}, err
		}
		if hash.op != RangeEqual {
			return KeyRange{}, invalid("Query key condition not supported")
		}
		if i == 0 {
			r.Hash = hash.values[:1:1]
		} else {
			r.Hash = append(r.Hash, hash.values...)
		}
	}
	err := k.bindRange(schema, &r)
	return r, err
}

// bindRange applies the conditions on range attributes: from the left, and all
// but the last by equality.
func (k *KeyCondition) bindRange(schema KeySchema, r *KeyRange) error {
	left := len(k.terms) - len(schema.Hash)
	missing := ""     // the first range attribute without a condition
	var open []string // range attributes so far without an equality
	for _, a := range schema.Range {
		if left == 0 {
			return nil
		}
		if k.find(a.Name) < 0 {
			missing = cmp.Or(missing, a.Name)
			open = append(open, a.Name)
			continue
		}
		left--
		if len(open) > 0 {
			return invalid("RANGE key attributes " + strings.Join(open, ", ") + " must have equality conditions specified in the query " +
				"because a condition is present on key attribute " + a.Name)
		}
		sort, err := k.term(a)
		if err != nil {
			return err
		}
		if sort.op != RangeEqual {
			open = append(open, a.Name)
		}
		if r.Op != RangeAll {
			r.Prefix = append(r.Prefix, r.Low)
		}
		r.Op, r.Low = sort.op, sort.values[0]
		if sort.op == RangeBetween {
			r.High = sort.values[1]
		}
	}
	if left > 0 { // a condition on something that is not a key attribute
		return invalid("Query condition missed key schema element: " + missing)
	}
	return nil
}

func (k *KeyCondition) find(name string) int {
	return slices.IndexFunc(k.terms, func(t keyTerm) bool { return t.name == name })
}

// term returns the condition on a key attribute.
func (k *KeyCondition) term(a KeyAttribute) (keyTerm, error) {
	i := k.find(a.Name)
	if i < 0 {
		return keyTerm{}, invalid("Query condition missed key schema element: " + a.Name)
	}
	for _, v := range k.terms[i].values {
		if v.Kind() != a.Kind {
			return keyTerm{}, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
		}
		if isText(v) && v.Str() == "" {
			word := map[attr.Kind]string{attr.String: "string", attr.Binary: "binary"}[a.Kind]
			return keyTerm{}, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
				word + " value. Key: " + a.Name)
		}
	}
	return k.terms[i], nil
}

// Interval returns the half-open interval [from, to) of keys in the range, where
// a key is attr.AppendKey of the hash values, then of the range values, then
// anything (the table's key, in an index).
func (r KeyRange) Interval() (from, to []byte) {
	var hash []byte
	for _, values := range [...][]attr.Value{r.Hash, r.Prefix} {
		for _, v := range values {
			hash = attr.AppendKey(hash, v)
		}
	}
	low := func() []byte { return attr.AppendKey(slices.Clone(hash), r.Low) }
	switch r.Op {
	case RangeEqual:
		return low(), successor(low())
	case RangeLess:
		return hash, low()
	case RangeLessOrEqual:
		return hash, successor(low())
	case RangeGreater:
		return successor(low()), successor(slices.Clone(hash))
	case RangeGreaterOrEqual:
		return low(), successor(slices.Clone(hash))
	case RangeBetween:
		return low(), successor(attr.AppendKey(slices.Clone(hash), r.High))
	case RangeBeginsWith:
		from = attr.AppendKeyPrefix(slices.Clone(hash), r.Low)
		return from, successor(slices.Clone(from))
	}
	return hash, successor(slices.Clone(hash))
}

// successor changes a key to the first one after all keys that begin with it.
// Every key has a byte that is not 0xff: its class or its end.
func successor(key []byte) []byte {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i] < 0xff {
			key[i]++
			return key[:i+1]
		}
	}
	return nil
}
