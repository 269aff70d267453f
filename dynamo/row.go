package dynamo

import (
	"bytes"
	"encoding/binary"
	"encoding/json/jsontext"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A row is stored as attributes of the item, one for each member, so that it can
// be read and searched in the console: strings as S, numbers as N, true, false
// and null as BOOL and NULL, arrays as L, objects as M. Attributes have no
// order; that of the row's members is kept beside them in a few bytes.
//
// A row comes back byte for byte. One that can't (space between members, a
// number that is not written as number.String writes it, such as 1.50 or 1e3, a
// string with an escape that it does not need, 30 levels of nesting, an empty name
// or one over 64 KB) is stored as text, in the attribute attrRaw.

// maxAttributeName is how long an attribute's name may be, in bytes; the empty one
// is none.
const maxAttributeName = 65535

// maxDepth is how deep a row may nest to be stored as attributes; DynamoDB's
// limit is 32.
const maxDepth = 30

// errNotNative says that a row can't be stored as attributes.
var errNotNative = errors.New("the row is stored as text")

// attributeName is the name of the attribute of a row's member. Names that begin
// with an underscore are Daybook's own, and so is the key's.
func attributeName(member string) string {
	if member == attrKey || strings.HasPrefix(member, "_") {
		return "__" + member
	}
	return member
}

// memberName is the inverse of attributeName; ok is false for an attribute that
// is not a member of the row.
func memberName(attribute string) (member string, ok bool) {
	if rest, escaped := strings.CutPrefix(attribute, "__"); escaped {
		return rest, true
	}
	return attribute, attribute != attrKey && !strings.HasPrefix(attribute, "_")
}

// nativeRow returns the members of a row by their names, and their order, which
// is empty when they are sorted.
func nativeRow(row jsontext.Value) (members map[string]types.AttributeValue, order []byte, err error) {
	p := rowParser{decoder: jsontext.NewDecoder(bytes.NewBuffer(row))}
	v, err := p.value(0)
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.decoder.ReadToken(); err != io.EOF {
		return nil, nil, errNotNative
	}
	object, ok := v.(*types.AttributeValueMemberM)
	if !ok || len(object.Value) == 0 {
		return nil, nil, errNotNative
	}
	if p.shuffled {
		order = p.order
	}
	if text, err := rowText(object.Value, order); err != nil || !bytes.Equal(text, row) {
		return nil, nil, errNotNative
	}
	return object.Value, order, nil
}

// rowParser turns JSON into attribute values.
type rowParser struct {
	decoder  *jsontext.Decoder
	order    []byte // for every object of two or more members, in the order of the text
	shuffled bool   // the members of some object are not sorted
}

func (p *rowParser) value(depth int) (types.AttributeValue, error) {
	if depth > maxDepth {
		return nil, errNotNative
	}
	t, err := p.decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case jsontext.KindNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case jsontext.KindTrue, jsontext.KindFalse:
		return &types.AttributeValueMemberBOOL{Value: t.Bool()}, nil
	case jsontext.KindString:
		return &types.AttributeValueMemberS{Value: t.String()}, nil
	case jsontext.KindNumber:
		text := t.String()
		if n, err := parseNumber(text); err != nil || n.String() != text {
			return nil, errNotNative
		}
		return &types.AttributeValueMemberN{Value: text}, nil
	case jsontext.KindBeginArray:
		return p.array(depth)
	}
	return p.object(depth)
}

func (p *rowParser) array(depth int) (types.AttributeValue, error) {
	list := []types.AttributeValue{}
	for p.decoder.PeekKind() != jsontext.KindEndArray {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := p.decoder.ReadToken()
	return &types.AttributeValueMemberL{Value: list}, err
}

func (p *rowParser) object(depth int) (types.AttributeValue, error) {
	members := map[string]types.AttributeValue{}
	var names []string
	var inner []byte // the orders of the objects within
	outer := p.order
	p.order = nil
	for p.decoder.PeekKind() != jsontext.KindEndObject {
		t, err := p.decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		if name == "" || len(name) > maxAttributeName {
			return nil, errNotNative
		}
		if members[name], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	inner, p.order = p.order, outer
	if len(names) > 1 {
		sorted := slices.Sorted(slices.Values(names))
		p.shuffled = p.shuffled || !slices.Equal(sorted, names)
		for _, name := range names {
			at, _ := slices.BinarySearch(sorted, name)
			p.order = binary.AppendUvarint(p.order, uint64(at))
		}
	}
	p.order = append(p.order, inner...)
	_, err := p.decoder.ReadToken()
	return &types.AttributeValueMemberM{Value: members}, err
}

// rowText writes a row from its members. An order that does not fit them (an
// item that was changed by hand) counts as none: then they are sorted.
func rowText(members map[string]types.AttributeValue, order []byte) (jsontext.Value, error) {
	w := rowWriter{order: order, ordered: len(order) > 0}
	text, err := w.object(nil, members)
	if w.ordered && (w.failed || len(w.order) > 0) {
		w = rowWriter{}
		text, err = w.object(nil, members)
	}
	return text, err
}

// rowWriter turns attribute values into JSON.
type rowWriter struct {
	order   []byte
	ordered bool
	failed  bool // the order does not fit
}

func (w *rowWriter) object(b []byte, members map[string]types.AttributeValue) ([]byte, error) {
	b = append(b, '{')
	for i, name := range w.names(members) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(b, name); err != nil {
			return nil, err
		}
		if b, err = w.value(append(b, ':'), members[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// names returns the names of an object's members in their order.
func (w *rowWriter) names(members map[string]types.AttributeValue) []string {
	sorted := slices.Sorted(maps.Keys(members))
	if !w.ordered || w.failed || len(sorted) < 2 {
		return sorted
	}
	names := make([]string, len(sorted))
	for i := range names {
		at, n := binary.Uvarint(w.order)
		if n <= 0 || at >= uint64(len(sorted)) || sorted[at] == "" {
			w.failed = true
			return slices.Sorted(maps.Keys(members))
		}
		w.order = w.order[n:]
		names[i], sorted[at] = sorted[at], "" // each once
	}
	return names
}

func (w *rowWriter) value(b []byte, v types.AttributeValue) ([]byte, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return jsontext.AppendQuote(b, v.Value)
	case *types.AttributeValueMemberN:
		n, err := parseNumber(v.Value)
		return append(b, n.String()...), err
	case *types.AttributeValueMemberBOOL:
		if v.Value {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case *types.AttributeValueMemberNULL:
		return append(b, "null"...), nil
	case *types.AttributeValueMemberM:
		return w.object(b, v.Value)
	case *types.AttributeValueMemberL:
		b = append(b, '[')
		for i, e := range v.Value {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = w.value(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	return nil, errors.New("an attribute has a type that no row has")
}
