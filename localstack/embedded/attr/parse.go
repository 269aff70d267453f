package attr

import (
	"bytes"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// MaxName is the longest name of an attribute, in bytes.
const MaxName = 1<<16 - 1

// CheckName returns DynamoDB's text about a name that no attribute can have, ""
// for a good one.
func CheckName(name string) string {
	switch {
	case name == "":
		return "Empty attribute name"
	case len(name) > MaxName:
		return "Attribute name is too large, must be less than 65536 bytes"
	}
	return ""
}

// MaxDepth is how deep maps and lists nest: an attribute of an item is at
// level 1, an element of it at level 2 and so on (AWS, "Service, account, and
// table quotas": nested attribute depth).
const MaxDepth = 32

const (
	msgEmptyValue  = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	msgManyTypes   = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	msgDepth       = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	msgParam       = "One or more parameter values were invalid: "
	msgEmptySS     = msgParam + "An string set  may not be empty"
	msgEmptyNS     = msgParam + "An number set  may not be empty"
	msgEmptyBS     = msgParam + "Binary sets should not be empty"
	msgDuplicateNS = "Input collection contains duplicates"
	msgStart       = "Start of structure or map found where not expected"
	msgNullFalse   = msgParam + "Null attribute value types must have the value of true"
	msgBadBase64   = "Invalid last non-pad Base64 character dectected"
)

// ParseItem reads the wire JSON of an item: {"name":{"S":"text"}, …}. A
// *SerializationError is JSON of the wrong shape, a *ValidationError a value
// that DynamoDB refuses; the first in the text is reported, a wrong shape
// before any refused value.
func ParseItem(json []byte) (Item, error) {
	if it, ok := quickItem(json); ok {
		return it, nil
	}
	return parseItem(json)
}

func parseItem(json []byte) (Item, error) {
	p := newParser(json)
	defer p.free()
	it, err := p.item(1)
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	return it, nil
}

// parser reads wire JSON. Its methods return errors of shape at once and keep
// the first refused value in refused.
type parser struct {
	dec     *jsontext.Decoder
	src     bytes.Reader
	name    string // the top-level attribute being read
	refused *ValidationError
}

var parsers = sync.Pool{New: func() any {
	p := &parser{}
	p.dec = jsontext.NewDecoder(&p.src)
	return p
}}

func newParser(json []byte) *parser {
	p := parsers.Get().(*parser)
	p.src.Reset(json)
	p.dec.Reset(&p.src)
	p.name, p.refused = "", nil
	return p
}

func (p *parser) free() {
	p.src.Reset(nil)
	parsers.Put(p)
}

// refuse keeps the first refused value.
func (p *parser) refuse(message string) {
	if p.refused == nil {
		p.refused = &ValidationError{Message: message, Name: p.name}
	}
}

// end returns the refused value, or an error if more JSON follows.
func (p *parser) end() error {
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed("Unexpected token received from parser")
	}
	if p.refused != nil {
		return p.refused
	}
	return nil
}

func (p *parser) token() (jsontext.Token, error) {
	t, err := p.dec.ReadToken()
	if err != nil {
		return t, malformed("Unexpected token received from parser")
	}
	return t, nil
}

// open reads the start of an object (or array), with the error that DynamoDB
// gives for a scalar and for the other kind of structure.
func (p *parser) open(want jsontext.Kind, scalar, structure string) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case want:
		return nil
	case '{', '[':
		return malformed(structure)
	}
	return malformed(scalar)
}

// more tells whether the open object or array has another element, and closes
// it if not.
func (p *parser) more() (bool, error) {
	switch p.dec.PeekKind() {
	case '}', ']':
		_, err := p.token()
		return false, err
	}
	return true, nil
}

// item reads a map of attribute names to values that are at the given level.
func (p *parser) item(level int) (Item, error) {
	err := p.open('{', "Unexpected field type",
		"Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>")
	if err != nil {
		return nil, err
	}
	it := Item{}
	for {
		more, err := p.more()
		if err != nil || !more {
			return it, err
		}
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		name := t.String()
		if level == 1 {
			p.name = name
		}
		if problem := CheckName(name); problem != "" {
			p.refuse(problem)
		}
		if it[name], err = p.value(level); err != nil {
			return nil, err
		}
	}
}

// value reads {"S":…}. A type whose JSON is null counts as absent.
func (p *parser) value(level int) (Value, error) {
	err := p.open('{', "Unexpected value type in payload",
		"Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue")
	if err != nil {
		return Value{}, err
	}
	if level > MaxDepth {
		p.refuse(msgDepth)
		if level > 4*MaxDepth {
			return Value{}, p.refused // deep enough: do not follow hostile JSON
		}
	}
	var v Value
	types := 0
	for {
		more, err := p.more()
		if err != nil {
			return Value{}, err
		}
		if !more {
			break
		}
		got, err := p.typed(level)
		if err != nil {
			return Value{}, err
		}
		if got.kind != 0 {
			v = got
			types++
		}
	}
	switch {
	case types == 0:
		p.refuse(msgEmptyValue)
	case types > 1:
		p.refuse(msgManyTypes)
	}
	return v, nil
}

