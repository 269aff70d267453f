package cli

import (
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"strings"
	"time"

	"daybook/events"
)

// commitLine is a commit in an export: one line of JSON, members always in this
// order. It holds all that is stored, so that an import stores the same.
type commitLine struct {
	Stream      events.Stream `json:"stream"`
	Commit      int64         `json:"commit"`
	Version     int64         `json:"version"` // of the stream after the commit
	ID          string        `json:"id"`
	Time        lineTime      `json:"time"`
	Actor       string        `json:"actor,omitzero"`
	Correlation string        `json:"correlation,omitzero"`
	Causation   string        `json:"causation,omitzero"`
	Trace       string        `json:"traceparent,omitzero"`
	Commands    []commandPart `json:"commands"`
	Events      []eventPart   `json:"events"`
	Claims      []claimPart   `json:"claims,omitempty"`
	Releases    []claimPart   `json:"releases,omitempty"`
	Snapshot    *snapshotPart `json:"snapshot,omitzero"`
	Distance    int64         `json:"snapshotDistance,omitzero"`
}

type claimPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type commandPart struct {
	ID      string `json:"id"`
	Digest  string `json:"digest"` // 16 hexadecimal digits
	Version int64  `json:"version"`
	Once    bool   `json:"once,omitzero"`
	// Name, Payload and Stream are those of a kept command.
	Name    string         `json:"name,omitzero"`
	Payload jsontext.Value `json:"payload,omitzero"`
	Stream  events.Stream  `json:"stream,omitzero"`
}

type eventPart struct {
	Name   string         `json:"name"`
	Schema int            `json:"schema"`
	Data   jsontext.Value `json:"data"`
}

type snapshotPart struct {
	Schema   int              `json:"schema"`
	State    jsontext.Value   `json:"state"`
	Commands []rememberedPart `json:"commands,omitempty"`
	From     int64            `json:"from,omitzero"`
}

type rememberedPart struct {
	Key     string `json:"key"`
	Digest  string `json:"digest"`
	Version int64  `json:"version"`
	Started bool   `json:"started,omitzero"`
	Commit  int64  `json:"commit,omitzero"`
	Hour    int32  `json:"hour,omitzero"`
}

// lineTime is a time in UTC to the millisecond, which is what is stored.
type lineTime time.Time

const lineTimeLayout = "2006-01-02T15:04:05.000Z"

// MarshalText implements encoding.TextMarshaler.
func (t lineTime) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, lineTimeLayout), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *lineTime) UnmarshalText(text []byte) error {
	read, err := parseTime(string(text))
	*t = lineTime(read.UTC())
	return err
}

// encodeLine writes a commit as a line. The text of data and state stays as it
// is stored, but for space between tokens.
func encodeLine(c *events.Commit) ([]byte, error) {
	l := commitLine{
		Stream: c.Stream, Commit: c.Number, Version: c.Version, ID: c.ID, Time: lineTime(c.Time),
		Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation, Trace: c.Trace,
		Commands: make([]commandPart, len(c.Commands)), Events: make([]eventPart, len(c.Events)),
		Claims: claimParts(c.Claims), Releases: claimParts(c.Releases), Distance: c.SnapshotDistance,
	}
	for i, command := range c.Commands {
		l.Commands[i] = commandPart{ID: command.ID, Digest: hex.EncodeToString(command.Digest[:]), Version: command.Version, Once: command.Once}
		if k := command.Kept; k != nil {
			l.Commands[i].Name, l.Commands[i].Payload, l.Commands[i].Stream = k.Name, k.Payload, k.Stream
		}
	}
	for i, e := range c.Events {
		l.Events[i] = eventPart{e.Name, e.Schema, e.Data}
	}
	if c.Snapshot != nil {
		s := &snapshotPart{Schema: c.Snapshot.Schema, State: c.Snapshot.State, From: c.Snapshot.From}
		for _, r := range c.Snapshot.Commands {
			s.Commands = append(s.Commands, rememberedPart{hex.EncodeToString(r.Key[:]), hex.EncodeToString(r.Digest[:]), r.Version, r.Started, r.Commit, r.Hour})
		}
		l.Snapshot = s
	}
	text, err := json.Marshal(l, jsontext.PreserveRawStrings(true))
	if err != nil {
		return nil, fmt.Errorf("commit %d of %s can't be written: %w", c.Number, c.Stream, err)
	}
	return append(text, '\n'), nil
}

