package dynamo

import (
	"bytes"
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/events"
)

// The attributes of a commit; see the table in doc.go.
const (
	attrStream      = "stream"
	attrCommit      = "commit"
	attrVersion     = "v"
	attrID          = "i"
	attrTime        = "t"
	attrActor       = "a"
	attrCorrelation = "c"
	attrCausation   = "u"
	attrTrace       = "p"
	attrCommands    = "q"
	attrOnce        = "o"
	attrClaims      = "k"
	attrEvents      = "e"
	attrSchema      = "n"
	attrState       = "s"
	attrRemembered  = "r"
	attrWindow      = "w"
	attrDistance    = "b"
	attrCompressed  = "z"
	attrKept        = "d"
)

// errInvalid says that a commit holds what can't be stored and read back as it
// is. It is a defect of the program.
var errInvalid = errors.New("a commit holds invalid UTF-8 or invalid JSON")

// encodeCommit returns the item of a commit and its size in bytes. The events,
// the state and the kept commands are compressed when that saves a write unit.
// Errors: too-large, internal.
func encodeCommit(c *events.Commit) (map[string]types.AttributeValue, int, error) {
	body, err := encodeEvents(c.Events)
	if err != nil {
		return nil, 0, events.Wrap(events.CodeInternal, err, "the commit can't be stored")
	}
	kept, err := encodeKept(c.Commands)
	if err != nil {
		return nil, 0, events.Wrap(events.CodeInternal, err, "the commit can't be stored")
	}
	if err := refuseUnsealed(body, kept, snapshotOf(c)); err != nil {
		return nil, 0, err
	}
	item, err := encodeHead(c)
	if err != nil {
		return nil, 0, events.Wrap(events.CodeInternal, err, "the commit can't be stored")
	}
	head := itemSize(item)
	plain := head + len(attrEvents) + len(body)
	var state []byte
	if c.Snapshot != nil {
		state = bytes.TrimSpace(c.Snapshot.State)
		plain += len(attrState) + len(state)
	}
	if kept != nil {
		plain += len(attrKept) + len(kept)
	}
	if plain > writeUnitSize && len(body)+len(state)+len(kept) < maxBody {
		frame, err := compress(joined(body, state, kept))
		if err != nil {
			return nil, 0, events.Wrap(events.CodeInternal, err, "the commit can't be compressed")
		}
		packed := head + len(attrCompressed) + len(frame)
		if packed <= events.MaxCommitSize && writeUnits(packed) < writeUnits(plain) {
			item[attrCompressed] = &types.AttributeValueMemberB{Value: frame}
			return item, packed, nil
		}
	}
	if plain > events.MaxCommitSize {
		return nil, 0, tooLarge("a commit")
	}
	item[attrEvents] = &types.AttributeValueMemberS{Value: string(body)}
	if c.Snapshot != nil {
		item[attrState] = &types.AttributeValueMemberS{Value: string(state)}
	}
	if kept != nil {
		item[attrKept] = &types.AttributeValueMemberS{Value: string(kept)}
	}
	return item, plain, nil
}

// joined is what is compressed. Programs that know no kept commands read nothing behind
// the state.
func joined(body, state, kept []byte) []byte {
	all := append(append(bytes.Clone(body), '\n'), state...)
	if kept != nil {
		all = append(append(all, '\n'), kept...)
	}
	return all
}

// encodeHead returns the item without what may be compressed.
func encodeHead(c *events.Commit) (map[string]types.AttributeValue, error) {
	for _, s := range []string{string(c.Stream), c.ID, c.Actor, c.Correlation, c.Causation} {
		if !utf8.ValidString(s) {
			return nil, errInvalid
		}
	}
	item := make(map[string]types.AttributeValue, 8) // what most commits have: a map of eight is much faster than one of nine
	item[attrStream] = &types.AttributeValueMemberS{Value: string(c.Stream)}
	item[attrCommit] = numberValue(c.Number)
	item[attrVersion] = numberValue(c.Version)
	item[attrTime] = numberValue(c.Time.UnixMilli())
	item[attrID] = idValue(c.ID)
	if c.Actor != "" {
		item[attrActor] = &types.AttributeValueMemberS{Value: c.Actor}
	}
	first := firstCommand(c.Commands)
	if c.Correlation != first {
		item[attrCorrelation] = idValue(c.Correlation)
	}
	if c.Causation != first {
		item[attrCausation] = idValue(c.Causation)
	}
	if trace := events.PackTrace(c.Trace); trace != nil {
		item[attrTrace] = &types.AttributeValueMemberB{Value: trace}
	}
	item[attrCommands] = &types.AttributeValueMemberB{Value: packCommands(c.Commands, c.Version)}
	if once := packOnce(c.Commands); len(once) > 0 {
		item[attrOnce] = &types.AttributeValueMemberB{Value: once}
	}
	if len(c.Claims)+len(c.Releases) > 0 {
		item[attrClaims] = &types.AttributeValueMemberB{Value: packClaims(c.Claims, c.Releases)}
	}
	if c.SnapshotDistance > 0 {
		item[attrDistance] = numberValue(c.SnapshotDistance)
	}
	if s := c.Snapshot; s != nil {
		if !s.State.IsValid() {
			return nil, errInvalid
		}
		item[attrSchema] = numberValue(int64(s.Schema))
		if len(s.Commands) > 0 {
			item[attrRemembered] = &types.AttributeValueMemberB{Value: packRemembered(s.Commands)}
		}
		if window := packWindow(s); len(window) > 0 {
			item[attrWindow] = &types.AttributeValueMemberB{Value: window}
		}
	}
	return item, nil
}

// firstCommand is what the correlation and causation ids of most commits are.
func firstCommand(cs []events.Command) string {
	if len(cs) == 0 {
		return ""
	}
	return cs[0].ID
}

func numberValue(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// idValue stores a UUID in its canonical form as 16 bytes, any other id as it is.
func idValue(id string) types.AttributeValue {
	if u, ok := canonicalUUID(id); ok {
		return &types.AttributeValueMemberB{Value: u[:]}
	}
	return &types.AttributeValueMemberS{Value: id}
}

// encodeEvents writes events as [["user-created",1,{…}],…]. The data are
// written as they are: no number or string changes.
func encodeEvents(es []events.Event) ([]byte, error) {
	size := 2
	for _, e := range es {
		size += len(e.Name) + len(e.Data) + 12
	}
	b := append(make([]byte, 0, size), '[')
	for i, e := range es {
		if !e.Data.IsValid() {
			return nil, fmt.Errorf("event %s: %w", e.Name, errInvalid)
		}
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(append(b, '['), e.Name); err != nil {
			return nil, errInvalid
		}
		b = strconv.AppendInt(append(b, ','), int64(e.Schema), 10)
		b = append(b, ',')
		b = append(b, bytes.TrimSpace(e.Data)...)
		b = append(b, ']')
	}
	return append(b, ']'), nil
}
