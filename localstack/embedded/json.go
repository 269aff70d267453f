package embedded

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"strconv"
	"time"

	"daybook/localstack/embedded/attr"
)

// appendString writes a JSON string.
func appendString(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil { // invalid UTF-8, which AppendQuote has replaced
		return dst
	}
	return dst
}

func appendItem(dst []byte, it attr.Item) []byte { return attr.AppendJSON(dst, it) }

// appendTime writes a time as DynamoDB does: seconds with milliseconds.
func appendTime(dst []byte, t time.Time) []byte {
	return strconv.AppendFloat(dst, float64(t.UnixMilli())/1000, 'f', -1, 64)
}

// attributes is a map of attribute values in a request. Values that are invalid
// are reported when the request is validated, in DynamoDB's order.
type attributes struct {
	set  bool
	item attr.Item
	err  error
}

// UnmarshalJSONFrom parses the values where they stand, without a copy.
func (a *attributes) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() == 'n' {
		return nil
	}
	a.set = true
	a.item, a.err = attr.ParseItem(raw)
	var malformed *attr.SerializationError
	if errors.As(a.err, &malformed) {
		return a.err
	}
	return nil
}

// decode reads a request. A member that the operation doesn't know is refused:
// it may change the request's meaning.
func decode[T any](body []byte) (*T, error) {
	in := new(T)
	err := json.Unmarshal(body, in, json.RejectUnknownMembers(true))
	if err == nil {
		return in, nil
	}
	var malformed *attr.SerializationError
	if errors.As(err, &malformed) {
		return nil, malformed
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		if errors.Is(err, json.ErrUnknownName) {
			return nil, validationf("The parameter %s is not supported by this engine", semantic.JSONPointer.LastToken())
		}
		return nil, serialization(mismatch(semantic.JSONKind))
	}
	return nil, serialization("The request body is not valid JSON")
}

// checked reads a request that checks itself.
func checked[T any, P interface {
	*T
	check() error
}](body []byte) (P, error) {
	in, err := decode[T](body)
	if err != nil {
		return nil, err
	}
	return in, P(in).check()
}

// mismatch is DynamoDB's text about a value of the wrong JSON type.
func mismatch(found jsontext.Kind) string {
	switch found {
	case '{':
		return "Start of structure or map found where not expected."
	case '[':
		return "Unrecognized collection type class java.lang.String"
	case '"':
		return "STRING_VALUE cannot be converted to the expected type"
	case '0':
		return "NUMBER_VALUE cannot be converted to String"
	case 't':
		return "TRUE_VALUE cannot be converted to String"
	case 'f':
		return "FALSE_VALUE cannot be converted to String"
	}
	return "The request has a value of an unexpected type"
}

func appendInt(dst []byte, n int) []byte { return strconv.AppendInt(dst, int64(n), 10) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// decodeLoose reads the members that T has and passes over all others. The
// body was decoded once already.
func decodeLoose[T any](body []byte) (in T, err error) {
	if err := json.Unmarshal(body, &in); err != nil {
		return in, serialization("The request body is not valid JSON")
	}
	return in, nil
}
