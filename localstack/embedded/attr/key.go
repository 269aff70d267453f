package attr

// Bytes of the key form. A number is a class byte, an exponent byte, pairs of
// digits plus 1, and an end byte; all but the class inverted if negative.
const (
	keyNegative = 0x01
	keyZero     = 0x02
	keyPositive = 0x03

	keyEnd    = 0x00 // ends a string or binary
	keyEscape = 0x01 // before a 0x00 or 0x01 of it, which becomes 0x01 or 0x02
)

// AppendKey appends an order-preserving form of a String, Number or Binary to
// dst: bytes.Compare of two keys of one type is DynamoDB's order (strings by
// UTF-8 bytes, numbers by value, binaries by unsigned bytes). No key is a prefix
// of another, so a hash key and a range key can follow each other. A value of
// another type appends nothing.
func AppendKey(dst []byte, v Value) []byte {
	switch v.kind {
	case String, Binary:
		return append(AppendKeyPrefix(dst, v), keyEnd)
	case Number:
		return appendKeyNumber(dst, v.num)
	}
	return dst
}

// AppendKeyPrefix appends what the keys of all strings (or binaries) that begin
// with v begin with: the range of a begins_with. A value of another type
// appends nothing.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	if v.kind != String && v.kind != Binary {
		return dst
	}
	for i := range len(v.str) {
		c := v.str[i]
		if c <= keyEscape {
			dst = append(dst, keyEscape, c+1)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func appendKeyNumber(dst []byte, n Decimal) []byte {
	if n.IsZero() {
		return append(dst, keyZero)
	}
	var flip byte
	class := byte(keyPositive)
	if n.neg {
		class, flip = keyNegative, 0xff
	}
	dst = append(dst, class, byte(int(n.exp)-MinExponent)^flip)
	var d digits
	n.unpack(&d)
	last := MaxDigits
	for d[last-1] == 0 {
		last--
	}
	for i := 0; i < last; i += 2 {
		dst = append(dst, (d[i]*10+d[i+1]+1)^flip)
	}
	return append(dst, flip)
}
