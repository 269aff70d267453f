package signed

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"strconv"

	"github.com/aws/smithy-go"
)

// encoder writes the input of an operation as JSON. The inputs know their members
// and say them to it in order; schemas give their names.
type encoder struct {
	smithy.ShapeSerializer // nil: the hot operations have no members of other types

	buf []byte
	// bare says that the next value follows a key: it needs neither name nor comma.
	bare bool
}

func (e *encoder) reset() { e.buf, e.bare = e.buf[:0], false }

// Bytes implements smithy.ShapeSerializer. The bytes are valid until reset.
func (e *encoder) Bytes() []byte { return e.buf }

// begin writes what stands before a value: a comma behind another value, and the
// name of a member. A list's element has the schema "member".
func (e *encoder) begin(s *smithy.Schema) {
	if e.bare || len(e.buf) == 0 {
		e.bare = false
		return
	}
	e.comma()
	if name := s.MemberName(); e.inObject(name) {
		e.name(name)
	}
}

func (e *encoder) inObject(name string) bool { return name != "" && name != listMember }

// listMember is the name of a list's elements in schemas.
const listMember = "member"

func (e *encoder) comma() {
	if last := e.buf[len(e.buf)-1]; last != '{' && last != '[' {
		e.buf = append(e.buf, ',')
	}
}

// name writes the name of a member, which is made of letters.
func (e *encoder) name(name string) {
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

func (e *encoder) open(s *smithy.Schema, c byte) {
	e.begin(s)
	e.buf = append(e.buf, c)
}

// text writes a string; what is not UTF-8 in it becomes U+FFFD, as with the SDK.
func (e *encoder) text(v string) {
	for i := range len(v) {
		if c := v[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			e.buf, _ = jsontext.AppendQuote(e.buf, v)
			return
		}
	}
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, v...)
	e.buf = append(e.buf, '"')
}

func (e *encoder) WriteBool(s *smithy.Schema, v bool) {
	e.begin(s)
	e.buf = strconv.AppendBool(e.buf, v)
}

func (e *encoder) WriteInt32(s *smithy.Schema, v int32) { e.WriteInt64(s, int64(v)) }

func (e *encoder) WriteInt64(s *smithy.Schema, v int64) {
	e.begin(s)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

func (e *encoder) WriteString(s *smithy.Schema, v string) {
	e.begin(s)
	e.text(v)
}

func (e *encoder) WriteBlob(s *smithy.Schema, v []byte) {
	if v == nil {
		e.WriteNil(s)
		return
	}
	e.begin(s)
	e.buf = append(e.buf, '"')
	e.buf = base64.StdEncoding.AppendEncode(e.buf, v)
	e.buf = append(e.buf, '"')
}

func (e *encoder) WriteNil(s *smithy.Schema) {
	e.begin(s)
	e.buf = append(e.buf, "null"...)
}

func (e *encoder) WriteUnion(s, variant *smithy.Schema) {
	e.open(s, '{')
	e.name(variant.MemberName())
	e.bare = true
}

func (e *encoder) CloseUnion()                  { e.CloseStruct() }
func (e *encoder) WriteStruct(s *smithy.Schema) { e.open(s, '{') }
func (e *encoder) CloseStruct()                 { e.buf, e.bare = append(e.buf, '}'), false }
func (e *encoder) WriteList(s *smithy.Schema)   { e.open(s, '[') }
func (e *encoder) CloseList()                   { e.buf = append(e.buf, ']') }
func (e *encoder) WriteMap(s *smithy.Schema)    { e.open(s, '{') }
func (e *encoder) CloseMap()                    { e.CloseStruct() }

func (e *encoder) WriteKey(_ *smithy.Schema, key string) {
	e.comma()
	e.text(key)
	e.buf = append(e.buf, ':')
	e.bare = true
}
