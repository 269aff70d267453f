package signed

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// decode reads an answer as DynamoDB writes them into out. It reports false, with
// out in any state, for everything out of the ordinary: white space, null, members
// that are rarely asked for, damage. The SDK's parser reads those.
func decode(body []byte, out any) bool {
	for _, c := range body {
		if c < ' ' {
			return false
		}
	}
	if !utf8.Valid(body) {
		return false
	}
	r := reader{s: string(body)} // values are parts of it
	return r.object(func(name string) bool { return r.output(out, name) }) && r.i == len(r.s)
}

// output reads the member name of out.
func (r *reader) output(out any, name string) bool {
	switch out := out.(type) {
	case *dynamodb.PutItemOutput:
		return name == "ConsumedCapacity" && r.capacity(&out.ConsumedCapacity)
	case *dynamodb.DeleteItemOutput:
		return name == "ConsumedCapacity" && r.capacity(&out.ConsumedCapacity)
	case *dynamodb.GetItemOutput:
		switch name {
		case "Item":
			return r.item(&out.Item)
		case "ConsumedCapacity":
			return r.capacity(&out.ConsumedCapacity)
		}
	case *dynamodb.QueryOutput:
		return r.page(page{&out.Items, &out.Count, &out.ScannedCount, &out.LastEvaluatedKey, &out.ConsumedCapacity}, name)
	case *dynamodb.ScanOutput:
		return r.page(page{&out.Items, &out.Count, &out.ScannedCount, &out.LastEvaluatedKey, &out.ConsumedCapacity}, name)
	case *dynamodb.BatchGetItemOutput:
		return r.batch(out, name)
	case *dynamodb.TransactWriteItemsOutput:
		return name == "ConsumedCapacity" && r.capacities(&out.ConsumedCapacity)
	}
	return false
}

// page is the output of Query and of Scan.
type page struct {
	items          *[]map[string]types.AttributeValue
	count, scanned *int32
	last           *map[string]types.AttributeValue
	capacity       **types.ConsumedCapacity
}

func (r *reader) page(p page, name string) bool {
	switch name {
	case "Items":
		return r.items(p.items)
	case "Count":
		return r.int32(p.count)
	case "ScannedCount":
		return r.int32(p.scanned)
	case "LastEvaluatedKey":
		return r.item(p.last)
	case "ConsumedCapacity":
		return r.capacity(p.capacity)
	}
	return false
}

func (r *reader) batch(out *dynamodb.BatchGetItemOutput, name string) bool {
	switch name {
	case "Responses":
		out.Responses = map[string][]map[string]types.AttributeValue{}
		return r.object(func(table string) bool {
			var items []map[string]types.AttributeValue
			ok := r.items(&items)
			out.Responses[table] = items
			return ok
		})
	case "UnprocessedKeys": // any are rare
		out.UnprocessedKeys = map[string]types.KeysAndAttributes{}
		return r.object(func(string) bool { return false })
	case "ConsumedCapacity":
		return r.capacities(&out.ConsumedCapacity)
	}
	return false
}

func (r *reader) items(to *[]map[string]types.AttributeValue) bool {
	items := []map[string]types.AttributeValue{}
	ok := r.array(func() bool {
		var item map[string]types.AttributeValue
		ok := r.item(&item)
		items = append(items, item)
		return ok
	})
	*to = items
	return ok
}

func (r *reader) capacities(to *[]types.ConsumedCapacity) bool {
	capacities := []types.ConsumedCapacity{}
	ok := r.array(func() bool {
		var c *types.ConsumedCapacity
		if !r.capacity(&c) {
			return false
		}
		capacities = append(capacities, *c)
		return true
	})
	*to = capacities
	return ok
}

// capacity reads consumed capacity of level TOTAL.
func (r *reader) capacity(to **types.ConsumedCapacity) bool {
	c := new(types.ConsumedCapacity)
	*to = c
	return r.object(func(name string) bool {
		switch name {
		case "TableName":
			table, ok := r.text()
			c.TableName = &table
			return ok
		case "CapacityUnits":
			return r.float(&c.CapacityUnits)
		case "ReadCapacityUnits":
			return r.float(&c.ReadCapacityUnits)
		case "WriteCapacityUnits":
			return r.float(&c.WriteCapacityUnits)
		}
		return false
	})
}

func (r *reader) item(to *map[string]types.AttributeValue) bool {
	item := make(map[string]types.AttributeValue, 8)
	*to = item
	return r.object(func(name string) bool {
		v, ok := r.value()
		item[name] = v
		return ok
	})
}

