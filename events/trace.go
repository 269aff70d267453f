package events

import (
	"encoding/hex"
	"strings"
)

// traceLength is the length of a traceparent of version 00, in characters.
const traceLength = 55

// TraceParent returns the trace context that a W3C traceparent header names, as
// version 00 writes it ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
// and "" for a header that is not valid, which is to be ignored
// (https://www.w3.org/TR/trace-context). A later version is read as far as it is
// like 00, as the standard asks.
func TraceParent(header string) string {
	if len(header) < traceLength || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return ""
	}
	version, id, parent, flags := header[:2], header[3:35], header[36:52], header[53:55]
	for _, part := range []string{version, id, parent, flags} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return ""
		}
	}
	later := len(header) > traceLength
	switch {
	case version == "ff", version == "00" && later, later && header[traceLength] != '-':
		return ""
	case strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "":
		return ""
	}
	return "00" + header[2:traceLength]
}

// PackTrace returns what a traceparent of version 00 says in 25 bytes: ids and
// flags; nil for any other text.
func PackTrace(trace string) []byte {
	if TraceParent(trace) != trace || trace == "" {
		return nil
	}
	packed, err := hex.DecodeString(trace[3:35] + trace[36:52] + trace[53:])
	if err != nil {
		return nil
	}
	return packed
}

// UnpackTrace is the inverse of PackTrace; "" for other bytes.
func UnpackTrace(packed []byte) string {
	if len(packed) != 25 {
		return ""
	}
	text := hex.EncodeToString(packed)
	return TraceParent("00-" + text[:32] + "-" + text[32:48] + "-" + text[48:])
}
