package schema

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"daybook/events"
	"daybook/personal"
)

// MaxViolations is the largest number of violations that are listed for one
// value, so that an answer stays small whatever was sent.
const MaxViolations = 100

// Validate returns every violation in raw, in the order of the text, and nil
// when raw is what the schema says; after MaxViolations it stops. A path is a
// JSON pointer that begins with at: "/payload/lines/0/quantity". Text that is
// not JSON ends the list.
func (s *Schema) Validate(raw jsontext.Value, at string) []events.Field {
	return s.validate(raw, at).violations
}

func (s *Schema) validate(raw jsontext.Value, at string) *validator {
	v := &validator{raw: raw, at: at, dec: jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))}
	err := v.value(s)
	if err == nil {
		_, err = v.dec.ReadToken()
		if err == io.EOF {
			return v
		}
		if err == nil {
			v.fail(at, "trailing data")
			return v
		}
	}
	v.broken(err)
	return v
}

// validator walks one JSON text. Its methods return the error that ends the
// walk and note the others.
type validator struct {
	raw        jsontext.Value
	dec        *jsontext.Decoder
	at         string
	violations []events.Field
	respelled  []integerSpelling
	marked     [][2]int // where valid personal values are
}

// integerSpelling is an integer that is written as Go does not read it: 1.0 or 1e2.
type integerSpelling struct {
	from, to int // in the text
	digits   string
}

var errEnough = errors.New("enough violations")

// broken notes the error that ended the walk.
func (v *validator) broken(err error) {
	if errors.Is(err, errEnough) {
		return
	}
	f := Unreadable(v.at, err)
	v.fail(f.Path, f.Message)
}

// maxDepth is how deep objects and arrays of a value may be nested. Package jsontext
// reads 10,000 levels; what is stored and answered puts some around a value.
const maxDepth = 1000

// tooDeep is the message about a value that is nested deeper.
func tooDeep() string { return fmt.Sprintf("is nested deeper than %d levels", maxDepth) }

// Unreadable is the violation of the text at a path that jsontext could not read,
// by its error: not JSON, or nested too deeply.
func Unreadable(at string, err error) events.Field {
	pointer, offset := "", int64(0)
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		pointer, offset = string(e.JSONPointer), e.ByteOffset
	}
	if strings.Count(pointer, "/") >= maxDepth {
		member, _, _ := strings.Cut(pointer[1:], "/")
		return events.Field{Path: at + "/" + member, Message: tooDeep()}
	}
	return events.Field{Path: at + pointer, Message: fmt.Sprintf("is not valid JSON (at byte %d)", offset)}
}

// here is the path of the value that was read last.
func (v *validator) here() string { return v.at + string(v.dec.StackPointer()) }

func (v *validator) fail(path, message string) {
	if len(v.violations) < MaxViolations {
		v.violations = append(v.violations, events.Field{Path: path, Message: message})
	}
}

// failHere notes a violation of the value that was read last.
func (v *validator) failHere(message string) { v.fail(v.here(), message) }

func (v *validator) value(s *Schema) error {
	if len(v.violations) == MaxViolations {
		return errEnough
	}
	k := v.dec.PeekKind()
	if k == jsontext.KindNull && s.nullable {
		return v.dec.SkipValue()
	}
	if s.personal {
		return v.personal(s, k)
	}
	return v.unmarked(s, k)
}

// personal reads a value of a marked type. One that this program carries was checked
// when it came.
func (v *validator) personal(s *Schema, k jsontext.Kind) error {
	from := int(v.dec.InputOffset())
	from += len(v.raw[from:]) - len(bytes.TrimLeft(v.raw[from:], " \t\r\n,:"))
	switch raw := v.raw[from:]; {
	case personal.IsCarrier(raw):
		return v.dec.SkipValue()
	case personal.IsReserved(raw):
		if err := v.dec.SkipValue(); err != nil {
			return err
		}
		v.failHere("must not begin as encrypted values do")
		return nil
	}
	before := len(v.violations)
	if err := v.unmarked(s, k); err != nil || len(v.violations) > before {
		return err
	}
	v.marked = append(v.marked, [2]int{from, int(v.dec.InputOffset())})
	return nil
}

// unmarked reads a value that is not null, or may not be.
func (v *validator) unmarked(s *Schema, k jsontext.Kind) error {
	switch {
	case s.kind == kindAny:
		return v.any()
	case s.kind == kindObject && k == jsontext.KindBeginObject:
		return v.object(s)
	case s.kind == kindMap && k == jsontext.KindBeginObject:
		return v.mapping(s)
	case s.kind == kindArray && k == jsontext.KindBeginArray:
		return v.array(s)
	case (s.kind == kindString || s.kind == kindTime) && k == jsontext.KindString:
		return v.text(s)
	case (s.kind == kindInteger || s.kind == kindNumber) && k == jsontext.KindNumber:
		return v.number(s)
	case s.kind == kindBool && (k == jsontext.KindTrue || k == jsontext.KindFalse):
		return v.dec.SkipValue()
	}
	if err := v.dec.SkipValue(); err != nil {
		return err
	}
	if k == jsontext.KindNull {
		v.failHere("must not be null")
	} else {
		v.failHere("must be " + s.kind.noun())
	}
	return nil
}

