package embedded

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"time"

	"daybook/localstack/embedded/attr"
)

func appendString(dst []byte, s string) []byte { return attr.AppendText(dst, s) }

func appendItem(dst []byte, it attr.Item) []byte { return attr.AppendJSON(dst, it) }

// seconds is a time as DynamoDB writes it: seconds with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// appendList writes an array.
func appendList[T any](dst []byte, list []T, one func(dst []byte, e T) []byte) []byte {
	dst = append(dst, '[')
	for i, e := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, e)
	}
	return append(dst, ']')
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

// decode reads a request and checks its constraints. A member that the operation
// doesn't know is refused: it may change the request's meaning.
func decode[T any, P request[T]](body []byte) (P, error) {
	in := P(new(T))
	err := json.Unmarshal(body, in, json.RejectUnknownMembers(true))
	if err == nil {
		var c checks
		in.check(&c)
		return in, c.err()
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
