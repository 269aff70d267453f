package api

import (
	"encoding/base64"
	"encoding/json/jsontext"
	"strings"
	"unicode"
	"unicode/utf8"

	"daybook/events"
)

// encodedMark begins a segment that holds base64url in place of plain text.
const encodedMark = "~"

// segmentEncoding is strict, so that a value has one encoding.
var segmentEncoding = base64.RawURLEncoding.Strict()

// notPlain are the characters that no plain segment holds, for a class of a pattern:
// unfit, and the ASCII that EncodeSegment writes as base64url. Other scripts' signs,
// which it writes so too, are not told apart here.
const notPlain = unfit + `\x21-\x2c\x2f\x3a-\x3f\x5b-\x5e\x60\x7b-\x7d`

// The forms of an id and of a row's key as a segment. Encoded, an id of 128 characters
// of four bytes has 683; how long a key may be is the view's to say.
const (
	idSegment  = `^(~[A-Za-z0-9_-]{2,683}|[^~` + notPlain + `][^` + notPlain + `]{0,127})$`
	keySegment = `^(~[A-Za-z0-9_-]{2,}|[^~` + notPlain + `][^` + notPlain + `]*)$`
)

func idSegmentParameter(name string) parameter  { return segmentParameter(name, idSegment) }
func keySegmentParameter(name string) parameter { return segmentParameter(name, keySegment) }

// segmentParameter describes a segment that EncodeSegment writes.
func segmentParameter(name, pattern string) parameter {
	return parameter{
		Name: name, In: "path", Required: true, Schema: jsontext.Value(`{"type":"string","minLength":1,"pattern":` + string(text(pattern)) + `}`),
		Description: "Percent-encoded as usual, if it has only letters, digits, spaces and - . _ ~ @. Any other value, " +
			". and .., and one that begins with ~ is written ~ and the base64url, without padding, of its UTF-8.",
	}
}

// EncodeSegment writes a value (an id, a row's key, a command id) as one segment
// of a path that an HTTP API and a REST API of API Gateway both hand on unchanged.
//
// A value of characters that both carry is percent-encoded: ASCII letters and
// digits, letters and marks of other scripts, the space, and - . _ ~ @. Any other
// value, the values "." and ".." and one that begins with ~ is written as ~ and
// the base64url, without padding, of its UTF-8 bytes: an HTTP API decodes a path
// twice, cuts it at %3F and rejects %25, and clients resolve dots.
func EncodeSegment(value string) string {
	if !plainSegment(value) {
		return encodedMark + segmentEncoding.EncodeToString([]byte(value))
	}
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; unreserved(c) {
			b.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// DecodeSegment reads what EncodeSegment wrote, after the percent-decoding: plain
// text, or ~ and base64url. The error has code malformed and names field.
func DecodeSegment(field, segment string) (string, error) {
	encoded, ok := strings.CutPrefix(segment, encodedMark)
	if !ok {
		return segment, nil
	}
	value, err := segmentEncoding.DecodeString(encoded)
	// The decoder passes over line breaks.
	if err != nil || len(value) == 0 || strings.ContainsAny(encoded, "\r\n") || !utf8.Valid(value) {
		return "", events.Malformed(field, "after ~ must be the base64url, without padding, of a value in UTF-8; "+
			"a value that itself begins with ~ is encoded too: ~x is written ~fng")
	}
	return string(value), nil
}

// plainSegment reports whether a value can be written without base64url.
func plainSegment(value string) bool {
	if value == "" || value == "." || value == ".." || strings.HasPrefix(value, encodedMark) || !utf8.ValidString(value) {
		return false
	}
	for _, r := range value {
		switch {
		case r < utf8.RuneSelf && (unreserved(byte(r)) || r == ' ' || r == '@'):
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return true
}

// unreserved reports whether RFC 3986 lets c stand in a URL as itself.
func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
