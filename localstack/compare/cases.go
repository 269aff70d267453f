package main

import (
	"encoding/json/v2"
	"slices"
	"strconv"
	"strings"
)

// schema is the CreateTable request of a case's table.
type schema string

// The tables of the cases.
var (
	hashTable  = table(`{"AttributeName":"pk","AttributeType":"S"}`, key("pk"), "")
	numTable   = table(`{"AttributeName":"pk","AttributeType":"N"}`, key("pk"), "")
	sortTable  = table(`{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}`, key("pk", "sk"), "")
	sortNTable = table(`{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}`, key("pk", "sk"), "")
	sortBTable = table(`{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"B"}`, key("pk", "sk"), "")
	gsiTable   = table(`{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"},`+
		`{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}`, key("pk", "sk"),
		`,"GlobalSecondaryIndexes":[`+
			`{"IndexName":"all","KeySchema":`+key("g", "n")+`,"Projection":{"ProjectionType":"ALL"}},`+
			`{"IndexName":"keys","KeySchema":`+key("g")+`,"Projection":{"ProjectionType":"KEYS_ONLY"}},`+
			`{"IndexName":"some","KeySchema":`+key("g", "sk")+`,"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a"]}}]`)
	streamTable = table(`{"AttributeName":"pk","AttributeType":"S"}`, key("pk"),
		`,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}`)
	keysStreamTable = table(`{"AttributeName":"pk","AttributeType":"S"}`, key("pk"),
		`,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}`)
)

func table(attributes, keys, more string) schema {
	return schema(`{"TableName":"$T","AttributeDefinitions":[` + attributes + `],"KeySchema":` + keys +
		`,"BillingMode":"PAY_PER_REQUEST"` + more + `}`)
}

// key is a key schema.
func key(names ...string) string {
	parts := []string{`{"AttributeName":"` + names[0] + `","KeyType":"HASH"}`}
	if len(names) > 1 {
		parts = append(parts, `{"AttributeName":"`+names[1]+`","KeyType":"RANGE"}`)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// allCases returns all cases, those that may end a process last.
func allCases() []testCase {
	return slices.Concat(itemCases(), valueCases(), conditionCases(), updateCases(), projectionCases(),
		queryCases(), scanCases(), indexCases(), batchCases(), transactionCases(), tableCases(), capacityCases(), streamCases(),
		otherCases(), textCases())
}

// request is a step on the case's table.
func request(operation string, members ...string) step {
	return step{operation: operation, body: `{"TableName":"$T"` + join(members) + `}`}
}

// raw is a step with a body of its own.
func raw(operation, body string) step { return step{operation: operation, body: body} }

func join(members []string) string {
	var b strings.Builder
	for _, m := range members {
		if m != "" {
			b.WriteString("," + m)
		}
	}
	return b.String()
}

func put(item string, members ...string) step {
	return request("PutItem", append([]string{`"Item":` + item}, members...)...)
}

func get(key string, members ...string) step {
	return request("GetItem", append([]string{`"Key":` + key}, members...)...)
}

func remove(key string, members ...string) step {
	return request("DeleteItem", append([]string{`"Key":` + key}, members...)...)
}

func update(key, expression string, members ...string) step {
	return request("UpdateItem", append([]string{`"Key":` + key, expr("Update", expression)}, members...)...)
}

func query(condition string, members ...string) step {
	return request("Query", append([]string{expr("KeyCondition", condition)}, members...)...)
}

func scan(members ...string) step {
	s := request("Scan", members...)
	s.unordered = true
	return s
}

// expr is an expression parameter; "" for none.
func expr(kind, source string) string {
	if source == "" {
		return ""
	}
	return `"` + kind + `Expression":` + quote(source)
}

func condition(source string) string { return expr("Condition", source) }

func filter(source string) string { return expr("Filter", source) }

func projection(source string) string { return expr("Projection", source) }

// values is ExpressionAttributeValues: pairs of a name and a value.
func values(pairs ...string) string { return `"ExpressionAttributeValues":` + object(pairs) }

// names is ExpressionAttributeNames: pairs of a placeholder and a name.
func names(pairs ...string) string {
	quoted := slices.Clone(pairs)
	for i := 1; i < len(quoted); i += 2 {
		quoted[i] = quote(quoted[i])
	}
	return `"ExpressionAttributeNames":` + object(quoted)
}

func object(pairs []string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(pairs[i]) + ":" + pairs[i+1])
	}
	return "{" + b.String() + "}"
}

func quote(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(out)
}

// Values and keys of items.
func str(s string) string { return `{"S":` + quote(s) + `}` }

func num(n string) string { return `{"N":` + quote(n) + `}` }

func bin(base64 string) string { return `{"B":` + quote(base64) + `}` }

// item is an item: pairs of a name and a value.
func item(pairs ...string) string { return object(pairs) }

// pk is the key of the item that most cases are about.
const pk = `{"pk":{"S":"a"}}`

// withPK is an item with that key.
func withPK(pairs ...string) string { return object(append([]string{"pk", str("a")}, pairs...)) }

// numbered returns n texts of a format with a place for a number.
func numbered(n int, format func(i string) string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = format(strconv.Itoa(i))
	}
	return list
}