// value reads one attribute value, {"S":"x"}.
func (r *reader) value() (types.AttributeValue, bool) {
	if r.depth++; r.depth > maxDepth {
		return nil, false
	}
	if !r.eat('{') {
		return nil, false
	}
	kind, ok := r.text()
	if !ok || !r.eat(':') {
		return nil, false
	}
	v, ok := r.variant(kind)
	r.depth--
	return v, ok && r.eat('}')
}

// maxDepth is how deep values may be nested; DynamoDB allows 32.
const maxDepth = 100

func (r *reader) variant(kind string) (types.AttributeValue, bool) {
	switch kind {
	case "S":
		v, ok := r.text()
		return &types.AttributeValueMemberS{Value: v}, ok
	case "N":
		v, ok := r.text()
		return &types.AttributeValueMemberN{Value: v}, ok
	case "B":
		v, ok := r.blob()
		return &types.AttributeValueMemberB{Value: v}, ok
	case "BOOL":
		v, ok := r.bool()
		return &types.AttributeValueMemberBOOL{Value: v}, ok
	case "NULL":
		v, ok := r.bool()
		return &types.AttributeValueMemberNULL{Value: v}, ok
	case "SS":
		v, ok := list(r, r.text)
		return &types.AttributeValueMemberSS{Value: v}, ok
	case "NS":
		v, ok := list(r, r.text)
		return &types.AttributeValueMemberNS{Value: v}, ok
	case "BS":
		v, ok := list(r, r.blob)
		return &types.AttributeValueMemberBS{Value: v}, ok
	case "L":
		v, ok := list(r, r.value)
		return &types.AttributeValueMemberL{Value: v}, ok
	case "M":
		v := &types.AttributeValueMemberM{}
		ok := r.item(&v.Value)
		return v, ok
	}
	return nil, false
}

func list[T any](r *reader, element func() (T, bool)) ([]T, bool) {
	vs := []T{}
	ok := r.array(func() bool {
		v, ok := element()
		vs = append(vs, v)
		return ok
	})
	return vs, ok
}

// reader reads compact JSON without control characters.
type reader struct {
	s     string
	i     int
	depth int
}

func (r *reader) eat(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

// object reads an object; member reads the value of each member.
func (r *reader) object(member func(name string) bool) bool {
	if !r.eat('{') {
		return false
	}
	if r.eat('}') {
		return true
	}
	for {
		name, ok := r.text()
		if !ok || !r.eat(':') || !member(name) {
			return false
		}
		if !r.eat(',') {
			return r.eat('}')
		}
	}
}

func (r *reader) array(element func() bool) bool {
	if !r.eat('[') {
		return false
	}
	if r.eat(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !r.eat(',') {
			return r.eat(']')
		}
	}
}

// text reads a string. Without escapes it is a part of the answer.
func (r *reader) text() (string, bool) {
	if !r.eat('"') {
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
func (r *reader) escaped() (string, bool) {
	begin := r.i - 1
	for r.i < len(r.s) {
		switch r.s[r.i] {
		case '\\':
			r.i += 2
		case '"':
			r.i++
			v, err := jsontext.AppendUnquote(nil, r.s[begin:r.i])
			return string(v), err == nil
		default:
			r.i++
		}
	}
	return "", false
}

func (r *reader) blob() ([]byte, bool) {
	v, ok := r.text()
	if !ok || strings.ContainsAny(v, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(v)
	return b, err == nil
}

func (r *reader) bool() (v, ok bool) {
	for _, v := range []bool{true, false} {
		if word := strconv.FormatBool(v); strings.HasPrefix(r.s[r.i:], word) {
			r.i += len(word)
			return v, true
		}
	}
	return false, false
}

// number reads what may be a number.
func (r *reader) number() string {
	begin := r.i
	for r.i < len(r.s) && strings.IndexByte("+-.0123456789Ee", r.s[r.i]) >= 0 {
		r.i++
	}
	return r.s[begin:r.i]
}

func (r *reader) int32(to *int32) bool {
	text := r.number()
	n, err := strconv.ParseInt(text, 10, 32)
	*to = int32(n)
	return err == nil && !strings.HasPrefix(text, "+") && (text == "0" || text[0] != '0')
}

func (r *reader) float(to **float64) bool {
	text := r.number()
	f, err := strconv.ParseFloat(text, 64)
	*to = &f
	return err == nil && jsontext.Value(text).IsValid()
}
