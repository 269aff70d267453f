package dynamo

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/dynamo/signed"
)

// A row is stored as attributes of the item, one for each member, so that it can
// be read and searched in the console: strings as S, numbers as N, true, false
// and null as BOOL and NULL, arrays as L, objects as M. Attributes have no
// order; that of the row's members is kept beside them in a few bytes.
//
// A row comes back byte for byte. One that can't (space between members, a
// number that is not written as number.String writes it, such as 1.50 or 1e3, a
// string with an escape that it does not need, 30 levels of nesting, an empty name
// or one over 64 KB) is stored as text, in the attribute attrRaw.

// maxAttributeName is how long an attribute's name may be, in bytes; the empty one
// is none.
const maxAttributeName = 65535

// maxDepth is how deep a row may nest to be stored as attributes; DynamoDB's
// limit is 32.
const maxDepth = 30

// errNotNative says that a row can't be stored as attributes.
var errNotNative = errors.New("the row is stored as text")

// attributeName is the name of the attribute of a row's member. Names that begin
// with an underscore are Daybook's own, and so is the key's.
func attributeName(member string) string {
	if member == attrKey || strings.HasPrefix(member, "_") {
		return "__" + member
	}
	return member
}

// memberName is the inverse of attributeName; ok is false for an attribute that
// is not a member of the row.
func memberName(attribute string) (member string, ok bool) {
	if rest, escaped := strings.CutPrefix(attribute, "__"); escaped {
		return rest, true
	}
	return attribute, attribute != attrKey && !strings.HasPrefix(attribute, "_")
}

// rowText writes a row from its members, which it sorts. An order that does not fit
// them (an item that was changed by hand) counts as none: then they are sorted.
func rowText(members []signed.Attribute, order []byte) (jsontext.Value, error) {
	size := 2
	for _, m := range members {
		size += len(m.Name) + len(m.Text) + len(`"":"",`)
	}
	w := rowWriter{order: order, ordered: len(order) > 0}
	text, err := w.object(make([]byte, 0, size), members)
	if w.ordered && (w.failed || len(w.order) > 0) {
		w = rowWriter{}
		text, err = w.object(nil, members)
	}
	return text, err
}

// rowWriter turns attributes into JSON.
type rowWriter struct {
	order   []byte
	ordered bool
	failed  bool // the order does not fit
}

func (w *rowWriter) object(b []byte, members []signed.Attribute) ([]byte, error) {
	slices.SortFunc(members, func(a, b signed.Attribute) int { return strings.Compare(a.Name, b.Name) })
	places := w.places(len(members))
	b = append(b, '{')
	for i := range members {
		m := &members[i]
		if places != nil {
			m = &members[places[i]]
		}
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, m.Name); err != nil {
			return nil, err
		}
		if b, err = w.value(append(b, ':'), m); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// places returns where the members of an object of n stand among the sorted ones; nil
// when they are sorted.
func (w *rowWriter) places(n int) []int {
	if !w.ordered || w.failed || n < 2 {
		return nil
	}
	places, taken := make([]int, n), make([]bool, n)
	for i := range places {
		at, size := binary.Uvarint(w.order)
		if size <= 0 || at >= uint64(n) || taken[at] {
			w.failed = true
			return nil
		}
		w.order = w.order[size:]
		places[i], taken[at] = int(at), true
	}
	return places
}

func (w *rowWriter) value(b []byte, a *signed.Attribute) ([]byte, error) {
	switch a.Kind {
	case signed.KindS:
		return appendText(b, a.Text)
	case signed.KindN:
		if isPlainInteger(a.Text) {
			return append(b, a.Text...), nil
		}
		n, err := parseNumber(a.Text)
		return append(b, n.String()...), err
	}
	switch v := a.Value.(type) {
	case *types.AttributeValueMemberBOOL:
		return strconv.AppendBool(b, v.Value), nil
	case *types.AttributeValueMemberNULL:
		return append(b, "null"...), nil
	case *types.AttributeValueMemberM:
		return w.object(b, signed.AttributesOf(v.Value))
	case *types.AttributeValueMemberL:
		b = append(b, '[')
		for i, e := range v.Value {
			if i > 0 {
				b = append(b, ',')
			}
			element := signed.AttributeOf("", e)
			var err error
			if b, err = w.value(b, &element); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	return nil, errors.New("an attribute has a type that no row has")
}

// appendText appends a JSON string.
func appendText(b []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return jsontext.AppendQuote(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

// isPlainInteger reports whether a text is an integer as number.String writes it,
// without looking closer at long ones.
func isPlainInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(text) > 1 {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
