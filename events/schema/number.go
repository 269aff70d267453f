package schema

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// number is a JSON number, compared exactly: 0.digits times ten to the power of
// exp. A number far beyond float64 costs no more than its text.
type number struct {
	text     string // as it was written
	negative bool
	digits   string // without leading or trailing zeros; "" is zero
	exp      int64
}

// parseNumber reads text, which follows the grammar of JSON numbers.
func parseNumber(text string) number {
	n := number{text: text}
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return n
	}
	n.exp = int64(len(whole)) - int64(len(whole+fraction)-len(digits))
	n.digits = strings.TrimRight(digits, "0")
	n.negative = negative
	if exponent != "" {
		e, _ := strconv.ParseInt(exponent, 10, 64) // its limits when out of range
		const far = math.MaxInt64 / 2
		n.exp += min(max(e, -far), far)
	}
	return n
}

// mustNumber reads a number that the program wrote itself.
func mustNumber(text string) *number {
	n := parseNumber(text)
	return &n
}

// CanonicalNumber writes a JSON number in the one way that all spellings of it
// share: 5.0 as 5, 1e3 as 1000, 1.50 as 1.5, exactly, however many digits it
// has. Integers in plain digits stay as they are. Beyond 40 places before or
// behind the point the form has an exponent. text follows the grammar of JSON.
func CanonicalNumber(text string) string {
	const places = 40
	n := parseNumber(text)
	sign, count := "", int64(len(n.digits))
	if n.negative {
		sign = "-"
	}
	switch {
	case count == 0:
		return "0"
	case n.exp > math.MaxInt64/4 || n.exp < -math.MaxInt64/4:
		return text // an exponent that is not held exactly
	case n.exp >= count && n.exp-count <= places:
		return sign + n.digits + strings.Repeat("0", int(n.exp-count))
	case n.exp > 0 && n.exp < count:
		return sign + n.digits[:n.exp] + "." + n.digits[n.exp:]
	case n.exp <= 0 && n.exp >= -places:
		return sign + "0." + strings.Repeat("0", int(-n.exp)) + n.digits
	}
	return sign + "0." + n.digits + "e" + strconv.FormatInt(n.exp, 10)
}

// isInteger reports whether the number has no fraction.
func (n *number) isInteger() bool { return n.exp >= int64(len(n.digits)) }

// integer writes an integer that fits 64 bits with digits alone.
func (n *number) integer() string {
	if n.digits == "" {
		return "0"
	}
	s := n.digits + strings.Repeat("0", int(n.exp)-len(n.digits))
	if n.negative {
		return "-" + s
	}
	return s
}

// key is the same text for all spellings of one number.
func (n *number) key() string { return fmt.Sprint(n.negative, n.digits, n.exp) }

func (n *number) compare(m *number) int {
	if s := cmp.Compare(n.sign(), m.sign()); s != 0 || n.sign() == 0 {
		return s
	}
	c := cmp.Or(cmp.Compare(n.exp, m.exp), cmp.Compare(n.digits, m.digits))
	if n.negative {
		return -c
	}
	return c
}

func (n *number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}
