package attr

import "unicode/utf8"

// ParseValues reads an array of attribute values in DynamoDB's JSON. Errors are
// those of ParseItem.
func ParseValues(json []byte) ([]Value, error) {
	if values, ok := quickValues(json); ok {
		return values, nil
	}
	p := newParser(json)
	defer p.free()
	values, err := p.list(func() (Value, error) { return p.value(1) })
	if err != nil {
		return nil, err
	}
	return values, p.end()
}

// quickValues is quickItem for an array.
func quickValues(json []byte) ([]Value, bool) {
	r := quickReader(json)
	if !utf8.Valid(json) || !r.skip('[') {
		return nil, false
	}
	values := make([]Value, 0, 16)
	for {
		v, ok := r.value()
		if !ok {
			return nil, false
		}
		values = append(values, v)
		if !r.skip(',') {
			return values, r.skip(']') && len(r) == 0
		}
	}
}
