package view

import (
	"cmp"
	"strconv"
	"strings"
)

// decimal is an exact number: 0.digits × 10^exp, the digits without zeros at
// either end. The zero decimal is 0.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// parseDecimal reads a number in JSON's notation.
func parseDecimal(s string) (decimal, bool) {
	rest, neg := strings.CutPrefix(s, "-")
	mantissa, exponent, hasExp := cutAny(rest, "eE")
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	if !allDigits(whole) || (len(whole) > 1 && whole[0] == '0') || (hasPoint && !allDigits(fraction)) {
		return decimal{}, false
	}
	exp := 0
	if hasExp {
		unsigned := strings.TrimLeft(exponent, "+-")
		if !allDigits(unsigned) || len(exponent)-len(unsigned) > 1 || len(unsigned) > 6 {
			return decimal{}, false
		}
		exp, _ = strconv.Atoi(exponent)
	}
	digits := whole + fraction
	trimmed := strings.TrimLeft(digits, "0")
	exp += len(whole) - (len(digits) - len(trimmed))
	trimmed = strings.TrimRight(trimmed, "0")
	if trimmed == "" {
		return decimal{}, true
	}
	return decimal{neg: neg, digits: trimmed, exp: exp}, true
}

func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func (d decimal) compare(o decimal) int {
	if d.sign() != o.sign() {
		return cmp.Compare(d.sign(), o.sign())
	}
	c := cmp.Compare(d.exp, o.exp)
	if c == 0 || d.digits == "" {
		c = strings.Compare(d.digits, o.digits)
	}
	return c * d.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// String writes the number in the one way that equal numbers share, in JSON's
// notation: plain up to 38 places, with an exponent beyond.
func (d decimal) String() string {
	sign := ""
	if d.neg {
		sign = "-"
	}
	n := len(d.digits)
	switch {
	case n == 0:
		return "0"
	case d.exp > 38 || d.exp < -6:
		s := sign + d.digits[:1]
		if n > 1 {
			s += "." + d.digits[1:]
		}
		return s + "e" + strconv.Itoa(d.exp-1)
	case d.exp >= n:
		return sign + d.digits + strings.Repeat("0", d.exp-n)
	case d.exp > 0:
		return sign + d.digits[:d.exp] + "." + d.digits[d.exp:]
	}
	return sign + "0." + strings.Repeat("0", -d.exp) + d.digits
}

// The greatest and the least positive number that DynamoDB can keep (Amazon
// DynamoDB Developer Guide, "Naming rules and data types", Number), and how many
// digits.
var (
	greatestNumber = decimal{digits: strings.Repeat("9", maxDigits), exp: 126}
	leastNumber    = decimal{digits: "1", exp: -129}
)

const maxDigits = 38

// storable reports whether DynamoDB can keep the number: up to 38 digits, from
// 1e-130 to below 1e126.
func (d decimal) storable() bool {
	return d.digits == "" || len(d.digits) <= maxDigits && d.exp <= greatestNumber.exp && d.exp >= leastNumber.exp
}

// nearestStorable is the number, or the one that stands for it where DynamoDB
// can't keep it; exact is false when it may stand for several. Of two numbers
// the greater never has the lesser one.
func (d decimal) nearestStorable() (n decimal, exact bool) {
	switch {
	case d.digits == "":
		return d, true
	case d.exp > greatestNumber.exp:
		n = greatestNumber
	case d.exp < leastNumber.exp:
		n = leastNumber
	case len(d.digits) > maxDigits:
		n = decimal{digits: strings.TrimRight(d.digits[:maxDigits], "0"), exp: d.exp}
	default:
		return d, d.digits != leastNumber.digits || d.exp != leastNumber.exp
	}
	n.neg = d.neg
	return n, false
}
