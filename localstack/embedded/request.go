package embedded

import (
	"encoding/json/jsontext"
	"errors"

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
	ReturnValues                        string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	ReturnValuesOnConditionCheckFailure string
}

func (r *returning) check(c *checks) {
	c.oneOf(r.ReturnConsumedCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	c.oneOf(r.ReturnItemCollectionMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	c.oneOf(r.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	checkOnFailure(c, r.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure")
}

// checkWrite checks what requests to write one item have in common; item is the
// member that names it.
func (r *returning) checkWrite(table, item string, set bool) error {
	var c checks
	checkTableName(&c, table, "tableName")
	c.required(set, item)
	r.check(&c)
	return c.err()
}

// onlyOld refuses what only an update can return.
func (r *returning) onlyOld() error {
	switch r.ReturnValues {
	case "", "NONE", "ALL_OLD":
		return nil
	}
	return validation("ReturnValues can only be ALL_OLD or NONE")
}

func checkOnFailure(c *checks, value, field string) {
	c.oneOf(value, field, "ALL_OLD", "NONE")
}

// failed is a failed condition's error, with the old item if asked for.
func (r *returning) failed(old row) error {
	if r.ReturnValuesOnConditionCheckFailure != "ALL_OLD" {
		old = ""
	}
	return conditionFailed(old)
}

// members writes an object's members with the commas between them.
type members struct {
	out  []byte
	some bool
}

func open(out []byte) members { return members{out: append(out, '{')} }

// add starts a member and returns the buffer for its value; the caller assigns
// the result back.
func (m *members) add(name string) {
	if m.some {
		m.out = append(m.out, ',')
	}
	m.some = true
	m.out = append(m.out, '"')
	m.out = append(m.out, name...)
	m.out = append(m.out, `":`...)
}

func (m *members) str(name, value string) {
	m.add(name)
	m.out = appendString(m.out, value)
}

func (m *members) capacity(c *charge, detail string) {
	if wanted(detail) {
		m.add("ConsumedCapacity")
		m.out = c.appendTo(m.out, detail)
	}
}

func (m *members) close() []byte { return append(m.out, '}') }
