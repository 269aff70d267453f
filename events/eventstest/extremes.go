package eventstest

import (
	"encoding/binary"
	"encoding/json/jsontext"
	"math"
	"strings"
	"time"
	"uuid"

	"daybook/events"
)

// remembered returns n remembered commands of all kinds.
func remembered(n int) []events.CommandRecord {
	rs := make([]events.CommandRecord, n)
	for i := range rs {
		binary.BigEndian.PutUint64(rs[i].Key[:], uint64(i)*0x9E3779B97F4A7C15)
		binary.LittleEndian.PutUint64(rs[i].Digest[:], uint64(i+1)*0xC2B2AE3D27D4EB4F)
		rs[i].Version, rs[i].Started = int64(i*i), i%5 == 0
		if n > 2 { // fewer are as an older program left them
			rs[i].Commit, rs[i].Hour = int64(7+i-i%3), int32(498_000+i*i/200)
		}
	}
	return rs
}

// extremes returns commits that use each field in all the ways a store could
// get wrong.
func extremes() []events.Commit {
	event := func(name string, schema int, data string) events.Event {
		return events.Event{Name: name, Schema: schema, Data: jsontext.Value(data)}
	}
	text := "käse \U0001F9C0 \u2028 ~ \" \\ / <&>"
	full := events.Digest{0xFF, 0, 0xFE, 1, 0x80, 0x7F, '\n', '"'}
	return []events.Commit{
		{ // nothing that may be left out
			ID: "c1", Time: time.UnixMilli(0).UTC(),
			Commands: []events.Command{{ID: "k1", Version: 1}},
			Events:   []events.Event{event("e", 1, `{}`)},
		},
		{ // numbers and strings that a careless decoder changes
			ID: uuid.New().String(), Time: instant, Actor: text, Correlation: text, Causation: "x", Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			Commands: []events.Command{{ID: text, Digest: full, Version: 3}},
			Events: []events.Event{
				event("numbers-kept", 2, `{"big":123456789012345678901234567890,"long":0.10000000000000000000000001,"exponent":1.50e+300,"zero":-0,"max":9223372036854775807}`),
				event("strings-kept", 900, `{"control":"\u0000\u001f\t\n\u007f","escaped":"\u00e9\/","empty":"","":"no name","null":null,"nested":[[],{},[{"a":[true,false,null]}]]}`),
			},
		},
		{ // ids in and out of the canonical form of a UUID
			ID: strings.ToUpper(uuid.New().String()), Time: instant, Correlation: uuid.New().String(), Causation: uuid.New().String(),
			Commands: []events.Command{
				{ID: uuid.New().String(), Digest: full, Version: 4},
				{ID: strings.ToUpper(uuid.New().String()), Digest: events.Digest{1}, Version: 4},
				{ID: strings.Repeat("é", events.MaxIDLength), Version: 5},
				{ID: uuid.Nil().String(), Version: 5},
			},
			Events: []events.Event{event("a", 1, `{"order":1}`), event("a", 1, `{"order":2}`)},
		},
		{ // a snapshot, large enough to be worth compressing
			ID: uuid.New().String(), Time: time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC), Correlation: "", Causation: "only this",
			Commands: []events.Command{{ID: uuid.New().String(), Version: 6}},
			Events:   []events.Event{event("long-one", 1, `{"text":"`+strings.Repeat("all work and no play ", 200)+`"}`)},
			Snapshot: &events.Snapshot{Schema: math.MaxInt32, State: jsontext.Value(`{"sum":10000000000000000000000.1,"text":"` + strings.Repeat("ü", 900) + `"}`), Commands: remembered(128), From: 8},
		},
		{ // a snapshot of a state that is not an object
			ID: "c5", Time: instant, Actor: "a", Commands: []events.Command{{ID: "", Version: 7}},
			Events:   []events.Event{event("e", 1, `{"n":1}`)},
			Snapshot: &events.Snapshot{Schema: 1, State: jsontext.Value(`null`)}, SnapshotDistance: 1,
		},
		{ // claims, and commands that are once-only or not
			ID: "c6", Time: instant,
			Commands: []events.Command{
				{ID: uuid.New().String(), Version: 8}, {ID: uuid.New().String(), Version: 8, Once: true},
				{ID: "k3-" + uuid.New().String(), Version: 8}, {ID: text + uuid.New().String(), Version: 8, Once: true},
			},
			Events:   []events.Event{event("e", 1, `{"n":1}`)},
			Claims:   []events.Claim{{Name: "every-field", Value: ""}, {Name: "every-field", Value: text + uuid.New().String()}, {Name: "x", Value: strings.Repeat("long", 1000)}},
			Releases: []events.Claim{{Name: "every-field", Value: ""}, {Name: "x", Value: strings.Repeat("long", 1000)}},
		},
		{ // kept commands, of its own stream and of another
			ID: "c7", Time: instant,
			Commands: []events.Command{
				{ID: "k1", Version: 9, Kept: &events.KeptCommand{Name: "first", Payload: jsontext.Value(`{"big":123456789012345678901234567890,"text":"\u00e9"}`)}},
				{ID: "k2", Version: 9}, {ID: "k3", Version: 9, Kept: &events.KeptCommand{Name: "second", Stream: events.Stream("user/" + text)}},
				{ID: "k4", Version: 9, Kept: &events.KeptCommand{Name: "third", Payload: jsontext.Value(`{}`), Stream: "user/8"}},
			},
			Events: []events.Event{event("e", 1, `{"n":1}`)},
		},
	}
}
