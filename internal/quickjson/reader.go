package quickjson

import (
	"encoding/json/jsontext"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Reader reads one JSON text from its beginning. A method that reports false has
// declined: the reader is of no use any more. It is not for concurrent use.
type Reader struct {
	s     string
	i     int
	depth int
}

// New returns a reader of s; ok is false when s holds control characters, such
// as line feeds between values, or is not UTF-8.
func New(s string) (r Reader, ok bool) {
	ascii := byte(0)
	for i := range len(s) {
		if s[i] < ' ' {
			return Reader{}, false
		}
		ascii |= s[i]
	}
	return Reader{s: s}, ascii < utf8.RuneSelf || utf8.ValidString(s)
}

// maxDepth is how deep values may be nested.
const maxDepth = 100

// Deeper counts a level of nesting in, Shallower out; Deeper reports false for a level
// too many.
func (r *Reader) Deeper() bool {
	r.depth++
	return r.depth <= maxDepth
}

// Shallower ends a level of nesting.
func (r *Reader) Shallower() { r.depth-- }

// End reports whether everything was read.
func (r *Reader) End() bool { return r.i == len(r.s) }

// Len is the number of bytes that are still to be read.
func (r *Reader) Len() int { return len(r.s) - r.i }

// Peek is the next byte, 0 at the end.
func (r *Reader) Peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

// Rest counts the bytes c that are still to be read.
func (r *Reader) Rest(c byte) int { return strings.Count(r.s[r.i:], string(rune(c))) }

// Eat reads the byte c, if it is the next.
func (r *Reader) Eat(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

// Object reads an object; member reads the value of each member.
func (r *Reader) Object(member func(name string) bool) bool {
	if !r.Eat('{') {
		return false
	}
	if r.Eat('}') {
		return true
	}
	for {
		name, ok := r.Text()
		if !ok || !r.Eat(':') || !member(name) {
			return false
		}
		if !r.Eat(',') {
			return r.Eat('}')
		}
	}
}

// Array reads an array; element reads each element.
func (r *Reader) Array(element func() bool) bool {
	if !r.Eat('[') {
		return false
	}
	if r.Eat(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !r.Eat(',') {
			return r.Eat(']')
		}
	}
}

// Text reads a string. Without escapes it is a part of what is read.
func (r *Reader) Text() (string, bool) {
	if !r.Eat('"') {
		return "", false
	}
	end := strings.IndexByte(r.s[r.i:], '"')
	if end < 0 {
		return "", false
	}
	v := r.s[r.i : r.i+end]
	if strings.IndexByte(v, '\\') < 0 {
		r.i += end + 1
		return v, true
	}
	return r.escaped()
}

// escaped reads the string that begins before r.i.
func (r *Reader) escaped() (string, bool) {
	begin := r.i - 1
	if !r.quoted() {
		return "", false
	}
	v, err := jsontext.AppendUnquote(nil, r.s[begin:r.i])
	return string(v), err == nil
}

// quoted moves behind the string that begins before r.i.
func (r *Reader) quoted() bool {
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case '\\':
			r.i += 2
		case '"':
			r.i++
			return true
		default:
			r.i++
		}
	}
	return false
}

// Bool reads true or false.
func (r *Reader) Bool() (v, ok bool) {
	for _, v := range []bool{true, false} {
		if r.word(strconv.FormatBool(v)) {
			return v, true
		}
	}
	return false, false
}

// Null reads null.
func (r *Reader) Null() bool { return r.word("null") }

func (r *Reader) word(word string) bool {
	if !strings.HasPrefix(r.s[r.i:], word) {
		return false
	}
	r.i += len(word)
	return true
}

// Number reads what may be a number.
func (r *Reader) Number() string {
	begin := r.i
	for r.i < len(r.s) && isNumeric[r.s[r.i]] {
		r.i++
	}
	return r.s[begin:r.i]
}

var isNumeric = func() (set [256]bool) {
	for _, c := range []byte("+-.0123456789Ee") {
		set[c] = true
	}
	return set
}()

// Float reads a number.
func (r *Reader) Float() (float64, bool) {
	text := r.Number()
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && IsNumber(text)
}

// IsNumber reports whether a text of digits, signs, points and exponents is a number
// in JSON.
func IsNumber(text string) bool {
	if whole := strings.TrimPrefix(text, "-"); whole == "0" || whole != "" && whole[0] != '0' && isDigits(whole) {
		return true
	}
	return jsontext.Value(text).IsValid()
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// Value reads any value and returns its text.
func (r *Reader) Value() (string, bool) {
	begin := r.i
	ok := r.skip()
	if !ok {
		return "", false
	}
	return r.s[begin:r.i], true
}

func (r *Reader) skip() bool {
	switch r.Peek() {
	case '"':
		begin := r.i
		r.i++
		if !r.quoted() {
			return false
		}
		text := r.s[begin:r.i]
		return strings.IndexByte(text, '\\') < 0 || jsontext.Value(text).IsValid()
	case '{', '[':
		if !r.Deeper() {
			return false
		}
		ok := false
		if r.Peek() == '{' {
			ok = r.Object(func(string) bool { return r.skip() })
		} else {
			ok = r.Array(r.skip)
		}
		r.Shallower()
		return ok
	case 't', 'f':
		_, ok := r.Bool()
		return ok
	case 'n':
		return r.Null()
	}
	return IsNumber(r.Number())
}

// Valid reports whether v is one JSON value, compact or not. It does not look for
// duplicate names.
func Valid(v jsontext.Value) bool {
	r, ok := New(string(v))
	if ok = ok && r.skip() && r.End(); ok {
		return true
	}
	return v.IsValid()
}
