package personal

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json/jsontext"
	"errors"
	"strconv"
	"strings"
)

// Sealer turns carried values into sealed ones before they are stored, and back after
// they were read. It is safe for concurrent use.
type Sealer struct{ ring *Ring }

// NewSealer returns a sealer with the keys of a ring.
func NewSealer(ring *Ring) *Sealer { return &Sealer{ring: ring} }

// Ring returns the sealer's keys.
func (s *Sealer) Ring() *Ring { return s.ring }

// Doc is JSON at a place.
type Doc struct {
	Place Place
	Data  *jsontext.Value
}

// errNoSubject is a personal value of nobody.
var errNoSubject = errors.New("a personal value has no subject: take it from an event, or say whose it is with personal.About")

// Seal seals the carried values of documents in place, and escapes texts that look like
// sealed ones; JSON without any stays the same bytes and costs nothing. A subject without a key gets one, but for a value whose own
// key was deleted: it is erased. Each call seals with new nonces: what is sent again
// must be what was sealed once.
func (s *Sealer) Seal(ctx context.Context, docs []Doc) error {
	docs = only(docs, NeedsSealing)
	if len(docs) == 0 {
		return nil
	}
	var known []origin
	var subjects []string // of values that have no key yet
	seen := map[string]bool{}
	err := each(docs, func(p Place, f found) ([]byte, error) {
		switch of, err := ofCarrier(p, f); {
		case f.carrier == nil:
		case err != nil:
			return nil, err
		case of.key != "":
			known = append(known, of)
		case !seen[of.subject]:
			seen[of.subject] = true
			subjects = append(subjects, of.subject)
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	keys, err := s.ring.sealing(ctx, subjects)
	if err != nil {
		return err
	}
	old, err := s.ring.opening(ctx, known)
	if err != nil {
		return err
	}
	return each(docs, func(p Place, f found) ([]byte, error) {
		if f.text == erasedMark {
			return jsontext.AppendQuote(nil, erasedText)
		}
		if f.carrier == nil {
			return escape(f.text)
		}
		of, err := ofCarrier(p, f)
		if err != nil {
			return nil, err
		}
		aead := old[of]
		if k := keys[of.subject]; of.key == "" {
			of.key, aead = k.id, k.aead
		}
		if aead == nil {
			return jsontext.AppendQuote(nil, erasedText)
		}
		v := sealedValue{origin: of, box: aead.Seal(nil, nil, f.carrier.value, p.bind(of, f.pointer))}
		if v.subject == p.Subject {
			v.subject = ""
		}
		return jsontext.AppendQuote(nil, v.text())
	})
}

// ofCarrier returns whose a carried value at a place is, and its key if it has one.
func ofCarrier(p Place, f found) (of origin, err error) {
	if f.carrier != nil {
		of = f.carrier.origin
	}
	of.subject, err = p.subject(of.subject)
	return of, err
}

// Open opens the sealed values of documents in place: carried, or erased where the key
// was deleted. JSON without any stays the same bytes and costs nothing. A value that
// its key refuses is one that decoding it into its type reports.
func (s *Sealer) Open(ctx context.Context, docs []Doc) error {
	docs = only(docs, Seals)
	if len(docs) == 0 {
		return nil
	}
	var wanted []origin
	read := func(p Place, f found) (v sealedValue, ok bool) {
		if f.carrier != nil {
			return v, false
		}
		if v, ok = parseSealed(f.text); ok && v.subject == "" {
			v.subject = p.Subject
		}
		return v, ok
	}
	err := each(docs, func(p Place, f found) ([]byte, error) {
		if v, ok := read(p, f); ok {
			wanted = append(wanted, v.origin)
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	keys, err := s.ring.opening(ctx, wanted)
	if err != nil {
		return err
	}
	return each(docs, func(p Place, f found) ([]byte, error) {
		if f.text == erasedText {
			return jsontext.AppendQuote(nil, erasedMark)
		}
		if text, escaped := strings.CutPrefix(f.text, escapedPrefix); escaped {
			return jsontext.AppendQuote(nil, text)
		}
		v, ok := read(p, f)
		if !ok {
			return nil, nil
		}
		aead := keys[v.origin]
		if aead == nil {
			return jsontext.AppendQuote(nil, erasedMark)
		}
		value, err := aead.Open(nil, nil, v.box, p.bind(v.origin, f.pointer))
		if err != nil {
			return jsontext.AppendQuote(nil, alteredText)
		}
		return carrier{origin: v.origin, value: value}.write(nil), nil
	})
}

// NeedsSealing reports whether Seal may change JSON.
func NeedsSealing(data []byte) bool { return Carries(data) || Seals(data) }

// Seals reports whether JSON may hold sealed values.
func Seals(data []byte) bool { return bytes.Contains(data, prefixBytes) }

func only(docs []Doc, holds func([]byte) bool) []Doc {
	var some []Doc
	for _, d := range docs {
		if holds(*d.Data) {
			some = append(some, d)
		}
	}
	return some
}

// each rewrites documents.
func each(docs []Doc, f func(Place, found) ([]byte, error)) error {
	for _, d := range docs {
		data, err := rewrite(*d.Data, func(one found) ([]byte, error) { return f(d.Place, one) })
		if err != nil {
			return err
		}
		*d.Data = data
	}
	return nil
}

// claimsSubject owns the key that hashes claims. It is not the name of a stream, so that
// no erasure deletes it.
const claimsSubject = "~claims"

// hashPrefix begins the hash of a claimed value.
const hashPrefix = "~h1."

// Hash returns a keyed hash of a value of a kind: always the same in an application,
// and of no use to anybody without its key.
func (s *Sealer) Hash(ctx context.Context, kind, value string) (string, error) {
	keys, err := s.ring.sealing(ctx, []string{claimsSubject})
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, keys[claimsSubject].plain)
	mac.Write(strconv.AppendQuote(nil, kind))
	mac.Write([]byte(value))
	return hashPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}
