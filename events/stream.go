package events

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDLength is the largest length of an aggregate id, a command id or an
// aggregate name, in characters. With it a stream name stays far below
// DynamoDB's 2,048-byte limit of a partition key.
const MaxIDLength = 128

// MaxTenantLength is the largest length of a tenant's name, in bytes. It keeps the keys
// of rows and index entries that begin with one below DynamoDB's limits.
const MaxTenantLength = 64

// Stream names the events of one aggregate: "user/7". Its first part is the
// aggregate's name and holds no slash; the rest is the aggregate's id. In an
// application with tenants the tenant's name and a colon come first: "acme:user/7".
// Streams of two tenants are as different as any two streams.
type Stream string

// StreamOf joins an aggregate's name and id. It does not validate them; see
// ParseStream and ValidateID.
func StreamOf(aggregate, id string) Stream { return Stream(aggregate + "/" + id) }

// In returns the stream of the same aggregate and id of a tenant, "" for none.
func (s Stream) In(tenant string) Stream {
	plain := s[len(s.scope()):]
	return Stream(Scoped(tenant, string(plain)))
}

// Scoped is a name as it is kept for a tenant: "acme:name"; the name itself for the
// tenant "".
func Scoped(tenant, name string) string {
	if tenant == "" {
		return name
	}
	return tenant + ":" + name
}

// Tenant returns the tenant whose stream it is: "acme" of "acme:user/7"; "" for none.
func (s Stream) Tenant() string {
	if scope := s.scope(); scope != "" {
		return string(scope[:len(scope)-1])
	}
	return ""
}

// scope is what comes before the aggregate's name: "acme:", or nothing. The id may hold
// colons.
func (s Stream) scope() Stream {
	aggregate, _, _ := strings.Cut(string(s), "/")
	return s[:strings.IndexByte(aggregate, ':')+1]
}

// ParseStored validates s as a stream name as stores and operators write it: with the
// tenant, if there is one. Its error has code malformed.
func ParseStored(s string) (Stream, error) {
	scope := Stream(s).scope()
	if scope != "" {
		if err := ValidateTenant("stream", string(scope[:len(scope)-1])); err != nil {
			return "", err
		}
	}
	if _, err := ParseStream(s[len(scope):]); err != nil {
		return "", err
	}
	return Stream(s), nil
}

// ValidateTenant reports whether name can name a tenant: 1 to MaxTenantLength ASCII
// letters, digits and . _ -, beginning with a letter or a digit. Upper and lower case
// are different tenants. The error has code malformed and names field.
func ValidateTenant(field, name string) error {
	if name == "" || len(name) > MaxTenantLength {
		return Malformed(field, "a tenant's name has 1 to "+strconv.Itoa(MaxTenantLength)+" characters")
	}
	for i, r := range []byte(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case i > 0 && (r == '.' || r == '_' || r == '-'):
		default:
			return Malformed(field, "a tenant's name has letters, digits and . _ -, beginning with a letter or a digit")
		}
	}
	return nil
}

// CheckTenant reports whether a request can be one of tenant: where the application has
// tenants (on) it names one, and elsewhere none. Codes: tenant-required; malformed.
func CheckTenant(on bool, tenant string) error {
	switch {
	case on && tenant == "":
		return Errorf(CodeTenantRequired, "the request names no tenant, and the application keeps the data of tenants apart")
	case on:
		return ValidateTenant("tenant", tenant)
	case tenant != "":
		return Malformed("tenant", "the application has no tenants")
	}
	return nil
}

// ParseStream validates s as a stream name without a tenant, as clients write it. Its
// error has code malformed.
func ParseStream(s string) (Stream, error) {
	aggregate, id, ok := strings.Cut(s, "/")
	if !ok {
		return "", Malformed("stream", "a stream is written aggregate/id")
	}
	if err := ValidateName("stream", aggregate); err != nil {
		return "", err
	}
	if err := ValidateID("stream", id); err != nil {
		return "", err
	}
	return Stream(s), nil
}

// Aggregate returns the name of the aggregate: "user" of "user/7" and of "acme:user/7".
func (s Stream) Aggregate() string {
	aggregate, _, _ := strings.Cut(string(s), "/")
	return aggregate[strings.IndexByte(aggregate, ':')+1:]
}

// ID returns the id of the aggregate: "7" of "user/7".
func (s Stream) ID() string {
	_, id, _ := strings.Cut(string(s), "/")
	return id
}

// ValidateID reports whether id can name an aggregate or a command: one to
// MaxIDLength characters of valid UTF-8, none of them a control character. The
// error has code malformed and names field.
func ValidateID(field, id string) error {
	switch {
	case id == "":
		return Malformed(field, "must not be empty")
	case !utf8.ValidString(id):
		return Malformed(field, "must be valid UTF-8")
	case utf8.RuneCountInString(id) > MaxIDLength:
		return Malformed(field, "must have at most "+strconv.Itoa(MaxIDLength)+" characters")
	case strings.ContainsFunc(id, unicode.IsControl):
		return Malformed(field, "must not hold control characters")
	}
	return nil
}

// ValidateName reports whether name can name an aggregate, an event, a command,
// a view or an index: lower-case letters, digits and inner hyphens, beginning
// with a letter, at most 64 characters. The error has code malformed and names
// field.
func ValidateName(field, name string) error {
	if name == "" || len(name) > 64 {
		return Malformed(field, "must have 1 to 64 characters")
	}
	for i, r := range []byte(name) {
		switch {
		case r >= 'a' && r <= 'z':
		case i > 0 && r >= '0' && r <= '9':
		case i > 0 && i < len(name)-1 && r == '-':
		default:
			return Malformed(field, "must be lower-case letters, digits and inner hyphens, beginning with a letter")
		}
	}
	return nil
}

// Token is a consistency token: it names a stream and a version of it, written
// "user/7@3". A query that is given one sees at least that version.
type Token struct {
	Stream  Stream
	Version int64 // number of events in the stream, at least 1
}

// String writes the token as ParseStoredToken reads it.
func (t Token) String() string {
	return string(t.Stream) + "@" + strconv.FormatInt(t.Version, 10)
}

// ParseToken reads a token such as "user/7@3", as clients write it. Its error has code
// malformed.
func ParseToken(s string) (Token, error) { return parseToken(s, ParseStream) }

// ParseStoredToken reads a token whose stream may have a tenant: see ParseStored. Its
// error has code malformed.
func ParseStoredToken(s string) (Token, error) { return parseToken(s, ParseStored) }

func parseToken(s string, parse func(string) (Stream, error)) (Token, error) {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Token{}, Malformed("after", "a consistency token is written aggregate/id@version")
	}
	stream, err := parse(s[:at])
	if err != nil {
		return Token{}, Malformed("after", "a consistency token is written aggregate/id@version")
	}
	version, err := strconv.ParseInt(s[at+1:], 10, 64)
	if err != nil || version < 1 || s[at+1] == '+' || s[at+1] == '0' {
		return Token{}, Malformed("after", "a token's version is a whole number from 1")
	}
	return Token{Stream: stream, Version: version}, nil
}
