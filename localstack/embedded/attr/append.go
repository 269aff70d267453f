package attr

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"slices"
)

// AppendJSON appends the wire JSON of an item to dst, its names sorted and the
// members of its sets in ascending order.
func AppendJSON(dst []byte, it Item) []byte {
	d := decoder{s: string(Encode(nil, it))}
	return d.appendItem(dst)
}

// appendTag appends {"S": with the type's name.
func appendTag(dst []byte, k Kind) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, k.String()...)
	return append(dst, `":`...)
}

// appendScalar appends the JSON string of an S, N or B.
func appendScalar(dst []byte, v Value) []byte {
	switch v.kind {
	case Number:
		dst = append(dst, '"')
		dst = v.num.Append(dst)
		return append(dst, '"')
	case Binary:
		return appendBinary(dst, v.str)
	}
	return AppendText(dst, v.str)
}

func appendBinary(dst []byte, b string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(b))
	return append(dst, '"')
}

// AppendText appends a JSON string. Text without anything to escape, the common
// case, is copied; invalid UTF-8 becomes valid JSON nevertheless.
func AppendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := jsontext.AppendQuote(dst, s) // its error is about the UTF-8
			return quoted
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func sortedNames(it Item) []string {
	names := make([]string, 0, len(it))
	for name := range it {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
