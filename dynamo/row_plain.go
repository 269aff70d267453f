package dynamo

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/internal/quickjson"
)

// plainRow is nativeRow for a row that shows, while it is read once, that it comes
// back byte for byte: without white space, escapes and names given twice, and with
// numbers as number.String writes them. ok is false for any other.
func plainRow(row string) (members map[string]types.AttributeValue, order []byte, ok bool) {
	quick, ok := quickjson.New(row)
	if !ok || strings.IndexByte(row, '\\') >= 0 {
		return nil, nil, false
	}
	p := plainParser{Reader: quick}
	members, ok = p.object(0)
	if !ok || !p.End() || len(members) == 0 {
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

func (p *plainParser) object(depth int) (map[string]types.AttributeValue, bool) {
	members := make(map[string]types.AttributeValue, 8)
	var few [16]string
	names := few[:0]
	outer := p.order
	p.order = nil
	ok := p.Object(func(name string) bool {
		if _, twice := members[name]; twice || name == "" || len(name) > maxAttributeName {
			return false
		}
		v, ok := p.value(depth + 1)
		members[name], names = v, append(names, name)
		return ok
	})
	inner := p.order
	p.order = outer
	p.add(names, inner)
	return members, ok
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
		members, ok := p.object(depth)
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
