package attr

import (
	"encoding/binary"
	"errors"
	"strconv"
)

// The storage form: a count, then name and value of each attribute, sorted by
// name. Lengths and counts are unsigned varints. A value is a tag byte (its
// kind, or tagTrue for true) and its content; numbers are in their key form.
const tagTrue = byte(BinarySet) + 1

// ErrCorrupt is returned for bytes that Encode did not write.
var ErrCorrupt = errors.New("attr: corrupt encoding")

// Encode appends the compact storage form of an item to dst. Equal items have
// equal forms.
func Encode(dst []byte, it Item) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(it)))
	for _, name := range sortedNames(it) {
		dst = encodeText(dst, name)
		dst = encodeValue(dst, it[name])
	}
	return dst
}

func encodeText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func encodeValue(dst []byte, v Value) []byte {
	if v.kind == Bool && v.flag {
		return append(dst, tagTrue)
	}
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Bool, Null:
		return dst
	case Map:
		return Encode(dst, v.fields)
	case List:
		dst = binary.AppendUvarint(dst, uint64(len(v.elems)))
		for _, e := range v.elems {
			dst = encodeValue(dst, e)
		}
		return dst
	case StringSet, NumberSet, BinarySet:
		dst = binary.AppendUvarint(dst, uint64(len(v.elems)))
		for _, e := range v.elems {
			dst = encodeScalar(dst, e)
		}
		return dst
	}
	return encodeScalar(dst, v)
}

func encodeScalar(dst []byte, v Value) []byte {
	if v.kind == Number {
		return appendKeyNumber(dst, v.num)
	}
	return encodeText(dst, v.str)
}

// Encoded is an item in its storage form. From a string nothing is copied: the
// decoded values share its bytes.
type Encoded interface{ ~string | ~[]byte }

// Decode reads what Encode wrote. Anything else is ErrCorrupt.
func Decode[E Encoded](b E) (Item, error) {
	d := decoder{s: string(b)}
	it := d.item()
	if d.bad || d.at != len(d.s) {
		return nil, ErrCorrupt
	}
	return it, nil
}

// DecodeAttr reads one top-level attribute without building the others, and
// tells whether the item has it.
func DecodeAttr[E Encoded](b E, name string) (Value, bool, error) {
	d := decoder{s: string(b)}
	for range d.count() {
		found := d.text() == name
		if found {
			v := d.value()
			return v, !d.bad, d.err()
		}
		d.skip()
	}
	return Value{}, false, d.err()
}

// decoder reads the storage form. It never reads beyond the end: after an
// error, bad is set and all reads are empty.
type decoder struct {
	s   string
	at  int
	bad bool
}

func (d *decoder) err() error {
	if d.bad {
		return ErrCorrupt
	}
	return nil
}

func (d *decoder) fail() { d.bad, d.at = true, len(d.s) }

func (d *decoder) byte() byte {
	if d.at >= len(d.s) {
		d.fail()
		return 0
	}
	c := d.s[d.at]
	d.at++
	return c
}

// count reads a length, which no sound encoding has beyond the bytes left.
func (d *decoder) count() int {
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		c := d.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if n > uint64(len(d.s)-d.at) {
				break
			}
			return int(n)
		}
	}
	d.fail()
	return 0
}

func (d *decoder) text() string {
	n := d.count()
	s := d.s[d.at : d.at+n]
	d.at += n
	return s
}

func (d *decoder) item() Item {
	n := d.count()
	it := make(Item, n)
	last := ""
	for i := range n {
		name := d.text()
		if i > 0 && name <= last {
			d.fail() // Encode sorts them
		}
		it[name] = d.value()
		if d.bad {
			return nil
		}
		last = name
	}
	return it
}

