package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Claim is a unique value: while a stream holds it, no other can. Values are
// compared byte by byte; what counts as the same e-mail address, the domain
// decides by the value it claims.
type Claim struct {
	Name  string // of the kind of value, such as "user-email"; see ValidateName
	Value string // any text
	// Personal says that the value is about a person: a store keeps a keyed hash of it.
	// It is false in a commit that was read.
	Personal bool
}

// String is the key, without the value of a personal claim.
func (c Claim) String() string {
	if c.Personal {
		return c.Name + "=[personal]"
	}
	return c.Key("")
}

// maxPlainKey is the largest key that shows its value, in bytes. It keeps keys
// below DynamoDB's 2,048 bytes of a partition key with room to spare.
const maxPlainKey = 1024

// Key writes the claim of a tenant's stream ("" for none) so that equal claims of a
// tenant have equal keys and others other ones, in at most 1,024 bytes of valid UTF-8:
// "user-email=ann@example.com", and "acme:user-email=ann@example.com" of tenant acme.
// A value that does not fit is written as its SHA-256: "note#9f86d0…". Tenants and
// names hold none of the signs, so the forms can't meet.
func (c Claim) Key(tenant string) string {
	name := Scoped(tenant, c.Name)
	if len(name)+1+len(c.Value) <= maxPlainKey && utf8.ValidString(c.Value) {
		return name + "=" + c.Value
	}
	sum := sha256.Sum256([]byte(c.Value))
	return name + "#" + hex.EncodeToString(sum[:])
}

// Held is a value that is held, as a store keeps it.
type Held struct {
	Key    string // of the claim
	Stream Stream // that holds it
	Commit int64  // number of the commit that claimed it last
}

// OnceOnlyFor is how long the id of a once-only command stays spent.
const OnceOnlyFor = 30 * 24 * time.Hour

// Spent is what is kept of a once-only command: enough to answer a repeat,
// whatever its stream has seen since.
type Spent struct {
	ID      string    // the command id; those of two tenants are different ones
	Digest  Digest    // as in Command
	Stream  Stream    // whose commit answers the command
	Version int64     // as in Command
	Started bool      // the command started the stream
	Until   time.Time // forgotten from then on; whole seconds, UTC
}

// Spends returns what is to be kept of the commit's once-only commands.
func (c *Commit) Spends() []Spent {
	var spent []Spent
	started := c.Number == 1
	for _, command := range c.Commands {
		first := started && command.Version > 0
		if first {
			started = false
		}
		if command.Once {
			spent = append(spent, Spent{
				ID: command.ID, Digest: command.Digest, Stream: c.Stream,
				Version: command.Version, Started: first, Until: c.Time.UTC().Add(OnceOnlyFor).Truncate(time.Second),
			})
		}
	}
	return spent
}

// TakenError says what kept an append from being stored although its positions
// were free. The holder of a value is not told.
type TakenError struct {
	Claims []Claim // held by other streams
	Spent  []Spent // once-only command ids, and what is kept of them
}

// Error names the kinds of values, without the values, and the command ids.
func (e *TakenError) Error() string {
	var parts []string
	for _, c := range e.Claims {
		parts = append(parts, "a value of "+c.Name+" is held")
	}
	for _, s := range e.Spent {
		parts = append(parts, fmt.Sprintf("command id %q was used already", s.ID))
	}
	return strings.Join(parts, ", ")
}

// Taken returns the error of an append that e describes.
func Taken(e *TakenError) *Error { return Wrap(CodeAlreadyTaken, e, "the value is taken") }

// TakenOf returns what was taken, if err says so.
func TakenOf(err error) (*TakenError, bool) { return errors.AsType[*TakenError](err) }
