package decimal_test

import (
	"encoding/json/jsontext"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daybook/events/decimal"
)

func TestString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0e5": "0", "1.0": "1", "1e2": "100", "1E+2": "100", "100e-2": "1", "-1.50": "-1.5",
		"0.001": "0.001", "1e-7": "0.0000001", "1e-8": "1e-8", "1.25e40": "1.25e40", "9223372036854775807": "9223372036854775807",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678", "1e9999999": "1e9999999",
	} {
		d, ok := decimal.Parse(text)
		if !ok || d.String() != want {
			t.Errorf("%s is %s, %v", text, d, ok)
		}
		if again, ok := decimal.Parse(d.String()); !ok || again != d {
			t.Errorf("%s comes back as %s", d, again)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "-", ".", "a", "1a", "1e", "1e+", "1e+-1", "0x1", "1_0", "NaN", "1 ", "1.2.3", "--1", "1e1e1"} {
		if d, ok := decimal.Parse(text); ok {
			t.Errorf("%q is taken for %s", text, d)
		}
		if d, ok := decimal.ParseLoose(text); ok {
			t.Errorf("%q is loosely taken for %s", text, d)
		}
	}
	for text, want := range map[string]string{"+1": "1", "01": "1", "1.": "1", ".5": "0.5", "-00.50": "-0.5"} {
		if d, ok := decimal.Parse(text); ok {
			t.Errorf("%q is taken for %s", text, d)
		}
		if d, ok := decimal.ParseLoose(text); !ok || d.String() != want {
			t.Errorf("%q is loosely %s, %v", text, d, ok)
		}
	}
}

// JSON's numbers, near the limits of what is stored and of the forms.
var numbers = rapid.OneOf(
	rapid.StringMatching(`-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`),
	rapid.StringMatching(`-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,45})?([eE][+-]?[0-9]{1,3})?`),
	rapid.StringMatching(`-?(0|[1-9]0{0,50})(\.0{0,50}[0-9]{1,5})?([eE][+-]?(1[23][0-9]|[0-9]{1,2}))?`),
)

func value(text string) *big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return r
}

// Numbers are read, ordered and written as fractions are, and both forms are the
// same text for equal numbers only.
func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		if rapid.Bool().Draw(t, "respell") {
			b = decimal.Canonical(a)
		}
		x, okX := decimal.Parse(a)
		y, okY := decimal.Parse(b)
		if loose, ok := decimal.ParseLoose(a); !okX || !okY || !ok || loose != x {
			t.Fatalf("%s or %s is refused", a, b)
		}
		want := value(a).Cmp(value(b))
		if x.Compare(y) != want || x.Sign() != value(a).Sign() || x.IsInteger() != value(a).IsInt() || (x == y) != (want == 0) {
			t.Fatalf("%s is %s, %s is %s", a, x, b, y)
		}
		for _, form := range [][2]string{{x.String(), y.String()}, {decimal.Canonical(a), decimal.Canonical(b)}} {
			if !jsontext.Value(form[0]).IsValid() || value(form[0]).Cmp(value(a)) != 0 || (form[0] == form[1]) != (want == 0) {
				t.Fatalf("%s became %s, %s became %s", a, form[0], b, form[1])
			}
		}
		n, exact := x.NearestStorable()
		m, _ := y.NearestStorable()
		if !n.Storable() || x.Storable() && n != x || exact && n != x || want*n.Compare(m) < 0 {
			t.Fatalf("%s is kept as %s (%t), %s as %s", x, n, exact, y, m)
		}
	})
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"-0": "0", "5.0": "5", "1e3": "1000", "-1.50": "-1.5", "0.05": "0.05", "1e-3": "0.001", "123456789012345678901234567890": "123456789012345678901234567890",
		"1.5e100": "0.15e101", "1e-100": "0.1e-99", "1e9223372036854775807": "1e9223372036854775807", "1e-9223372036854775808": "1e-9223372036854775808",
		"1e40": "1" + strings.Repeat("0", 40), "1e41": "0.1e42", "1e-41": "0." + strings.Repeat("0", 40) + "1", "1e-42": "0.1e-41",
	} {
		if got := decimal.Canonical(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	nines := strings.Repeat("9", 38)
	for text, nearest := range map[string]string{
		"1e125": "1e125", "1e126": "9." + nines[1:] + "e125", "-1e200": "-9." + nines[1:] + "e125",
		"1.5e-130": "1.5e-130", "1e-131": "1e-130", "-1e-131": "-1e-130", nines: nines, nines + "9": "9." + nines[1:] + "e38",
	} {
		d, _ := decimal.Parse(text)
		n, exact := d.NearestStorable()
		if n.String() != nearest || exact != (text == nearest) || d.Storable() != exact {
			t.Errorf("%s is kept as %s, %t", text, n, exact)
		}
	}
	least, _ := decimal.Parse("1e-130")
	if n, exact := least.NearestStorable(); n != least || exact || !least.Storable() {
		t.Errorf("%s is kept as %s, %t: it also stands for smaller numbers", least, n, exact)
	}
	for text, want := range map[string]int{"0": 1, "1": 2, "105": 3, "1050": 3, "-1": 3, "0.5": 2, "12.5": 3, nines: 20} {
		if d, _ := decimal.Parse(text); d.StoredSize() != want {
			t.Errorf("%s takes %d bytes, want %d", text, d.StoredSize(), want)
		}
	}
	if d := decimal.FromInt(-1 << 63); d.String() != "-9223372036854775808" {
		t.Error(d)
	}
}
