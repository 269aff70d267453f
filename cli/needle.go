package cli

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// needle is a value that is searched for, in every form in which it may be stored.
type needle struct {
	line   int      // of the values, from 1
	folded []string // forms in which case makes no difference
	exact  []string // base64, at each place that it may begin in
}

// leastBase64 is the least length of a value whose base64 is searched for, in bytes:
// that of a shorter one is found by chance.
const leastBase64 = 6

// newNeedle returns the forms of a value: as it is, as JSON writes it (also in ASCII),
// and inside base64 and inside JSON inside JSON.
func newNeedle(line int, value string) needle {
	n := needle{line: line}
	quoted, err := jsontext.AppendQuote(nil, value)
	forms := []string{value}
	if err == nil {
		once := string(quoted[1 : len(quoted)-1])
		twice, _ := jsontext.AppendQuote(nil, once)
		forms = append(forms, once, string(twice[1:len(twice)-1]), ascii(once))
	}
	for _, f := range forms {
		n.folded = appendNew(n.folded, strings.ToLower(f))
		for shift := range 3 {
			if len(f) < leastBase64 {
				break
			}
			n.exact = appendNew(n.exact, inBase64(f, shift))
		}
	}
	return n
}

func appendNew(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// inBase64 is what is always in the base64 of text that holds value behind shift bytes
// more than a multiple of three.
func inBase64(value string, shift int) string {
	whole := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + value))
	begin := []int{0, 2, 3}[shift]
	end := (shift + len(value)) * 8 / 6 // the digits that hold only bits of it
	return whole[begin:end]
}

// ascii writes JSON's text with escapes in place of other characters.
func ascii(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit < 0x80 {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// cut returns text with the value cut out.
func (n needle) cut(text string) string {
	const hidden = "…"
	folded := strings.ToLower(text)
	if !n.in(text, folded) {
		return text
	}
	if len(folded) != len(text) { // its places are others
		return hidden
	}
	for _, f := range n.folded {
		for at := strings.Index(folded, f); at >= 0; at = strings.Index(folded, f) {
			text, folded = text[:at]+hidden+text[at+len(f):], folded[:at]+hidden+folded[at+len(f):]
		}
	}
	for _, f := range n.exact {
		text = strings.ReplaceAll(text, f, hidden)
	}
	return text
}

// in reports whether text holds the value; folded is text in lower case.
func (n needle) in(text, folded string) bool {
	for _, f := range n.folded {
		if strings.Contains(folded, f) {
			return true
		}
	}
	for _, f := range n.exact {
		if strings.Contains(text, f) {
			return true
		}
	}
	return false
}
