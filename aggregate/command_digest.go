package aggregate

import (
	"bytes"
	"crypto/sha256"
	"encoding/json/jsontext"
	"errors"
	"io"

	"daybook/events"
	"daybook/events/decimal"
	"daybook/personal"
)

func digest(parts ...string) (d events.Digest) {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	copy(d[:], h.Sum(nil))
	return d
}

// Digest is what a commit keeps of the command, so that a repeat is told from another
// command under the same id. For a command that creates, ID must be that of the stream.
// White space, the order of members, and how a number is spelled (5, 5.0) make no
// difference. Nor does the tenant: digests are compared within a stream, and by
// command ids, and two tenants share neither.
func (c Command) Digest() events.Digest {
	plain := personal.Plain(c.Payload)
	payload, err := canonicalPayload(plain.Clone())
	if err != nil {
		payload = plain
	}
	return digest(c.Name, c.ID, string(payload))
}

// canonicalPayload is JSON in the form that equal payloads share. Numbers stay
// exact: as the float64 of RFC 8785, large ids that differ would be equal.
func canonicalPayload(payload jsontext.Value) (jsontext.Value, error) {
	if err := payload.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return nil, err
	}
	d := jsontext.NewDecoder(bytes.NewReader(payload))
	canonical := make(jsontext.Value, 0, len(payload))
	copied := 0
	for {
		t, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return append(canonical, payload[copied:]...), nil
		}
		if err != nil {
			return nil, err
		}
		if t.Kind() == jsontext.KindNumber {
			text, end := t.String(), int(d.InputOffset())
			canonical = append(canonical, payload[copied:end-len(text)]...)
			canonical = append(canonical, decimal.Canonical(text)...)
			copied = end
		}
	}
}