// typed reads a type's name and its content. It returns the zero Value for an
// unknown type, which DynamoDB ignores, and for a null.
func (p *parser) typed(level int) (Value, error) {
	t, err := p.token()
	if err != nil {
		return Value{}, err
	}
	kind, known := KindOf(t.String())
	if !known || p.dec.PeekKind() == 'n' {
		if err := p.dec.SkipValue(); err != nil {
			return Value{}, malformed("Unexpected token received from parser")
		}
		return Value{}, nil
	}
	switch kind {
	case String, Number, Binary:
		return p.scalar(kind)
	case Bool, Null:
		return p.boolean(kind)
	case Map:
		fields, err := p.item(level + 1)
		return Value{kind: Map, fields: fields}, err
	case List:
		elems, err := p.list(func() (Value, error) { return p.value(level + 1) })
		return Value{kind: List, elems: elems}, err
	}
	elems, err := p.list(func() (Value, error) { return p.scalar(kind.element()) })
	if err != nil {
		return Value{}, err
	}
	return p.set(kind, elems), nil
}

// list reads an array.
func (p *parser) list(element func() (Value, error)) ([]Value, error) {
	if err := p.open('[', "Unexpected field type", msgStart); err != nil {
		return nil, err
	}
	elems := []Value{}
	for {
		more, err := p.more()
		if err != nil || !more {
			return elems, err
		}
		v, err := element()
		if err != nil {
			return nil, err
		}
		elems = append(elems, v)
	}
}

// scalar reads the content of an S, N or B.
func (p *parser) scalar(kind Kind) (Value, error) {
	t, err := p.token()
	if err != nil {
		return Value{}, err
	}
	if t.Kind() != '"' {
		return Value{}, notString(kind, t)
	}
	s := t.String()
	switch kind {
	case Number:
		n, err := ParseNumber(s)
		if refused, ok := errors.AsType[*ValidationError](err); ok {
			p.refuse(refused.Message)
		}
		return N(n), nil
	case Binary:
		b, err := decodeBase64(s)
		return Value{kind: Binary, str: b}, err
	}
	return S(s), nil
}

func decodeBase64(s string) (string, error) {
	if len(s)%4 != 0 {
		return "", malformed("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(s)))
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return "", malformed(msgBadBase64)
	}
	return string(b), nil
}

// notString is the error for a JSON token where a string of the type is due.
func notString(kind Kind, t jsontext.Token) error {
	class := "String"
	switch t.Kind() {
	case 't', 'f', '0':
		if kind == Binary {
			return malformed("only base-64-encoded strings are convertible to bytes")
		}
		return malformed(tokenName(t) + " cannot be converted to String")
	case '[':
		if kind == Binary {
			return malformed("Unrecognized collection type class java.nio.ByteBuffer")
		}
		return malformed("Unrecognized collection type class java.lang." + class)
	}
	return malformed(msgStart)
}

// tokenName is how DynamoDB's parser calls a scalar JSON token.
func tokenName(t jsontext.Token) string {
	switch t.Kind() {
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	case '"':
		return "STRING_VALUE"
	}
	if strings.ContainsAny(t.String(), ".eE") {
		return "DECIMAL_VALUE"
	}
	return "NUMBER_VALUE"
}

// boolean reads the content of a BOOL or NULL. DynamoDB takes the strings true,
// 1, yes and their opposites too.
func (p *parser) boolean(kind Kind) (Value, error) {
	t, err := p.token()
	if err != nil {
		return Value{}, err
	}
	var b bool
	switch t.Kind() {
	case 't', 'f':
		b = t.Bool()
	case '"':
		switch strings.ToUpper(t.String()) {
		case "TRUE", "1", "YES":
			b = true
		case "FALSE", "0", "NO":
		default:
			return Value{}, malformed("Unexpected token received from parser")
		}
	case '[':
		return Value{}, malformed("Unrecognized collection type class java.lang.Boolean")
	case '{':
		return Value{}, malformed(msgStart)
	default:
		return Value{}, malformed(tokenName(t) + " cannot be converted to Boolean")
	}
	if kind == Null {
		if !b {
			p.refuse(msgNullFalse)
		}
		return NullValue(), nil
	}
	return BoolValue(b), nil
}

// set makes a set of elems, which it sorts, and refuses an empty one and
// duplicates.
func (p *parser) set(kind Kind, elems []Value) Value {
	if len(elems) == 0 {
		switch kind {
		case StringSet:
			p.refuse(msgEmptySS)
		case NumberSet:
			p.refuse(msgEmptyNS)
		default:
			p.refuse(msgEmptyBS)
		}
	}
	if sorted := newSet(kind, slices.Clone(elems)); len(sorted.elems) == len(elems) {
		return sorted
	}
	switch kind {
	case NumberSet:
		p.refuse(msgDuplicateNS)
	case StringSet:
		p.refuse(msgParam + "Input collection " + members(elems) + " contains duplicates.")
	default:
		p.refuse(msgParam + "Input collection " + members(elems) + "of type BS contains duplicates.")
	}
	return Value{kind: kind, elems: elems}
}

// members writes a collection as DynamoDB does in a message.
func members(elems []Value) string {
	texts := make([]string, len(elems))
	for i, e := range elems {
		texts[i] = e.str
		if e.kind == Binary {
			texts[i] = base64.StdEncoding.EncodeToString([]byte(e.str))
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