// decodeLine reads a line that encodeLine wrote, or a person. It checks what a
// store takes for granted.
func decodeLine(text []byte) (*events.Commit, error) {
	var l commitLine
	if err := json.Unmarshal(text, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if _, err := events.ParseStored(string(l.Stream)); err != nil {
		return nil, fmt.Errorf("%q is not the name of a stream", l.Stream)
	}
	if l.Commit < 1 || l.Version < int64(len(l.Events)) || l.ID == "" || len(l.Commands) == 0 || len(l.Events) == 0 {
		return nil, fmt.Errorf("a commit has a number, a version, an id, commands and events")
	}
	c := &events.Commit{
		Stream: l.Stream, Number: l.Commit, Version: l.Version, ID: l.ID, Time: time.Time(l.Time),
		Actor: l.Actor, Correlation: l.Correlation, Causation: l.Causation, Trace: events.TraceParent(l.Trace),
		Claims: claimsOf(l.Claims), Releases: claimsOf(l.Releases), SnapshotDistance: l.Distance,
	}
	for _, p := range l.Commands {
		command, err := p.command()
		if err != nil {
			return nil, err
		}
		c.Commands = append(c.Commands, command)
	}
	for _, p := range l.Events {
		if err := events.ValidateName("event", p.Name); err != nil || p.Schema < 1 || p.Data.Kind() != jsontext.KindBeginObject {
			return nil, fmt.Errorf("event %q: an event has a name, a schema version and an object as data", p.Name)
		}
		c.Events = append(c.Events, events.Event{Name: p.Name, Schema: p.Schema, Data: p.Data})
	}
	return c, l.Snapshot.into(c)
}

// command reads a command of a commit.
func (p *commandPart) command() (events.Command, error) {
	d, err := parseDigest(p.Digest)
	c := events.Command{ID: p.ID, Digest: d, Version: p.Version, Once: p.Once}
	if err != nil || p.Name == "" && p.Payload == nil && p.Stream == "" {
		return c, err
	}
	part := p.Payload == nil && p.Stream != ""
	if err := events.ValidateName("command", p.Name); err != nil || !part && p.Payload.Kind() != jsontext.KindBeginObject {
		return c, fmt.Errorf("command %q: a kept command has a name, and an object as payload", p.Name)
	}
	c.Kept = &events.KeptCommand{Name: p.Name, Payload: p.Payload, Stream: p.Stream}
	return c, nil
}

func claimParts(claims []events.Claim) []claimPart {
	var parts []claimPart
	for _, c := range claims {
		parts = append(parts, claimPart{c.Name, c.Value})
	}
	return parts
}

func claimsOf(parts []claimPart) []events.Claim {
	var claims []events.Claim
	for _, p := range parts {
		claims = append(claims, events.Claim{Name: p.Name, Value: p.Value})
	}
	return claims
}

func (s *snapshotPart) into(c *events.Commit) error {
	if s == nil {
		return nil
	}
	c.Snapshot = &events.Snapshot{Schema: s.Schema, State: s.State, From: s.From}
	for _, p := range s.Commands {
		key, err := parseDigest(p.Key)
		if err != nil {
			return err
		}
		digest, err := parseDigest(p.Digest)
		if err != nil {
			return err
		}
		c.Snapshot.Commands = append(c.Snapshot.Commands, events.CommandRecord{Key: key, Digest: digest, Version: p.Version, Started: p.Started, Commit: p.Commit, Hour: p.Hour})
	}
	return nil
}

func parseDigest(s string) (d events.Digest, err error) {
	if n, err := hex.Decode(d[:], []byte(s[:min(len(s), 2*len(d))])); err != nil || n != len(d) || len(s) != 2*len(d) || s != strings.ToLower(s) {
		return d, fmt.Errorf("%q is not a digest: 16 hexadecimal digits", s)
	}
	return d, nil
}
