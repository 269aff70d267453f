package dynamo

import (
	"bytes"
	"encoding/binary"
	"encoding/json/jsontext"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo/signed"
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

// nativeRow appends the members of a row to the attributes of its item, and returns
// their order, which is empty when they are sorted.
func nativeRow(item []pair, row jsontext.Value) (members []pair, order []byte, err error) {
	if members, order, ok := plainRow(item, string(row)); ok {
		return members, order, nil
	}
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
	if text, err := rowText(signed.AttributesOf(object.Value), order); err != nil || !bytes.Equal(text, row) {
		return nil, nil, errNotNative
	}
	for _, name := range slices.Sorted(maps.Keys(object.Value)) {
		item = append(item, pair{attributeName(name), object.Value[name]})
	}
	return item, order, nil
}

// rowParser turns JSON into attribute values.
type rowParser struct {
	decoder *jsontext.Decoder
	memberOrder
}

// memberOrder gathers the order of a row's members.
type memberOrder struct {
	order    []byte // for every object of two or more members, in the order of the text
	shuffled bool   // the members of some object are not sorted
}

// add takes the names of an object's members, and the orders of the objects in it. It
// reports false for a duplicate name.
func (o *memberOrder) add(names []string, inner []byte) bool {
	sorted, once := names, true
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			o.shuffled = true
			sorted = slices.Sorted(slices.Values(names))
			once = isStrict(sorted)
			break
		}
	}
	if len(names) > 1 {
		for _, name := range names {
			at, _ := slices.BinarySearch(sorted, name)
			o.order = binary.AppendUvarint(o.order, uint64(at))
		}
	}
	o.order = append(o.order, inner...)
	return once
}

// isStrict reports whether sorted names are all different.
func isStrict(sorted []string) bool {
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1] == sorted[i] {
			return false
		}
	}
	return true
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
	p.add(names, inner)
	_, err := p.decoder.ReadToken()
	return &types.AttributeValueMemberM{Value: members}, err
}

// rowText writes a row from its members, which it sorts. An order that does not fit
// them (an item that was changed by hand) counts as none: then they are sorted.
func rowText(members []signed.Attribute, order []byte) (jsontext.Value, error) {
	size := 2
	for _, m := range members {
		size += len(m.Name) + len(m.Text) + len(`"":"",`)
	}
	w := rowWriter{order: order, ordered: len(order) > 0}
	text, err := w.object(make([]byte, 0, size), members)
	if w.ordered && (w.failed || len(w.order) > 0) {
		w = rowWriter{}
		text, err = w.object(nil, members)
	}
	return text, err
}

// rowWriter turns attributes into JSON.
type rowWriter struct {
	order   []byte
	ordered bool
	failed  bool // the order does not fit
}

func (w *rowWriter) object(b []byte, members []signed.Attribute) ([]byte, error) {
	slices.SortFunc(members, func(a, b signed.Attribute) int { return strings.Compare(a.Name, b.Name) })
	places := w.places(len(members))
	b = append(b, '{')
	for i := range members {
		m := &members[i]
		if places != nil {
			m = &members[places[i]]
		}
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, m.Name); err != nil {
			return nil, err
		}
		if b, err = w.value(append(b, ':'), m); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// places returns where the members of an object of n stand among the sorted ones; nil
// when they are sorted.
func (w *rowWriter) places(n int) []int {
	if !w.ordered || w.failed || n < 2 {
		return nil
	}
	places, taken := make([]int, n), make([]bool, n)
	for i := range places {
		at, size := binary.Uvarint(w.order)
		if size <= 0 || at >= uint64(n) || taken[at] {
			w.failed = true
			return nil
		}
		w.order = w.order[size:]
		places[i], taken[at] = int(at), true
	}
	return places
}

func (w *rowWriter) value(b []byte, a *signed.Attribute) ([]byte, error) {
	switch a.Kind {
	case signed.KindS:
		return appendText(b, a.Text)
	case signed.KindN:
		if isPlainInteger(a.Text) {
			return append(b, a.Text...), nil
		}
		n, err := parseNumber(a.Text)
		return append(b, n.String()...), err
	}
	switch v := a.Value.(type) {
	case *types.AttributeValueMemberBOOL:
		return strconv.AppendBool(b, v.Value), nil
	case *types.AttributeValueMemberNULL:
		return append(b, "null"...), nil
	case *types.AttributeValueMemberM:
		return w.object(b, signed.AttributesOf(v.Value))
	case *types.AttributeValueMemberL:
		b = append(b, '[')
		for i, e := range v.Value {
			if i > 0 {
				b = append(b, ',')
			}
			element := signed.AttributeOf("", e)
			var err error
			if b, err = w.value(b, &element); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	return nil, errors.New("an attribute has a type that no row has")
}

// appendText appends a JSON string.
func appendText(b []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return jsontext.AppendQuote(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

// isPlainInteger reports whether a text is an integer as number.String writes it,
// without looking closer at long ones.
func isPlainInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(text) > 1 {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