func (v *validator) object(s *Schema) error {
	seen := make([]bool, len(s.fields))
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	var unknown map[string]bool
	for v.dec.PeekKind() == jsontext.KindString {
		name, err := v.dec.ReadToken()
		if err != nil {
			return err
		}
		i, known := s.byName[name.String()]
		switch {
		case !known && unknown[name.String()] || known && seen[i]:
			v.failHere("duplicate field")
		case known:
			seen[i] = true
			if err := v.value(s.fields[i].schema); err != nil {
				return err
			}
			continue
		default:
			v.failHere("unknown field")
			if unknown == nil {
				unknown = map[string]bool{}
			}
			unknown[name.String()] = true
		}
		if err := v.skip(); err != nil {
			return err
		}
	}
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	for i, f := range s.fields {
		if f.required && !seen[i] {
			v.fail(v.here()+"/"+f.name, "is required")
		}
	}
	return nil
}

// skip passes over a value whose name was refused.
func (v *validator) skip() error {
	if len(v.violations) == MaxViolations {
		return errEnough
	}
	return v.dec.SkipValue()
}

func (v *validator) mapping(s *Schema) error {
	seen := map[string]bool{}
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	for v.dec.PeekKind() == jsontext.KindString {
		name, err := v.dec.ReadToken()
		if err != nil {
			return err
		}
		if seen[name.String()] {
			v.failHere("duplicate field")
			if err := v.skip(); err != nil {
				return err
			}
			continue
		}
		seen[name.String()] = true
		if err := v.value(s.elem); err != nil {
			return err
		}
	}
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	v.length(s, len(seen), "member", "members")
	return nil
}

func (v *validator) array(s *Schema) error {
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	n := 0
	seen := map[string]bool{}
	for ; ; n++ {
		k := v.dec.PeekKind()
		if k == jsontext.KindEndArray || k == jsontext.KindInvalid {
			break
		}
		from := v.dec.InputOffset()
		if err := v.value(s.elem); err != nil {
			return err
		}
		if s.unique {
			key := elementKey(v.raw[from:v.dec.InputOffset()])
			if seen[key] {
				v.failHere("duplicate element")
			}
			seen[key] = true
		}
	}
	if _, err := v.dec.ReadToken(); err != nil {
		return err
	}
	v.length(s, n, "element", "elements")
	return nil
}

// elementKey is the same for equal scalars; text is an element and what stands
// before it.
func elementKey(text jsontext.Value) string {
	value := jsontext.Value(bytes.TrimLeft(text, ", \t\r\n"))
	switch value.Kind() {
	case jsontext.KindNumber:
		return parseNumber(string(value)).String()
	case jsontext.KindString:
		s, _ := jsontext.AppendUnquote(nil, value)
		return `"` + string(s)
	}
	return string(value)
}

func (v *validator) length(s *Schema, n int, one, many string) {
	noun := func(n int) string {
		if n == 1 {
			return "1 " + one
		}
		return strconv.Itoa(n) + " " + many
	}
	switch {
	case n < s.minLen && n == 0 && s.minLen == 1:
		v.failHere("must not be empty")
	case n < s.minLen:
		v.failHere("must have at least " + noun(s.minLen))
	case s.maxLen >= 0 && n > s.maxLen:
		v.failHere("must have at most " + noun(s.maxLen))
	}
}

func (v *validator) text(s *Schema) error {
	token, err := v.dec.ReadToken()
	if err != nil {
		return err
	}
	text := token.String()
	v.length(s, utf8.RuneCountInString(text), "character", "characters")
	if s.notBlank && strings.TrimSpace(text) == "" {
		v.failHere("must not be blank")
	}
	if f := s.format; f != nil && (utf8.RuneCountInString(text) > f.maxLen || !f.valid(text)) {
		v.failHere("must be " + f.noun)
	}
	if s.pattern != nil && !s.pattern.match(text) {
		v.failHere("must match " + s.pattern.text)
	}
	v.oneOf(s, text)
	return nil
}

// any reads a value of which nothing is known but that it is JSON without
// duplicate names in an object.
func (v *validator) any() error {
	raw, err := v.dec.ReadValue()
	if err != nil {
		return err
	}
	if depthOf(raw) > maxDepth {
		v.failHere(tooDeep())
		return nil
	}
	_, err = jsontext.NewDecoder(bytes.NewBuffer(raw)).ReadValue()
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		v.fail(v.here()+string(e.JSONPointer), "duplicate field")
	}
	return nil
}

// depthOf is how deep objects and arrays are nested in valid JSON.
func depthOf(raw jsontext.Value) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func (v *validator) oneOf(s *Schema, text string) {
	if s.enum != nil && !slices.Contains(s.enum, text) {
		v.failHere("must be one of " + strings.Join(s.enum, ", "))
	}
}

func (v *validator) number(s *Schema) error {
	raw, err := v.dec.ReadValue()
	if err != nil {
		return err
	}
	n := parseNumber(string(raw))
	switch {
	case s.kind == kindInteger && !n.IsInteger():
		v.failHere("must be a whole number")
		return nil
	case n.Compare(s.min.Decimal) < 0:
		v.failHere("must be at least " + s.min.text)
		return nil
	case n.Compare(s.max.Decimal) > 0:
		v.failHere("must be at most " + s.max.text)
		return nil
	}
	if s.kind != kindInteger {
		return nil
	}
	digits := n.String()
	v.oneOf(s, digits)
	if digits != n.text {
		end := int(v.dec.InputOffset())
		v.respelled = append(v.respelled, integerSpelling{from: end - len(raw), to: end, digits: digits})
	}
	return nil
}
