package signed

import (
	"context"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute is one attribute of an item, without a type of its own for each kind of
// value.
type Attribute struct {
	Name string
	Kind Kind
	// Text is the value of an S and of an N; of a B it is the base64.
	Text string
	// Value is the value of KindOther.
	Value types.AttributeValue
}

// Kind tells the values that are texts in DynamoDB's JSON from the others.
type Kind uint8

// The kinds of values.
const (
	KindOther Kind = iota
	KindS
	KindN
	KindB
)

// String returns the text of an S, "" of any other value.
func (a *Attribute) String() string {
	if a.Kind != KindS {
		return ""
	}
	return a.Text
}

// Bytes returns the value of a B; nil of any other, and of one that is damaged.
func (a *Attribute) Bytes() []byte {
	if a.Kind != KindB {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(a.Text)
	if err != nil {
		return nil
	}
	return b
}

// AttributeOf returns a value of the SDK's as an Attribute.
func AttributeOf(name string, v types.AttributeValue) Attribute {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return Attribute{Name: name, Kind: KindS, Text: v.Value}
	case *types.AttributeValueMemberN:
		return Attribute{Name: name, Kind: KindN, Text: v.Value}
	case *types.AttributeValueMemberB:
		return Attribute{Name: name, Kind: KindB, Text: base64.StdEncoding.EncodeToString(v.Value)}
	}
	return Attribute{Name: name, Value: v}
}

// AttributesOf returns an item of the SDK's, in no order.
func AttributesOf(item map[string]types.AttributeValue) []Attribute {
	all := make([]Attribute, 0, len(item))
	for name, v := range item {
		all = append(all, AttributeOf(name, v))
	}
	return all
}

// Page is a page of a Query.
type Page struct {
	Items            [][]Attribute // in the order of the answer, the attributes too
	LastEvaluatedKey map[string]types.AttributeValue
}

// queryPage is the output of a Query whose items are not made into maps.
type queryPage struct {
	dynamodb.QueryOutput // without Items where attributes has them

	attributes []Attribute // of all items
	ends       []int       // of each item in attributes
}

var queryItems = newOperation(schemas.Query, schemas.QueryInput, schemas.QueryOutput, clearer[queryPage])

// QueryPage is Query for callers that read the items once.
func (c *Client) QueryPage(ctx context.Context, in *dynamodb.QueryInput) (*Page, error) {
	if !c.isPlain(nil, in.TableName) {
		out, err := c.Client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		return PageOf(out), nil
	}
	out := new(queryPage)
	if err := c.around(ctx, queryItems, in, &out.QueryOutput, out); err != nil {
		return nil, err
	}
	if out.Items != nil {
		return PageOf(&out.QueryOutput), nil // the SDK's parser has read the answer
	}
	page := &Page{Items: make([][]Attribute, len(out.ends)), LastEvaluatedKey: out.LastEvaluatedKey}
	begin := 0
	for i, end := range out.ends {
		page.Items[i], begin = out.attributes[begin:end:end], end
	}
	return page, nil
}

// PageOf returns an output of the SDK's as a Page.
func PageOf(out *dynamodb.QueryOutput) *Page {
	page := &Page{Items: make([][]Attribute, len(out.Items)), LastEvaluatedKey: out.LastEvaluatedKey}
	for i, item := range out.Items {
		page.Items[i] = AttributesOf(item)
	}
	return page
}

func (r *reader) pageItems(to *queryPage) bool {
	// Each attribute has a brace, but a text may be full of them.
	to.attributes = make([]Attribute, 0, min(r.Rest('{'), r.Len()/len(`"a":{"S":""}`)))
	return r.Array(func() bool {
		ok := r.Object(func(name string) bool {
			a, ok := r.attribute(name)
			to.attributes = append(to.attributes, a)
			return ok
		})
		to.ends = append(to.ends, len(to.attributes))
		return ok
	})
}

// attribute reads the value of an attribute.
func (r *reader) attribute(name string) (a Attribute, ok bool) {
	a.Name = name
	if !r.Eat('{') {
		return a, false
	}
	kind, ok := r.Text()
	if !ok || !r.Eat(':') {
		return a, false
	}
	switch kind {
	case "S":
		a.Kind = KindS
	case "N":
		a.Kind = KindN
	case "B":
		a.Kind = KindB
	default:
		a.Value, ok = r.variant(kind)
		return a, ok && r.Eat('}')
	}
	a.Text, ok = r.Text()
	return a, ok && r.Eat('}')
}
