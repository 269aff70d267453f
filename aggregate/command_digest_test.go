package aggregate

import (
	"encoding/hex"
	"testing"
)

// A repeat is the same command however its sender spells a number, and another
// one where a digit differs, also beyond what a float64 tells apart.
func TestDigestOfNumbers(t *testing.T) {
	t.Parallel()
	of := func(payload string) string {
		d := Command{Name: "restock", ID: "7", Payload: []byte(payload)}.Digest()
		return hex.EncodeToString(d[:])
	}
	for _, same := range [][]string{
		{`{"n":5}`, `{"n":5.0}`, `{"n":5.000}`, `{"n":5e0}`, `{"n":0.5e1}`, `{"n":50E-1}`, `{ "n" : 5 }`},
		{`{"n":1000}`, `{"n":1e3}`, `{"n":1E+3}`, `{"n":1000.0}`},
		{`{"n":0}`, `{"n":-0}`, `{"n":0.0}`, `{"n":0e9}`},
		{`{"n":-1.5}`, `{"n":-1.50}`, `{"n":-15e-1}`},
		{`{"n":9007199254740993}`, `{"n":9007199254740993.0}`, `{"n":9.007199254740993e15}`},
		{`{"a":[1,{"b":2}],"c":"5.0"}`, `{"c":"5.0","a":[1.0,{"b":2.0}]}`},
		{`{"n":1e400}`, `{"n":10e399}`},
	} {
		for _, spelled := range same[1:] {
			if of(spelled) != of(same[0]) {
				t.Errorf("%s is another command than %s", spelled, same[0])
			}
		}
	}
	for _, other := range [][2]string{
		{`{"n":9007199254740993}`, `{"n":9007199254740992}`},
		{`{"n":123456789012345678901234567890}`, `{"n":123456789012345678901234567891}`},
		{`{"n":0.1}`, `{"n":0.10000000000000000001}`},
		{`{"n":5}`, `{"n":"5"}`}, {`{"n":5}`, `{"n":-5}`}, {`{"s":"5.0"}`, `{"s":"5"}`}, {`{"n":12,"m":3}`, `{"n":1,"m":23}`},
		{`{"n":1e9223372036854775807}`, `{"n":1e9223372036854775806}`}, {`{"n":1e400}`, `{"n":1e401}`},
	} {
		if of(other[0]) == of(other[1]) {
			t.Errorf("%s is the same command as %s", other[0], other[1])
		}
	}
}

// The digest of a payload of integers and texts is stored in streams that are
// there already, and must stay.
func TestDigestStays(t *testing.T) {
	t.Parallel()
	d := Command{Name: "restock", ID: "7", Payload: []byte(`{"text":"\u00e9 \u2028 \" <&>","by":12345678901234567890,"list":[1,-2,true,null]}`)}.Digest()
	if got, want := hex.EncodeToString(d[:]), "2bafd358a35c466e"; got != want {
		t.Errorf("the digest is %s, was %s", got, want)
	}
}
