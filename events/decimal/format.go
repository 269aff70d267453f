package decimal

import (
	"math"
	"strconv"
	"strings"
)

// String writes d in the one way that equal numbers share, in JSON's notation, as
// stored index keys have it: plain from 1e-7 to below 1e38, as 1.5e40 beyond.
func (d Decimal) String() string {
	if d.exp <= 38 && d.exp >= -6 {
		return string(AppendPlain(nil, d.negative, d.digits, int(d.exp)-1))
	}
	s := d.sign() + d.digits[:1]
	if len(d.digits) > 1 {
		s += "." + d.digits[1:]
	}
	return s + "e" + strconv.FormatInt(d.exp-1, 10)
}

func (d Decimal) sign() string {
	if d.negative {
		return "-"
	}
	return ""
}

// AppendPlain appends ±d.ddd × 10^exponent to dst without an exponent. digits has
// no zeros at either end; when it is empty the number is 0.
func AppendPlain[T ~string | ~[]byte](dst []byte, negative bool, digits T, exponent int) []byte {
	if negative {
		dst = append(dst, '-')
	}
	whole := exponent + 1 // digits before the point
	switch {
	case len(digits) == 0:
		return append(dst, '0')
	case whole >= len(digits):
		dst = append(dst, digits...)
		return append(dst, strings.Repeat("0", whole-len(digits))...)
	case whole > 0:
		dst = append(append(dst, digits[:whole]...), '.')
		return append(dst, digits[whole:]...)
	}
	dst = append(append(dst, "0."...), strings.Repeat("0", -whole)...)
	return append(dst, digits...)
}

// Canonical writes a JSON number in the one way that all spellings of it share, as
// the digests of commands have it: 5.0 as 5, 1e3 as 1000, 1.50 as 1.5, exactly.
// Integers in plain digits stay as they are. With more than 40 zeros at either end
// the form is 0.15e101. text follows the grammar of JSON.
//
// It is not String: keys are stored in that form, and digests of this one.
func Canonical(text string) string {
	const zeros = 40
	d, _ := Parse(text)
	count := int64(len(d.digits))
	switch {
	case count == 0:
		return "0"
	case d.exp > math.MaxInt64/4 || d.exp < -math.MaxInt64/4:
		return text // an exponent that is not held exactly
	case d.exp >= -zeros && d.exp-count <= zeros:
		return string(AppendPlain(nil, d.negative, d.digits, int(d.exp)-1))
	}
	return d.sign() + "0." + d.digits + "e" + strconv.FormatInt(d.exp, 10)
}
