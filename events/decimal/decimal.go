package decimal

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// Decimal is an exact number. Equal numbers are ==, and there is no negative zero.
// The zero Decimal is 0.
type Decimal struct {
	negative bool
	digits   string // without zeros at either end; "" is zero
	exp      int64  // the value is 0.digits × 10^exp
}

// far bounds the exponents that are held exactly; beyond, they are held as far.
const far = math.MaxInt64 / 2

// Parse reads a number in JSON's notation; ok is false for any other text.
func Parse(text string) (d Decimal, ok bool) {
	p, ok := split(text)
	if !ok || text[0] == '+' || p.whole == "" || len(p.whole) > 1 && p.whole[0] == '0' || p.point && p.fraction == "" {
		return Decimal{}, false
	}
	return p.decimal(), true
}

// ParseLoose reads a number as DynamoDB does: beside JSON's notation a plus sign,
// leading zeros, and a point with digits on one side only.
func ParseLoose(text string) (d Decimal, ok bool) {
	p, ok := split(text)
	return p.decimal(), ok
}

// parts are the parts of a number's text.
type parts struct {
	negative, point           bool
	whole, fraction, exponent string
}

// split takes a text apart; ok is false when it is not a number in any notation.
func split(text string) (p parts, ok bool) {
	rest := text
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		p.negative = rest[0] == '-'
		rest = rest[1:]
	}
	i := strings.IndexByte(rest, 'e')
	if i < 0 {
		i = strings.IndexByte(rest, 'E')
	}
	if i >= 0 {
		rest, p.exponent = rest[:i], rest[i+1:]
		unsigned := p.exponent
		if unsigned != "" && (unsigned[0] == '-' || unsigned[0] == '+') {
			unsigned = unsigned[1:]
		}
		if unsigned == "" || !onlyDigits(unsigned) {
			return parts{}, false
		}
	}
	p.whole, p.fraction, p.point = strings.Cut(rest, ".")
	if p.whole == "" && p.fraction == "" || !onlyDigits(p.whole) || !onlyDigits(p.fraction) {
		return parts{}, false
	}
	return p, true
}

func onlyDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (p parts) decimal() Decimal {
	digits := trimZeros(p.whole)
	exp := int64(len(digits))
	if digits != "" {
		digits += p.fraction
	} else if digits = trimZeros(p.fraction); digits != "" {
		exp = int64(len(digits) - len(p.fraction))
	} else {
		return Decimal{}
	}
	if p.exponent != "" {
		e, _ := strconv.ParseInt(p.exponent, 10, 64) // the nearest int64 when out of range
		exp += min(max(e, -far), far)
	}
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return Decimal{negative: p.negative, digits: digits, exp: exp}
}

// trimZeros leaves out the zeros before the first other digit.
func trimZeros(digits string) string {
	for digits != "" && digits[0] == '0' {
		digits = digits[1:]
	}
	return digits
}

// FromInt returns i.
func FromInt(i int64) Decimal {
	d, _ := Parse(strconv.FormatInt(i, 10))
	return d
}

// Digits returns the significant digits, without zeros at either end; "" for 0.
func (d Decimal) Digits() string { return d.digits }

// Exponent is the power of ten of the first significant digit: 2 for 105, -1 for
// 0.5. 0 has none.
func (d Decimal) Exponent() int64 { return d.exp - 1 }

// IsInteger reports whether d has no fraction.
func (d Decimal) IsInteger() bool { return d.exp >= int64(len(d.digits)) }

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// Compare is -1, 0 or 1 as d is less than, equal to or greater than o.
func (d Decimal) Compare(o Decimal) int {
	if c := cmp.Compare(d.Sign(), o.Sign()); c != 0 || d.digits == "" {
		return c
	}
	return d.Sign() * cmp.Or(cmp.Compare(d.exp, o.exp), strings.Compare(d.digits, o.digits))
}
