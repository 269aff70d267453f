package schema_test

import (
	"encoding/json/jsontext"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"daybook/events/schema"
)

func TestCanonicalNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"-0": "0", "5.0": "5", "1e3": "1000", "-1.50": "-1.5", "0.05": "0.05", "1e-3": "0.001", "123456789012345678901234567890": "123456789012345678901234567890",
		"1.5e100": "0.15e101", "1e-100": "0.1e-99", "1e9223372036854775807": "1e9223372036854775807",
	} {
		if got := schema.CanonicalNumber(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

// Two numbers have the same canonical form when they are equal as fractions,
// and never else.
func TestCanonicalNumberIsExact(t *testing.T) {
	t.Parallel()
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,45})?([eE][+-]?[0-9]{1,2})?`)
	value := func(text string) *big.Rat {
		r, _ := new(big.Rat).SetString(text)
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if rapid.Bool().Draw(t, "respell") {
			b = schema.CanonicalNumber(a)
		}
		x, y := schema.CanonicalNumber(a), schema.CanonicalNumber(b)
		if !jsontext.Value(x).IsValid() || value(x).Cmp(value(a)) != 0 {
			t.Fatalf("%s became %s", a, x)
		}
		if (x == y) != (value(a).Cmp(value(b)) == 0) {
			t.Fatalf("%s became %s, %s became %s", a, x, b, y)
		}
	})
}
