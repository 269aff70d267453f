package signed

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/internal/quickjson"
)

// decode reads an answer as DynamoDB writes them into out. It reports false, with
// out in any state, for everything out of the ordinary: white space, null, members
// that are rarely asked for, damage. The SDK's parser reads those.
func decode(body []byte, out any) bool {
	quick, ok := quickjson.New(string(body)) // values are parts of it
	r := reader{quick}
	return ok && r.Object(func(name string) bool { return r.output(out, name) }) && r.End()
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
	case *queryPage:
		if name == "Items" {
			return r.pageItems(out)
		}
		return r.output(&out.QueryOutput, name)
	case *dynamodb.ScanOutput:
		return r.page(page{&out.Items, &out.Count, &out.ScannedCount, &out.LastEvaluatedKey, &out.ConsumedCapacity}, name)
	case *dynamodb.BatchGetItemOutput:
		return r.batch(out, name)
	case *dynamodb.BatchExecuteStatementOutput:
		return r.statements(out, name)
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
		return r.Object(func(table string) bool {
			var items []map[string]types.AttributeValue
			ok := r.items(&items)
			out.Responses[table] = items
			return ok
		})
	case "UnprocessedKeys": // any are rare
		out.UnprocessedKeys = map[string]types.KeysAndAttributes{}
		return r.Object(func(string) bool { return false })
	case "ConsumedCapacity":
		return r.capacities(&out.ConsumedCapacity)
	}
	return false
}

func (r *reader) statements(out *dynamodb.BatchExecuteStatementOutput, name string) bool {
	switch name {
	case "Responses":
		out.Responses = []types.BatchStatementResponse{}
		return r.Array(func() bool {
			var s types.BatchStatementResponse
			ok := r.Object(func(name string) bool { return r.statement(&s, name) })
			out.Responses = append(out.Responses, s)
			return ok
		})
	case "ConsumedCapacity":
		return r.capacities(&out.ConsumedCapacity)
	}
	return false
}

// statement reads the member name of a statement's outcome.
func (r *reader) statement(s *types.BatchStatementResponse, name string) bool {
	switch name {
	case "TableName":
		table, ok := r.Text()
		s.TableName = &table
		return ok
	case "Error":
		s.Error = &types.BatchStatementError{}
		return r.Object(func(name string) bool {
			text, ok := r.Text()
			switch name {
			case "Code":
				s.Error.Code = types.BatchStatementErrorCodeEnum(text)
			case "Message":
				s.Error.Message = &text
			default:
				return false
			}
			return ok
		})
	}
	return false
}

func (r *reader) items(to *[]map[string]types.AttributeValue) bool {
	items := []map[string]types.AttributeValue{}
	ok := r.Array(func() bool {
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
	ok := r.Array(func() bool {
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
	return r.Object(func(name string) bool {
		switch name {
		case "TableName":
			table, ok := r.Text()
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
	return r.Object(func(name string) bool {
		v, ok := r.value()
		item[name] = v
		return ok
	})
}

// value reads one attribute value, {"S":"x"}.
func (r *reader) value() (types.AttributeValue, bool) {
	if !r.Deeper() || !r.Eat('{') {
		return nil, false
	}
	kind, ok := r.Text()
	if !ok || !r.Eat(':') {
		return nil, false
	}
	v, ok := r.variant(kind)
	r.Shallower()
	return v, ok && r.Eat('}')
}

func (r *reader) variant(kind string) (types.AttributeValue, bool) {
	switch kind {
	case "S":
		v, ok := r.Text()
		return &types.AttributeValueMemberS{Value: v}, ok
	case "N":
		v, ok := r.Text()
		return &types.AttributeValueMemberN{Value: v}, ok
	case "B":
		v, ok := r.blob()
		return &types.AttributeValueMemberB{Value: v}, ok
	case "BOOL":
		v, ok := r.Bool()
		return &types.AttributeValueMemberBOOL{Value: v}, ok
	case "NULL":
		v, ok := r.Bool()
		return &types.AttributeValueMemberNULL{Value: v}, ok
	case "SS":
		v, ok := list(r, r.Text)
		return &types.AttributeValueMemberSS{Value: v}, ok
	case "NS":
		v, ok := list(r, r.Text)
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
	ok := r.Array(func() bool {
		v, ok := element()
		vs = append(vs, v)
		return ok
	})
	return vs, ok
}

// reader reads an answer of DynamoDB.
type reader struct{ quickjson.Reader }

func (r *reader) blob() ([]byte, bool) {
	v, ok := r.Text()
	if !ok || strings.ContainsAny(v, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(v)
	return b, err == nil
}

func (r *reader) int32(to *int32) bool {
	text := r.Number()
	n, err := strconv.ParseInt(text, 10, 32)
	*to = int32(n)
	return err == nil && !strings.HasPrefix(text, "+") && (text == "0" || text[0] != '0')
}

func (r *reader) float(to **float64) bool {
	f, ok := r.Float()
	*to = &f
	return ok
}
