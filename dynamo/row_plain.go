package dynamo

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/internal/quickjson"
)

// plainRow is nativeRow for a row that shows, while it is read once, that it comes
// back byte for byte: without white space, escapes and names given twice, and with
// numbers as number.String writes them. ok is false for any other.
func plainRow(item []pair, row string) (members []pair, order []byte, ok bool) {
	quick, ok := quickjson.New(row)
	if !ok || strings.IndexByte(row, '\\') >= 0 {
		return nil, nil, false
	}
	p := plainParser{Reader: quick}
	members = item
	ok = p.object(0, func(name string, v types.AttributeValue) {
		members = append(members, pair{attributeName(name), v})
	})
	if !ok || !p.End() || len(members) == len(item) {
		return nil, nil, false
	}
	if p.shuffled {
		order = p.order
	}
	return members, order, true
}

// plainParser is rowParser for plain rows.
type plainParser struct {
	quickjson.Reader
	memberOrder
}

// object reads an object and hands its members to member.
func (p *plainParser) object(depth int, member func(name string, v types.AttributeValue)) bool {
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

func (p *plainParser) value(depth int) (types.AttributeValue, bool) {
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
