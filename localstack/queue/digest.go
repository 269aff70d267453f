package queue

import (
	"crypto/md5" //nolint:gosec // SQS's clients check answers by MD5
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// messageAttribute is a value of a message's attributes.
type messageAttribute struct {
	DataType         string
	StringValue      *string  `json:",omitzero"`
	BinaryValue      []byte   `json:",omitzero"`
	StringListValues []string `json:",omitempty"`
	BinaryListValues [][]byte `json:",omitempty"`
}

type messageAttributes map[string]messageAttribute

func digest(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// digest is SQS's over attributes, "" for none: for each, in the order of their
// names, the name, the type, the kind of the value and the value, each with its
// length before it.
func (a messageAttributes) digest() string {
	if len(a) == 0 {
		return ""
	}
	var b []byte
	field := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		value := a[name]
		field(name)
		field(value.DataType)
		if value.binary() {
			b = append(b, 2)
			field(string(value.BinaryValue))
		} else {
			b = append(b, 1)
			field(*value.StringValue)
		}
	}
	return digest(string(b))
}

func (v messageAttribute) binary() bool { return strings.HasPrefix(v.DataType, "Binary") }

// check returns the error of the first attribute that is none.
func (a messageAttributes) check() error {
	if len(a) > 10 {
		return invalidValue("Number of message attributes [%d] exceeds the allowed maximum [10].", len(a))
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		value := a[name]
		kind, _, _ := strings.Cut(value.DataType, ".")
		switch {
		case !validAttributeName(name):
			return invalidValue("The message attribute name '%s' is invalid.", name)
		case value.StringListValues != nil || value.BinaryListValues != nil:
			return unsupported("Message attribute lists in SendMessage operations are not supported.")
		case kind != "String" && kind != "Number" && kind != "Binary":
			return invalidValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
		case kind == "Binary" && len(value.BinaryValue) == 0, kind != "Binary" && (value.StringValue == nil || *value.StringValue == ""):
			return invalidValue("The message attribute '%s' must contain a non-empty message attribute value of its type.", name)
		case kind != "Binary" && !validText(*value.StringValue):
			return invalidValue("The value of message attribute '%s' has characters that are not allowed.", name)
		}
	}
	return nil
}

// size is what attributes count for in a message's size, in bytes.
func (a messageAttributes) size() (n int) {
	for name, value := range a {
		n += len(name) + len(value.DataType) + len(value.BinaryValue)
		if value.StringValue != nil {
			n += len(*value.StringValue)
		}
	}
	return n
}

func validAttributeName(name string) bool {
	lower := strings.ToLower(name)
	if name == "" || len(name) > 256 || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' || r == '.')
	})
}

// validText reports whether a text has only the characters that SQS takes.
func validText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !(r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF)
	})
}
