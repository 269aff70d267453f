package decimal

import "strings"

// The limits of a number in DynamoDB (Amazon DynamoDB Developer Guide, "Naming
// rules and data types", Number). Exponents are those of the first digit.
const (
	MaxDigits   = 38
	MaxExponent = 125
	MinExponent = -130
)

// Storable reports whether DynamoDB can keep d: up to 38 digits, from 1e-130 to
// below 1e126.
func (d Decimal) Storable() bool {
	e := d.Exponent()
	return d.digits == "" || len(d.digits) <= MaxDigits && e <= MaxExponent && e >= MinExponent
}

// NearestStorable is d, or the number that stands for it where DynamoDB can't keep
// it; exact is false when the result may stand for several numbers. Of two numbers
// the greater never has the lesser result.
func (d Decimal) NearestStorable() (n Decimal, exact bool) {
	n = Decimal{negative: d.negative, digits: d.digits, exp: d.exp}
	switch e := d.Exponent(); {
	case d.digits == "":
		return d, true
	case e > MaxExponent:
		n.digits, n.exp = strings.Repeat("9", MaxDigits), MaxExponent+1
	case e < MinExponent:
		n.digits, n.exp = "1", MinExponent+1
	case len(d.digits) > MaxDigits:
		n.digits = strings.TrimRight(d.digits[:MaxDigits], "0")
	default:
		return d, d.digits != "1" || e != MinExponent
	}
	return n, false
}

// StoredSize is what DynamoDB charges for d, in bytes: 1, one for each pair of
// digits from the decimal point that is needed to write it, and one for a minus
// sign. 105 has two pairs, and so has 1050.
func (d Decimal) StoredSize() int {
	if d.digits == "" {
		return 1
	}
	count := len(d.digits)
	if d.Exponent()%2 == 0 {
		count++ // the first digit has a pair of its own
	}
	return 1 + (count+1)/2 + len(d.sign())
}
