package personal

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The sealed forms. A text of a field that is not marked and has such a form is stored
// escaped. One that only begins like it stays what it is.
const (
	prefix        = "~p"
	sealedPrefix  = prefix + "1."
	erasedText    = prefix + "0" // stored where a value went on after its key was deleted
	alteredText   = prefix + "!" // never stored: its key refused it
	escapedPrefix = prefix + "="
)

// escape returns what is stored of a text of the reserved form that is not sealed, nil for
// the text itself.
func escape(text string) ([]byte, error) {
	if _, looksSealed := parseSealed(text); !looksSealed && text != erasedText && !strings.HasPrefix(text, escapedPrefix) {
		return nil, nil
	}
	return jsontext.AppendQuote(nil, escapedPrefix+text)
}

var prefixBytes = []byte(`"` + prefix)

// reserved returns the text of a JSON string that begins as sealed values do.
func reserved(raw jsontext.Value) (string, bool) {
	if !bytes.HasPrefix(raw, prefixBytes) {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err == nil
}

// IsReserved reports whether a JSON value is a string that begins as sealed ones do,
// which no client may send in a marked field.
func IsReserved(value jsontext.Value) bool { return bytes.HasPrefix(value, prefixBytes) }

// sealedValue is a sealed text's parts.
type sealedValue struct {
	origin // the subject is "" for that of the place
	box    []byte
}

func (s sealedValue) text() string {
	t := sealedPrefix + s.key + "." + base64.RawURLEncoding.EncodeToString(s.box)
	if s.subject != "" {
		t += "." + s.subject
	}
	return t
}

// parseSealed reads what text wrote.
func parseSealed(text string) (s sealedValue, ok bool) {
	rest, ok := strings.CutPrefix(text, sealedPrefix)
	if !ok {
		return s, false
	}
	key, rest, ok := strings.Cut(rest, ".")
	if !ok || len(key) != keyIDLength {
		return s, false
	}
	box, subject, _ := strings.Cut(rest, ".")
	s.key, s.subject = key, subject
	var err error
	s.box, err = base64.RawURLEncoding.DecodeString(box)
	return s, err == nil
}

// found is a personal value in JSON.
type found struct {
	pointer string
	carrier *carrier
	text    string // of a string of the reserved form
}

// rewrite calls f with each carrier and each string of the reserved form in data, and
// returns data with what f returned in their place; nil leaves one as it is.
func rewrite(data jsontext.Value, f func(found) ([]byte, error)) (jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	var out []byte
	copied := 0
	replace := func(one found, from, to int) error {
		one.pointer = string(d.StackPointer())
		by, err := f(one)
		if err != nil || by == nil {
			return err
		}
		out = append(append(out, data[copied:from]...), by...)
		copied = to
		return nil
	}
	for {
		kind := d.PeekKind()
		parent, n := d.StackIndex(d.StackDepth())
		isName := parent == jsontext.KindBeginObject && n%2 == 0
		from := int(d.InputOffset())
		from += leading(data[from:])
		var one found
		switch {
		case isName || kind != jsontext.KindString && kind != jsontext.KindBeginObject:
		case kind == jsontext.KindString:
			if bytes.HasPrefix(data[from:], prefixBytes) {
				raw, err := d.ReadValue()
				if err != nil {
					return nil, err
				}
				one.text, _ = reserved(raw)
			}
		case bytes.HasPrefix(data[from:], markBytes):
			raw, err := d.ReadValue()
			if err != nil {
				return nil, err
			}
			c, _, err := readCarrier(raw.Clone())
			if err != nil {
				return nil, err
			}
			one.carrier = &c
		}
		if one.text != "" || one.carrier != nil {
			if err := replace(one, from, int(d.InputOffset())); err != nil {
				return nil, err
			}
			continue
		}
		if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if out == nil {
		return data, nil
	}
	return append(out, data[copied:]...), nil
}

// leading counts the white space and separators before a JSON value.
func leading(data []byte) int {
	return len(data) - len(bytes.TrimLeft(data, " \t\r\n,:"))
}

// Place says where a value is stored. It is authenticated with the value, which can be
// opened at this place only.
type Place struct {
	// Tenant is whose place it is, "" without tenants: a subject that a value names is
	// another person for each tenant.
	Tenant string
	// Subject is that of values which name none: the stream; "" where every value must
	// have one.
	Subject string
	// Bound are the names of the place, such as the stream and the event.
	Bound []string
}

// errOtherTenant is a personal value that is stored for another tenant.
var errOtherTenant = errors.New("a personal value of a tenant's person is stored for another tenant, or for none")

// subject is whom a value is about that names a subject, "" for none: "acme:user/7" for
// "user/7" at a place of tenant acme. It begins with the tenant as a stream's name does.
func (p Place) subject(named string) (string, error) {
	named = cmp.Or(named, p.Subject)
	of, _, _ := strings.Cut(named, "/")
	tenant, _, scoped := strings.Cut(of, ":")
	switch {
	case named == "":
		return "", errNoSubject
	case p.Tenant == "" || scoped && tenant == p.Tenant:
		return named, nil
	case scoped:
		return "", errOtherTenant
	}
	return p.Tenant + ":" + named, nil
}

// bind is the additional data of a value at a path of the place.
func (p Place) bind(of origin, pointer string) []byte {
	b := []byte("daybook personal 1")
	for _, part := range append([]string{of.subject, of.key, pointer}, p.Bound...) {
		b = strconv.AppendQuote(append(b, ' '), part)
	}
	return b
}
