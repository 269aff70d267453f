package dynamo

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo/signed"
	"daybook/internal/quickjson"
)

// nativeRow appends the members of a row to the attributes of its item, and returns
// their order, which is empty when they are sorted. It shows while it is read once that
// a row comes back byte for byte: without white space and names given twice, and with
// numbers as number.String writes them. Only one with escapes is written to compare.
func nativeRow(item []pair, row jsontext.Value) (members []pair, order []byte, err error) {
	quick, ok := quickjson.New(string(row))
	if !ok {
		return nil, nil, errNotNative
	}
	p := rowParser{Reader: quick}
	members = item
	ok = p.object(0, func(name string, v types.AttributeValue) {
		members = append(members, pair{attributeName(name), v})
	})
	if !ok || !p.End() || len(members) == len(item) {
		return nil, nil, errNotNative
	}
	if p.shuffled {
		order = p.order
	}
	if slices.Contains(row, '\\') {
		written := make([]signed.Attribute, 0, len(members)-len(item))
		for _, m := range members[len(item):] {
			name, _ := memberName(m.name)
			written = append(written, signed.AttributeOf(name, m.value))
		}
		if text, err := rowText(written, order); err != nil || string(text) != string(row) {
			return nil, nil, errNotNative
		}
	}
	return members, order, nil
}

// rowParser turns JSON into attribute values.
type rowParser struct {
	quickjson.Reader
	order    []byte // for every object of two or more members, in the order of the text
	shuffled bool   // the members of some object are not sorted
}

// add takes the names of an object's members, and the orders of the objects in it. It
// reports false for a duplicate name.
func (p *rowParser) add(names []string, inner []byte) bool {
	sorted, once := names, true
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			p.shuffled = true
			sorted = slices.Sorted(slices.Values(names))
			once = isStrict(sorted)
			break
		}
	}
	if len(names) > 1 {
		for _, name := range names {
			at, _ := slices.BinarySearch(sorted, name)
			p.order = binary.AppendUvarint(p.order, uint64(at))
		}
	}
	p.order = append(p.order, inner...)
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

// object reads an object and hands its members to member.
func (p *rowParser) object(depth int, member func(name string, v types.AttributeValue)) bool {
	var few [16]string
	names := few[:0]
	outer := p.order
	p.order = nil
	ok := p.Object(func(name string) bool {
		if name == "" || len(name) > maxAttributeName {
			return false
		}
		v, ok := p.value(depth + 1)
		member(name, v)
		names = append(names, name)
		return ok
	})
	inner := p.order
	p.order = outer
	return p.add(names, inner) && ok
}

func (p *rowParser) value(depth int) (types.AttributeValue, bool) {
	switch p.Peek() {
	case '"':
		text, ok := p.Text()
		return &types.AttributeValueMemberS{Value: text}, ok
	case '{':
		if depth > maxDepth {
			return nil, false
		}
		members := make(map[string]types.AttributeValue, 8)
		ok := p.object(depth, func(name string, v types.AttributeValue) { members[name] = v })
		return &types.AttributeValueMemberM{Value: members}, ok
	case '[':
		if depth > maxDepth {
			return nil, false
		}
		list := []types.AttributeValue{}
		ok := p.Array(func() bool {
			v, ok := p.value(depth + 1)
			list = append(list, v)
			return ok
		})
		return &types.AttributeValueMemberL{Value: list}, ok
	case 't', 'f':
		v, ok := p.Bool()
		return &types.AttributeValueMemberBOOL{Value: v}, ok
	case 'n':
		return &types.AttributeValueMemberNULL{Value: true}, p.Null()
	}
	text := p.Number()
	if !isPlainInteger(text) {
		if n, err := parseNumber(text); err != nil || n.String() != text {
			return nil, false
		}
	}
	return &types.AttributeValueMemberN{Value: text}, true
}
