package embedded

import (
	"encoding/json/jsontext"
	"errors"
	"strconv"

	"daybook/localstack/embedded/attr"
	"daybook/localstack/embedded/expr"
)

// placeholders are a request's ExpressionAttributeNames and -Values.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues values
}

// values is an ExpressionAttributeValues. A refused value is reported when the
// request is validated, in DynamoDB's order.
type values struct {
	of  map[string]attr.Value
	err error
}

// UnmarshalJSONFrom parses the values where they stand, without a copy.
func (v *values) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	v.of, v.err = expr.ParseValues(raw)
	var malformed *attr.SerializationError
	if errors.As(v.err, &malformed) {
		return v.err
	}
	return nil
}

// usage starts to track which placeholders are used.
func (p *placeholders) usage() (*expr.Usage, error) {
	if p.ExpressionAttributeValues.err != nil {
		return nil, p.ExpressionAttributeValues.err
	}
	return expr.NewUsage(expr.Params{Names: p.ExpressionAttributeNames, Values: p.ExpressionAttributeValues.of})
}

// condition parses a request's ConditionExpression, the only expression of it.
func (p *placeholders) condition(src *string) (*expr.Condition, error) {
	u, err := p.usage()
	if err != nil {
		return nil, err
	}
	c, err := parseCondition(expr.ConditionExpression, src, u)
	if err != nil {
		return nil, err
	}
	return c, u.Unused()
}

// parseCondition parses an expression that may be absent.
func parseCondition(kind expr.Kind, src *string, u *expr.Usage) (*expr.Condition, error) {
	if src == nil {
		return nil, nil
	}
	return expr.ParseCondition(kind, *src, u)
}

// parseProjection parses an expression that may be absent.
func parseProjection(src *string, u *expr.Usage) (*expr.Projection, error) {
	if src == nil {
		return nil, nil
	}
	return expr.ParseProjection(*src, u)
}

// holds evaluates a condition that may be absent on a row that may be absent.
func holds(c *expr.Condition, r row) bool {
	if c == nil {
		return true
	}
	if r == "" {
		return c.Eval(nil)
	}
	return c.Eval(r.pick(c.Attributes()))
}

// returning is what a single write answers with, besides success.
type returning struct {
	ReturnValues                string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

func (r *returning) answer() *returning { return r }

func (r *returning) check(c *checks) {
	checkCapacity(c, r.ReturnConsumedCapacity)
	checkMetrics(c, r.ReturnItemCollectionMetrics)
	c.oneOf(r.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
}

// onlyOld refuses what only an update can return, or makes the action.
func (r *returning) onlyOld(of func() (action, error)) (action, error) {
	switch r.ReturnValues {
	case "", "NONE", "ALL_OLD":
		return of()
	}
	return action{}, validation("ReturnValues can only be ALL_OLD or NONE")
}

func checkCapacity(c *checks, value string) {
	c.oneOf(value, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
}

func checkMetrics(c *checks, value string) {
	c.oneOf(value, "returnItemCollectionMetrics", "SIZE", "NONE")
}

func checkOnFailure(c *checks, value, at string) {
	c.oneOf(value, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// members writes an object's members with the commas between them.
type members struct {
	out  []byte
	some bool
}

func open(out []byte) members { return members{out: append(out, '{')} }

// add starts a member; the caller appends its value to out.
func (m *members) add(name string) {
	m.next()
	m.out = append(m.out, '"')
	m.out = append(m.out, name...)
	m.out = append(m.out, `":`...)
}

// key is add for a name that may have anything in it.
func (m *members) key(name string) {
	m.next()
	m.out = append(appendString(m.out, name), ':')
}

func (m *members) next() {
	if m.some {
		m.out = append(m.out, ',')
	}
	m.some = true
}

func (m *members) str(name, value string) {
	m.add(name)
	m.out = appendString(m.out, value)
}

func (m *members) int(name string, value int) {
	m.add(name)
	m.out = strconv.AppendInt(m.out, int64(value), 10)
}

func (m *members) capacity(c *charge, detail string) {
	if wanted(detail) {
		m.add("ConsumedCapacity")
		m.out = c.appendTo(m.out, detail)
	}
}

func (m *members) close() []byte { return append(m.out, '}') }
