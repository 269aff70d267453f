package dynamo

import (
	"errors"
	"strconv"
	"strings"
)

// What a DynamoDB number can be (Developer Guide, "Naming rules and data
// types"): up to 38 significant digits, from 1E-130 to 9.99…E+125.
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// A number is written out where its first digit stands up to 38 places before
// the point or 7 behind it; beyond, it is written 1.5e40. It is how package view
// writes numbers.
const (
	plainBelow = 38
	plainFrom  = -7
)

var errNumber = errors.New("a number has at most 38 significant digits and lies between 1e-130 and 1e126")

// number is an exact decimal number: ±d.ddd × 10^exponent, where digits has
// neither leading nor trailing zeros. Zero has no digits and no sign.
type number struct {
	negative bool
	digits   string
	exponent int // of the first digit
}

// parseNumber reads a number in JSON's notation, and the few spellings beyond
// it that DynamoDB answers with (an exponent's E, a plus).
func parseNumber(text string) (number, error) {
	mantissa, negative := strings.CutPrefix(text, "-")
	exponent := 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		e, err := strconv.Atoi(mantissa[i+1:])
		if err != nil {
			return number{}, errNumber
		}
		mantissa, exponent = mantissa[:i], e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number{}, errNumber
	}
	first := len(digits) - len(strings.TrimLeft(digits, "0"))
	digits = strings.Trim(digits, "0")
	if digits == "" {
		return number{}, nil
	}
	n := number{negative: negative, digits: digits, exponent: exponent + len(whole) - 1 - first}
	if len(digits) > maxDigits || n.exponent > maxExponent || n.exponent < minExponent {
		return number{}, errNumber
	}
	return n, nil
}

// String writes the number in the one way that equal numbers share. It is JSON,
// and DynamoDB reads it.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	sign := ""
	if n.negative {
		sign = "-"
	}
	last := n.exponent - len(n.digits) + 1 // exponent of the last digit
	switch {
	case n.exponent >= plainBelow || n.exponent < plainFrom:
		s := sign + n.digits[:1]
		if len(n.digits) > 1 {
			s += "." + n.digits[1:]
		}
		return s + "e" + strconv.Itoa(n.exponent)
	case last >= 0:
		return sign + n.digits + strings.Repeat("0", last)
	case n.exponent < 0:
		return sign + "0." + strings.Repeat("0", -n.exponent-1) + n.digits
	}
	return sign + n.digits[:n.exponent+1] + "." + n.digits[n.exponent+1:]
}

// storedSize is what DynamoDB charges for the number, in bytes: 1, one for each
// pair of digits from the decimal point that is needed to write it, and one for
// a minus sign. 105 has two pairs, and so has 1050.
func (n number) storedSize() int {
	if n.digits == "" {
		return 1
	}
	count := len(n.digits)
	if n.exponent%2 == 0 {
		count++ // the first digit has a pair of its own
	}
	size := 1 + (count+1)/2
	if n.negative {
		size++
	}
	return size
}
