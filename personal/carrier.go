package personal

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
)

// mark is the one member of a carrier. It is another in each process, so that what a
// client sends is never taken for a carrier, and none can be read after it was stored.
var mark = "~" + random()

// erasedMark is the carried form of an erased value: a text, because a sealed one may
// have been planted in a field that is not marked, which must stay one that can be read.
var erasedMark = erasedText + random()

// random is a text of 128 random bits. They are the runtime's, a ChaCha8 that the
// operating system seeds: crypto/rand takes 0.1 ms to begin, at each cold start of
// programs without personal values too. Its length is the same in every process, since what
// is read at once depends on the sizes of what was read.
func random() string { return fixed(rand.Uint64()) + "." + fixed(rand.Uint64()) }

func fixed(n uint64) string {
	text := strconv.FormatUint(n, 36)
	return strings.Repeat("0", len(strconv.FormatUint(math.MaxUint64, 36))-len(text)) + text
}

// markBytes begins every carrier.
var (
	markBytes       = []byte(`{"` + mark + `":`)
	erasedMarkBytes = []byte(`"` + erasedMark + `"`)
)

// carriers writes Values in the carried form.
var carriers = sync.OnceValue(func() json.Options { return json.WithMarshalers(json.MarshalToFunc(writeCarrier)) })

// Marshal writes v as JSON with its personal values in the carried form. A type without
// any is written as encoding/json/v2 does. Values without a subject get that of v, if
// it has one (Subject).
func Marshal(v any) (jsontext.Value, error) {
	data, err := json.Marshal(v, json.Deterministic(true), carriers())
	if err != nil {
		return nil, err
	}
	if s, ok := v.(Subject); ok && Carries(data) {
		return assign(data, s.PersonalSubject())
	}
	return data, nil
}

func writeCarrier(e *jsontext.Encoder, v carried) error {
	value, of, erased, sealed := v.carry()
	if sealed != "" {
		return e.WriteToken(jsontext.String(sealed))
	}
	if erased {
		return e.WriteToken(jsontext.String(erasedMark))
	}
	if z, ok := v.(interface{ IsZero() bool }); ok && z.IsZero() && of.key == "" {
		return json.MarshalEncode(e, value) // nothing was set, so there is nothing to hide
	}
	for _, t := range []jsontext.Token{
		jsontext.BeginObject, jsontext.String(mark), jsontext.BeginArray, jsontext.String(of.subject), jsontext.String(of.key),
	} {
		if err := e.WriteToken(t); err != nil {
			return err
		}
	}
	if err := json.MarshalEncode(e, value); err != nil {
		return err
	}
	return errors.Join(e.WriteToken(jsontext.EndArray), e.WriteToken(jsontext.EndObject))
}

// carrier is a value in the carried form.
type carrier struct {
	origin
	value jsontext.Value
}

// readCarrier reads raw if it is a carrier.
func readCarrier(raw jsontext.Value) (c carrier, ok bool, err error) {
	if !bytes.HasPrefix(raw, markBytes) {
		return c, false, nil
	}
	var body map[string][]jsontext.Value
	if err := json.Unmarshal(raw, &body); err != nil || len(body[mark]) != 3 {
		return c, true, errors.New("a carried personal value can't be read")
	}
	parts := body[mark]
	c.value = parts[2]
	return c, true, errors.Join(json.Unmarshal(parts[0], &c.subject), json.Unmarshal(parts[1], &c.key))
}

// write appends the carrier's JSON.
func (c carrier) write(b []byte) []byte {
	b = append(append(b, markBytes...), '[')
	b, _ = jsontext.AppendQuote(b, c.subject) // valid UTF-8: it was read from JSON
	b = append(b, ',')
	b, _ = jsontext.AppendQuote(b, c.key)
	b = append(append(b, ','), c.value...)
	return append(b, ']', '}')
}

// Carries reports whether JSON holds carried values. It looks for the bytes of the
// mark, so it costs a few nanoseconds where there are none.
func Carries(data []byte) bool {
	return bytes.Contains(data, markBytes) || CarriesErased(data)
}

// CarriesErased reports whether JSON holds carried values that are erased.
func CarriesErased(data []byte) bool { return bytes.Contains(data, erasedMarkBytes) }

// Plain returns JSON with every personal value in the plain form: the value itself,
// null for an erased one. JSON without carried or erased values is returned as it is, and
// so is a text that looks sealed: opened JSON has none but those of clients.
func Plain(data jsontext.Value) jsontext.Value {
	if !Carries(data) {
		return data
	}
	out, err := rewrite(data, func(f found) ([]byte, error) {
		if f.carrier != nil {
			return f.carrier.value, nil
		}
		if f.text == erasedMark {
			return []byte("null"), nil
		}
		return nil, nil
	})
	if err != nil {
		return jsontext.Value("null") // data may hold a mark of this process, which never leaves it
	}
	return out
}

// Hide returns JSON with "[personal]" in place of personal values, and null in place of
// erased ones, for reports.
func Hide(data jsontext.Value) jsontext.Value {
	if !Carries(data) {
		return data
	}
	out, err := rewrite(data, func(f found) ([]byte, error) {
		if f.carrier == nil && f.text != erasedMark {
			return nil, nil
		}
		if f.carrier == nil {
			return []byte("null"), nil
		}
		return jsontext.AppendQuote(nil, hidden)
	})
	if err != nil {
		return jsontext.Value("null")
	}
	return out
}

// assign gives values without a subject one.
func assign(data jsontext.Value, subject string) (jsontext.Value, error) {
	return rewrite(data, func(f found) ([]byte, error) {
		if f.carrier == nil || f.carrier.subject != "" || subject == "" {
			return nil, nil
		}
		c := *f.carrier
		c.subject = subject
		return c.write(nil), nil
	})
}

// Carry turns the values at some places of plain JSON into carried ones; spans are
// their offsets in order, without overlap. What is carried or erased already, and null,
// stays.
func Carry(data jsontext.Value, spans [][2]int, subject string) jsontext.Value {
	if len(spans) == 0 {
		return data
	}
	out := make(jsontext.Value, 0, len(data)+64*len(spans))
	end := 0
	for _, s := range spans {
		value := data[s[0]:s[1]]
		out = append(out, data[end:s[0]]...)
		end = s[1]
		if _, taken := reserved(value); taken || value.Kind() == jsontext.KindNull || bytes.HasPrefix(value, markBytes) {
			out = append(out, value...)
			continue
		}
		out = carrier{origin: origin{subject: subject}, value: value}.write(out)
	}
	return append(out, data[end:]...)
}

// IsCarrier reports whether a JSON value is a personal one that went through a process
// of this program before: carried, or erased.
func IsCarrier(value jsontext.Value) bool {
	return bytes.HasPrefix(value, markBytes) || bytes.HasPrefix(value, erasedMarkBytes)
}