func (d *decoder) value() Value {
	tag := d.byte()
	switch kind := Kind(tag); kind {
	case Kind(tagTrue):
		return BoolValue(true)
	case Bool, Null:
		return Value{kind: kind}
	case Map:
		return Value{kind: Map, fields: d.item()}
	case List:
		return Value{kind: List, elems: d.elems((*decoder).value)}
	case StringSet, NumberSet, BinarySet:
		v := Value{kind: kind, elems: d.elems(func(d *decoder) Value { return d.scalar(kind.element()) })}
		if !ascending(v.elems) {
			d.fail()
		}
		return v
	case String, Number, Binary:
		return d.scalar(kind)
	}
	d.fail()
	return Value{}
}

// ascending reports whether members are in the order of a set, each once.
func ascending(members []Value) bool {
	for i := 1; i < len(members); i++ {
		if compareScalars(members[i-1], members[i]) >= 0 {
			return false
		}
	}
	return true
}

func (d *decoder) elems(read func(*decoder) Value) []Value {
	n := d.count()
	vs := make([]Value, 0, n)
	for range n {
		vs = append(vs, read(d))
		if d.bad {
			return nil
		}
	}
	return vs
}

func (d *decoder) scalar(kind Kind) Value {
	if kind == Number {
		return N(d.number())
	}
	return Value{kind: kind, str: d.text()}
}

func (d *decoder) number() Decimal {
	class := d.byte()
	if class == keyZero {
		return Decimal{}
	}
	if class != keyPositive && class != keyNegative {
		d.fail()
		return Decimal{}
	}
	var flip byte
	if class == keyNegative {
		flip = 0xff
	}
	exp := int(d.byte()^flip) + MinExponent
	var coef digits
	for i := 0; ; i += 2 {
		c := d.byte() ^ flip
		if d.bad || c == 0 {
			break
		}
		if c > 100 || i >= MaxDigits {
			d.fail()
			break
		}
		coef[i], coef[i+1] = (c-1)/10, (c-1)%10
	}
	if coef[0] == 0 {
		d.fail()
	}
	return pack(&coef, exp, flip != 0)
}

// skip passes over a value.
func (d *decoder) skip() {
	switch kind := Kind(d.byte()); kind {
	case Bool, Null, Kind(tagTrue):
	case Map:
		for range d.count() {
			d.text()
			d.skip()
		}
	case List:
		for range d.count() {
			d.skip()
		}
	case StringSet, NumberSet, BinarySet:
		for range d.count() {
			d.scalar(kind.element())
		}
	case String, Number, Binary:
		d.scalar(kind)
	default:
		d.fail()
	}
}

// AppendEncodedJSON appends the wire JSON of an encoded item to dst, as
// AppendJSON of the decoded one does, without building it.
func AppendEncodedJSON[E Encoded](dst []byte, b E) ([]byte, error) {
	d := decoder{s: string(b)}
	dst = d.appendItem(dst)
	return dst, d.err()
}

func (d *decoder) appendItem(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range d.count() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendText(dst, d.text())
		dst = append(dst, ':')
		dst = d.appendValue(dst)
		if d.bad {
			return dst
		}
	}
	return append(dst, '}')
}

func (d *decoder) appendValue(dst []byte) []byte {
	kind := Kind(d.byte())
	flag := kind == Kind(tagTrue)
	if flag {
		kind = Bool
	}
	dst = appendTag(dst, kind)
	switch kind {
	case Bool:
		dst = strconv.AppendBool(dst, flag)
	case Null:
		dst = append(dst, "true"...)
	case Map:
		dst = d.appendItem(dst)
	case List:
		dst = d.appendElems(dst, d.appendValue)
	case StringSet, NumberSet, BinarySet:
		dst = d.appendElems(dst, func(dst []byte) []byte { return appendScalar(dst, d.scalar(kind.element())) })
	case String, Number, Binary:
		dst = appendScalar(dst, d.scalar(kind))
	default:
		d.fail()
	}
	return append(dst, '}')
}

func (d *decoder) appendElems(dst []byte, element func([]byte) []byte) []byte {
	dst = append(dst, '[')
	for i := range d.count() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst = element(dst); d.bad {
			return dst
		}
	}
	return append(dst, ']')
}
