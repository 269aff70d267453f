package mapping

import (
	"bytes"
	"encoding/base64"
	"encoding/json/jsontext"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// recordWriter writes a stream record as JSON and keeps the first error.
type recordWriter struct {
	buffer  bytes.Buffer
	encoder *jsontext.Encoder
	err     error
}

func (w *recordWriter) token(t jsontext.Token) {
	if w.encoder == nil {
		w.encoder = jsontext.NewEncoder(&w.buffer, jsontext.AllowDuplicateNames(true))
	}
	if w.err == nil {
		w.err = w.encoder.WriteToken(t)
	}
}

func (w *recordWriter) name(name string)                { w.token(jsontext.String(name)) }
func (w *recordWriter) text(name, value string)         { w.name(name); w.token(jsontext.String(value)) }
func (w *recordWriter) number(name string, value int64) { w.name(name); w.token(jsontext.Int(value)) }

// item writes an item, or nothing when there is none.
func (w *recordWriter) item(name string, item map[string]types.AttributeValue) {
	if item == nil {
		return
	}
	w.name(name)
	w.attributes(item)
}

func (w *recordWriter) attributes(item map[string]types.AttributeValue) {
	w.token(jsontext.BeginObject)
	for name, value := range item {
		w.name(name)
		w.value(value)
	}
	w.token(jsontext.EndObject)
}

// value writes an attribute value in DynamoDB's JSON.
func (w *recordWriter) value(value types.AttributeValue) {
	w.token(jsontext.BeginObject)
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		w.text("S", v.Value)
	case *types.AttributeValueMemberN:
		w.text("N", v.Value)
	case *types.AttributeValueMemberB:
		w.text("B", base64.StdEncoding.EncodeToString(v.Value))
	case *types.AttributeValueMemberBOOL:
		w.name("BOOL")
		w.token(jsontext.Bool(v.Value))
	case *types.AttributeValueMemberNULL:
		w.name("NULL")
		w.token(jsontext.Bool(v.Value))
	case *types.AttributeValueMemberM:
		w.name("M")
		w.attributes(v.Value)
	case *types.AttributeValueMemberL:
		list(w, "L", v.Value, w.value)
	case *types.AttributeValueMemberSS:
		list(w, "SS", v.Value, w.string)
	case *types.AttributeValueMemberNS:
		list(w, "NS", v.Value, w.string)
	case *types.AttributeValueMemberBS:
		list(w, "BS", v.Value, func(b []byte) { w.string(base64.StdEncoding.EncodeToString(b)) })
	default:
		if w.err == nil {
			w.err = fmt.Errorf("attribute value of unknown kind %T", value)
		}
	}
	w.token(jsontext.EndObject)
}

func (w *recordWriter) string(s string) { w.token(jsontext.String(s)) }

func list[T any](w *recordWriter, name string, values []T, write func(T)) {
	w.name(name)
	w.token(jsontext.BeginArray)
	for _, v := range values {
		write(v)
	}
	w.token(jsontext.EndArray)
}

// identity writes who made the change: DynamoDB itself, for time to live.
func (w *recordWriter) identity(i *types.Identity) {
	if i == nil {
		return
	}
	w.name("userIdentity")
	w.token(jsontext.BeginObject)
	w.text("type", aws.ToString(i.Type))
	w.text("principalId", aws.ToString(i.PrincipalId))
	w.token(jsontext.EndObject)
}
