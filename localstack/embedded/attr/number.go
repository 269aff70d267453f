package attr

import (
	"cmp"
	"math/big"
	"strconv"

	"daybook/events/decimal"
)

// Limits of a number; exponents are those of the first digit.
const (
	MaxDigits   = decimal.MaxDigits
	MaxExponent = decimal.MaxExponent
	MinExponent = decimal.MinExponent
)

const (
	msgOverflow  = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	msgUnderflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	msgDigits    = "Attempting to store more than 38 significant digits in a Number"
	msgNotNumber = "The parameter cannot be converted to a numeric value"
)

// limbDigits is the number of decimal digits in one half of a coefficient.
const limbDigits = 19

// Decimal is an exact DynamoDB number: at most 38 significant digits, the first
// one at a decimal exponent from -130 to 125. It is normalized, so two equal
// numbers are == and 1.0 is 1; there is no negative zero. The zero Decimal is 0.
// Text is read and written by package decimal; this form has a fixed size and no
// pointer, which keys in memory, sums and the log on disk need.
type Decimal struct {
	// hi and lo are the first and the second 19 of 38 digits, the very first
	// one not 0 (unless the number is 0).
	hi, lo uint64
	// exp is the decimal exponent of the first digit.
	exp int16
	neg bool
}

// digits is a coefficient, one digit a byte, padded with zeros at its end.
type digits [MaxDigits]byte

// DecimalFromInt returns the number i.
func DecimalFromInt(i int64) Decimal {
	d, err := ParseNumber(strconv.FormatInt(i, 10))
	if err != nil {
		return Decimal{} // cannot happen: 19 digits
	}
	return d
}

// ParseNumber reads a number as DynamoDB does: an optional sign, digits with an
// optional point, an optional exponent. A *ValidationError has DynamoDB's text
// for a text that is not a number, is out of range, or has more than 38 significant digits
// (leading and trailing zeros do not count).
func ParseNumber(s string) (Decimal, error) {
	if s == "" {
		return Decimal{}, invalid(msgNotNumber)
	}
	n, ok := decimal.ParseLoose(s)
	exp := n.Exponent()
	switch {
	case !ok:
		return Decimal{}, invalid(msgNotNumber + ": " + s)
	case n.Sign() == 0:
		return Decimal{}, nil
	case exp > MaxExponent:
		return Decimal{}, invalid(msgOverflow)
	case exp < MinExponent:
		return Decimal{}, invalid(msgUnderflow)
	case len(n.Digits()) > MaxDigits:
		return Decimal{}, invalid(msgDigits)
	}
	var coef digits
	for i, c := range []byte(n.Digits()) {
		coef[i] = c - '0'
	}
	return pack(&coef, int(exp), n.Sign() < 0), nil
}

// pack makes a number of digits.
func pack(d *digits, exp int, neg bool) Decimal {
	n := Decimal{exp: int16(exp), neg: neg}
	for i := range limbDigits {
		n.hi = n.hi*10 + uint64(d[i])
		n.lo = n.lo*10 + uint64(d[limbDigits+i])
	}
	return n
}

// unpack writes the 38 digits of n into d.
func (n Decimal) unpack(d *digits) {
	hi, lo := n.hi, n.lo
	for i := limbDigits - 1; i >= 0; i-- {
		d[i], hi = byte(hi%10), hi/10
		d[limbDigits+i], lo = byte(lo%10), lo/10
	}
}

// IsZero tells whether n is 0.
func (n Decimal) IsZero() bool { return n.hi == 0 }

// Sign returns -1, 0 or 1.
func (n Decimal) Sign() int {
	switch {
	case n.hi == 0:
		return 0
	case n.neg:
		return -1
	}
	return 1
}

// Neg returns -n.
func (n Decimal) Neg() Decimal {
	n.neg = !n.neg && n.hi != 0
	return n
}

// Cmp returns -1, 0 or 1 as n is less than, equal to or greater than m.
func (n Decimal) Cmp(m Decimal) int {
	if c := cmp.Compare(n.Sign(), m.Sign()); c != 0 || n.hi == 0 {
		return c
	}
	c := n.cmpMagnitude(m)
	if n.neg {
		return -c
	}
	return c
}

func (n Decimal) cmpMagnitude(m Decimal) int {
	return cmp.Or(cmp.Compare(n.exp, m.exp), cmp.Compare(n.hi, m.hi), cmp.Compare(n.lo, m.lo))
}

// Add returns the exact sum, or a *ValidationError if it does not fit into a
// number.
func (n Decimal) Add(m Decimal) (Decimal, error) {
	if n.IsZero() {
		return m, nil
	}
	if m.IsZero() {
		return n, nil
	}
	if a, ok := n.smallInt(); ok {
		if b, ok := m.smallInt(); ok {
			return DecimalFromInt(a + b), nil
		}
	}
	if n.exp < m.exp {
		n, m = m, n
	}
	shift := int64(n.exp) - int64(m.exp)
	if shift > MaxDigits {
		return Decimal{}, invalid(msgDigits)
	}
	sum := n.scaled()
	sum.Mul(sum, new(big.Int).Exp(big.NewInt(10), big.NewInt(shift), nil)).Add(sum, m.scaled())
	return ParseNumber(sum.String() + "e" + strconv.Itoa(int(m.exp)-MaxDigits+1))
}

// scaled is the number without its exponent, an integer of 38 digits.
func (n Decimal) scaled() *big.Int {
	i := new(big.Int).SetUint64(n.hi)
	i.Mul(i, new(big.Int).SetUint64(1e19)).Add(i, new(big.Int).SetUint64(n.lo))
	if n.neg {
		i.Neg(i)
	}
	return i
}

// Sub returns the exact difference n - m, with the errors of Add.
func (n Decimal) Sub(m Decimal) (Decimal, error) { return n.Add(m.Neg()) }

// coefficient returns the significant digits as text, without trailing zeros.
func (n Decimal) coefficient(buf *[MaxDigits]byte) []byte {
	var d digits
	n.unpack(&d)
	last := 0
	for i := range buf {
		buf[i] = '0' + d[i]
		if d[i] != 0 {
			last = i
		}
	}
	return buf[:last+1]
}

// String returns the number as DynamoDB writes it: plain decimal notation,
// never an exponent.
func (n Decimal) String() string { return string(n.Append(nil)) }

// Append appends the text of String to dst.
func (n Decimal) Append(dst []byte) []byte {
	if n.IsZero() {
		return append(dst, '0')
	}
	if i, ok := n.smallInt(); ok {
		return strconv.AppendInt(dst, i, 10)
	}
	var buf [MaxDigits]byte
	return decimal.AppendPlain(dst, n.neg, n.coefficient(&buf), int(n.exp))
}

// smallInt returns the number if it is an integer of at most 18 digits, the
// common case, which is written much faster.
func (n Decimal) smallInt() (int64, bool) {
	if n.lo != 0 || n.exp < 0 || n.exp >= limbDigits-1 {
		return 0, false
	}
	unit := pow10[limbDigits-1-n.exp]
	if n.hi%unit != 0 {
		return 0, false
	}
	i := int64(n.hi / unit)
	if n.neg {
		i = -i
	}
	return i, true
}

// Int64 returns the number if it is an integer that fits into 18 digits.
func (n Decimal) Int64() (int64, bool) { return n.smallInt() }

var pow10 = [limbDigits]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
