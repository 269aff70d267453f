package attr

// Sizes by DynamoDB's rule, from AWS's "DynamoDB item sizes and formats".
const (
	sizeCollection = 3 // a map or a list, even an empty one
	sizeElement    = 1 // each element of it
)

// Size is the item's size in bytes as DynamoDB counts it against the 400 KB
// limit and for capacity: each name's UTF-8 bytes plus its value's Size.
func (it Item) Size() int {
	size := 0
	for name, v := range it {
		size += len(name) + v.Size()
	}
	return size
}

// Size is the value's size in bytes by AWS's rule: UTF-8 bytes of a string, raw
// bytes of a binary, 1 for a boolean or null, one byte for two significant
// digits plus 1 (plus 1 if negative) for a number, the members' sizes for a
// set, 3 plus 1 for each element plus names and elements for a map or list.
func (v Value) Size() int {
	switch v.kind {
	case String, Binary:
		return len(v.str)
	case Number:
		return v.num.size()
	case Bool, Null:
		return 1
	case Map:
		return sizeCollection + sizeElement*len(v.fields) + v.fields.Size()
	case List:
		size := sizeCollection + sizeElement*len(v.elems)
		for _, e := range v.elems {
			size += e.Size()
		}
		return size
	}
	size := 0
	for _, e := range v.elems {
		size += e.Size()
	}
	return size
}

// size is 1 for 0. Otherwise the digits are paired at the decimal point, as
// base 100 has them, which is where "approximately" in AWS's rule comes from:
// 10 takes one pair, 100 takes one, 110 takes two.
func (n Decimal) size() int {
	if n.IsZero() {
		return 1
	}
	size := 1 + n.pairs()
	if n.neg {
		size++
	}
	return size
}

// pairs is the number of base 100 digits between the first and the last that
// are not 0.
func (n Decimal) pairs() int {
	var buf [MaxDigits]byte
	count := len(n.coefficient(&buf))
	if n.exp%2 == 0 {
		count++ // the first digit stands alone in its pair
	}
	return (count + 1) / 2
}
