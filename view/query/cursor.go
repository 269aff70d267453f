package query

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
)

// A cursor is, in base64url without padding:
//
//	1 byte    format, 2
//	uvarint   version of the view whose table it was begun on
//	uvarint   generation of that table
//	8 bytes   fingerprint of the query
//	for each range that was read from, in order:
//	  uvarint  number of the range
//	  uvarint  length of the sort key, and its text
//	  uvarint  length of the item's key, and the key
//	4 bytes   digest of all before
//
// It says where the client stands and holds nothing that the client has not
// seen or that it could not ask for: keys are written without the tenant, to which
// the fingerprint binds it.
const cursorFormat = 2

const (
	cursorPrint = 8
	cursorCheck = 4
	maxCursor   = 256 << 10 // characters
)

// cursorHead is what a cursor of a table begins with.
func cursorHead(v *routing.TableView, fingerprint [cursorPrint]byte) []byte {
	b := binary.AppendUvarint([]byte{cursorFormat}, uint64(v.Version))
	b = binary.AppendUvarint(b, uint64(v.Generation))
	return append(b, fingerprint[:]...)
}

// cursorBytes decodes the text of a cursor, nil when it is not one. A cursor has one text:
// the decoder would ignore line breaks in it.
func cursorBytes(cursor string) []byte {
	if len(cursor) > maxCursor || strings.ContainsAny(cursor, "\r\n") {
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil
	}
	return b
}

// cursorTarget returns the table that a cursor says it was begun on. ok is false
// for a text that is not a cursor; one that is damaged after that is found out later.
func cursorTarget(view, cursor string) (t driver.Target, ok bool) {
	b := cursorBytes(cursor)
	if len(b) == 0 || b[0] != cursorFormat {
		return driver.Target{}, false
	}
	version, n := binary.Uvarint(b[1:])
	if n <= 0 || version > maxTargetNumber {
		return driver.Target{}, false
	}
	generation, n := binary.Uvarint(b[1+n:])
	return driver.Target{View: view, Version: int(version), Generation: int(generation)}, n > 0 && generation <= maxTargetNumber
}

// maxTargetNumber bounds versions and generations in cursors.
const maxTargetNumber = 1 << 30

// encodeCursor writes the places behind which the ranges go on; nil for a range
// that was not read from.
func encodeCursor(tenant string, v *routing.TableView, fingerprint [cursorPrint]byte, places []*driver.Place) string {
	b := cursorHead(v, fingerprint)
	scope := definition.Scope(tenant)
	for i, p := range places {
		if p == nil {
			continue
		}
		b = binary.AppendUvarint(b, uint64(i))
		for _, text := range []string{p.Sort.Text, strings.TrimPrefix(p.Key, scope)} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(append(b, sum[:cursorCheck]...))
}

// decodeCursor reads the cursor of a query, which is one of the plan's ranges; "" is
// the beginning. Its error is malformed and names the cursor.
func decodeCursor(q *query, v *routing.TableView, fingerprint [cursorPrint]byte, p *plan) ([]*driver.Place, error) {
	places := make([]*driver.Place, max(1, len(p.ranges)))
	cursor, scope := q.cursor, definition.Scope(q.tenant)
	if cursor == "" {
		return places, nil
	}
	bad := events.Malformed(paramCursor, "is not a cursor of this query")
	b := cursorBytes(cursor)
	head := cursorHead(v, fingerprint)
	if len(b) < len(head)+cursorCheck {
		return nil, bad
	}
	body, check := b[:len(b)-cursorCheck], b[len(b)-cursorCheck:]
	sum := sha256.Sum256(body)
	if !slices.Equal(check, sum[:cursorCheck]) || !slices.Equal(body[:len(head)], head) {
		return nil, bad
	}
	last := -1
	for rest := body[len(head):]; len(rest) > 0; {
		var sort, key string
		number, n := binary.Uvarint(rest)
		if n <= 0 || number >= uint64(len(places)) || int(number) <= last {
			return nil, bad
		}
		rest = rest[n:]
		for _, text := range []*string{&sort, &key} {
			length, n := binary.Uvarint(rest)
			if n <= 0 || length > uint64(len(rest)-n) {
				return nil, bad
			}
			*text, rest = string(rest[n:n+int(length)]), rest[n+int(length):]
		}
		last = int(number)
		place := &driver.Place{Sort: driver.Sort{Kind: driver.SortString, Text: sort}, Key: scope + key}
		if p.sort.Kind.Number() {
			place.Sort.Kind = driver.SortNumber
		}
		if len(key) > definition.MaxPlainKey+len(definition.ReservedPrefix) || !p.allows(last, place) {
			return nil, bad
		}
		places[last] = place
	}
	return places, nil
}

// allows reports whether a place can be one of the numbered range: databases
// refuse to go on from anywhere else.
func (p *plan) allows(number int, place *driver.Place) bool {
	if !definition.IsRow(place.Key) || !utf8.ValidString(place.Key) || !place.Sort.Valid() {
		return false
	}
	if place.Sort.Kind == driver.SortString && !strings.HasPrefix(place.Sort.Text, definition.StringPrefix) {
		return false
	}
	if len(p.ranges) == 0 {
		return true
	}
	r := p.ranges[number]
	if r.Low != nil {
		if c := place.Sort.Compare(r.Low.Sort); c < 0 || c == 0 && r.Low.Open {
			return false
		}
	}
	if r.High != nil {
		if c := place.Sort.Compare(r.High.Sort); c > 0 || c == 0 && r.High.Open {
			return false
		}
	}
	return strings.HasPrefix(place.Sort.Text, r.Prefix)
}
