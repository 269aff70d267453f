package attr

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustNumber(t testing.TB, s string) Decimal {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return n
}

func TestParseNumber(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "0e999": "0", "00": "0", ".0": "0", "+0": "0",
		"1": "1", "1.0": "1", "1.": "1", "+1": "1", ".5": "0.5", "-.5": "-0.5", "0042.1200": "42.12", "100": "100", "1e2": "100", "1E+2": "100",
		"1.5E2": "150", "123e-2": "1.23", "-1e-3": "-0.001", "10e-1": "1", "0.000": "0", "5000000000": "5000000000",
		nines: nines, "-" + nines: "-" + nines, "0." + nines: "0." + nines, nines + "000": nines + "000", "000" + nines + ".000": nines,
		"1e125": "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1",
		"9.9999999999999999999999999999999999999E+125": nines + strings.Repeat("0", 88),
		"1000000000000000000":                          "1000000000000000000", "12345678901234567890": "12345678901234567890",
		"1" + strings.Repeat("0", 200) + "e-200": "1",
	} {
		if got := mustNumber(t, in).String(); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func TestParseNumberErrors(t *testing.T) {
	t.Parallel()
	const digits39 = "123456789012345678901234567890123456789"
	for in, want := range map[string]string{
		"": msgNotNumber, "b": msgNotNumber + ": b", "1x": msgNotNumber + ": 1x", ".": msgNotNumber + ": .", "-": msgNotNumber + ": -",
		"1e": msgNotNumber + ": 1e", "1e+": msgNotNumber + ": 1e+", "1e1.5": msgNotNumber + ": 1e1.5", "1.2.3": msgNotNumber + ": 1.2.3", " 1": msgNotNumber + ":  1", "1 ": msgNotNumber + ": 1 ",
		"NaN": msgNotNumber + ": NaN", "Infinity": msgNotNumber + ": Infinity", "0x10": msgNotNumber + ": 0x10", "١": msgNotNumber + ": ١",
		"1e126": msgOverflow, "-1e126": msgOverflow, "1e999999999999999999999": msgOverflow, "10e125": msgOverflow,
		"1e-131": msgUnderflow, "-1e-131": msgUnderflow, "0.1e-130": msgUnderflow, "1e-999999999999999999999": msgUnderflow,
		digits39: msgDigits, "0." + digits39: msgDigits, "1." + strings.Repeat("0", 37) + "1": msgDigits,
	} {
		_, err := ParseNumber(in)
		refused, ok := err.(*ValidationError)
		if !ok || refused.Message != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
}

// anyNumber draws numbers of all sizes, near and far from each other.
func anyNumber() *rapid.Generator[Decimal] {
	return rapid.Custom(func(t *rapid.T) Decimal {
		var digits [MaxDigits]byte
		count := rapid.SampledFrom([]int{0, 1, 2, 18, 19, 20, 37, 38}).Draw(t, "digits")
		for i := range digits[:count] {
			digits[i] = rapid.SampledFrom([]byte("0159")).Draw(t, "digit")
		}
		text := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign") + "0" + string(digits[:count])
		exp := rapid.SampledFrom([]string{"", "e-1", "e2", "e-19", "e40", "e-60", "e88", "e-130"}).Draw(t, "exponent")
		n, err := ParseNumber(text + exp)
		if err != nil {
			return Decimal{}
		}
		return n
	})
}

func ratOf(t interface{ Fatalf(string, ...any) }, n Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		t.Fatalf("%s is not a number", n)
	}
	return r
}

// TestNumberArithmetic compares with math/big: a result is exact, or refused
// because it does not fit.
func TestNumberArithmetic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyNumber().Draw(t, "a"), anyNumber().Draw(t, "b")
		x, y := ratOf(t, a), ratOf(t, b)
		if got, want := a.Cmp(b), x.Cmp(y); got != want {
			t.Fatalf("%s <=> %s is %d, want %d", a, b, got, want)
		}
		if (a == b) != (a.Cmp(b) == 0) {
			t.Fatalf("%s == %s disagrees with Cmp", a, b)
		}
		if a.Sign() != x.Sign() {
			t.Fatalf("sign of %s is %d", a, a.Sign())
		}
		sum, err := a.Add(b)
		checkResult(t, sum, err, new(big.Rat).Add(x, y))
		difference, err := a.Sub(b)
		checkResult(t, difference, err, new(big.Rat).Sub(x, y))
	})
}

func checkResult(t *rapid.T, got Decimal, err error, want *big.Rat) {
	fits, parseErr := ParseNumber(want.FloatString(200))
	if (err == nil) != (parseErr == nil) {
		t.Fatalf("got %s and error %v, want %s (%v)", got, err, want.FloatString(200), parseErr)
	}
	if err == nil && got != fits {
		t.Fatalf("%s, want %s", got, fits)
	}
}

func TestNumberAdd(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	for _, test := range []struct{ a, b, want string }{
		{"0.1", "0.2", "0.3"},
		{nines, "1", "1" + strings.Repeat("0", 38)},
		{nines, "0", nines},
		{"1", "-1", "0"},
		{"1e38", "-1", nines},
		{"9007199254740993", "1", "9007199254740994"}, // beyond float64
		{"1e38", "1", ""},                             // 39 digits
		{"1e125", "1e-130", ""},
		{"9.9e125", "9.9e125", ""},
		{"1.1e-130", "-1e-130", ""}, // 1e-131
	} {
		sum, err := mustNumber(t, test.a).Add(mustNumber(t, test.b))
		if test.want == "" {
			if err == nil {
				t.Errorf("%s + %s is %s, want an error", test.a, test.b, sum)
			}
			continue
		}
		if err != nil || sum.String() != test.want {
			t.Errorf("%s + %s is %s (%v), want %s", test.a, test.b, sum, err, test.want)
		}
	}
}

func TestInt64(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"0": 0, "-7": -7, "1e3": 1000, "999999999999999999": 999999999999999999} {
		if got, ok := mustNumber(t, in).Int64(); !ok || got != want {
			t.Errorf("%s is %d %v", in, got, ok)
		}
	}
	for _, in := range []string{"0.5", "1.5", "1e18", "1234567890123456789012", "-1e-9"} {
		if got, ok := mustNumber(t, in).Int64(); ok {
			t.Errorf("%s is %d", in, got)
		}
	}
	if n := DecimalFromInt(-1 << 63); n.String() != "-9223372036854775808" {
		t.Error(n)
	}
}

// TestNumberSize has the sizes measured on DynamoDB by the item-size limit
// (public conformance captures of August 2026), and pairs of digits at the
// decimal point beyond them.
func TestNumberSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"0": 1, "-0": 1, "1": 2, "12": 2, "123": 3, "1234": 3, "12345678901234567890123456789012345678": 20,
		"0042": 2, "100": 2, "1010": 3, "0.0000001": 2, "1E125": 2, "1E-100": 2, "1.5": 3, "15": 2, "1.2": 3, "1.200": 3,
		"1.234": 4, "3.14159": 5, "123456": 4, "100.5": 4, "0.15": 2, "-42": 3,
	} {
		if got := N(mustNumber(t, in)).Size(); got != want {
			t.Errorf("%s has %d bytes, want %d", in, got, want)
		}
	}
}
