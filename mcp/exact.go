package mcp

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"

	"daybook/events"
)

// exactly is the greatest integer up to which float64 holds all.
const exactly = 1 << 53

// exact writes JSON with every integer beyond 2^53, either way, as text.
func exact(text jsontext.Value) (jsontext.Value, error) {
	var out bytes.Buffer
	d, e := jsontext.NewDecoder(bytes.NewReader(text)), jsontext.NewEncoder(&out)
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), nil
		}
		if err != nil {
			return nil, err
		}
		if token.Kind() == '0' && lossy(token.String()) {
			token = jsontext.String(token.String())
		}
		if err := e.WriteToken(token); err != nil {
			return nil, err
		}
	}
}

// lossy reports whether a number is an integer that float64 may not hold.
func lossy(number string) bool {
	if strings.ContainsAny(number, ".eE") {
		return false
	}
	n, ok := new(big.Int).SetString(number, 10)
	return ok && n.CmpAbs(big.NewInt(exactly)) > 0
}

// rounded returns an integer of an argument that its client may have rounded, "" for
// none.
func rounded(text jsontext.Value) string {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return ""
		}
		if token.Kind() == '0' && lossy(token.String()) {
			return token.String()
		}
	}
}

// integer is an argument that is an integer, or one as text.
type integer int64

const integerSchema = `"type":["integer","string"],"pattern":"^[0-9]+$"`

// UnmarshalJSON reads the integer.
func (n *integer) UnmarshalJSON(text []byte) error {
	digits := strings.Trim(string(text), `"`)
	value, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || value < 0 {
		return events.Errorf(events.CodeMalformed, "%.40s is not an integer of at least 0", text)
	}
	if text[0] != '"' && value > exactly {
		return events.Errorf(events.CodeMalformed, "%s may have been rounded on its way: write an integer beyond 2^53 as text", digits)
	}
	*n = integer(value)
	return nil
}
