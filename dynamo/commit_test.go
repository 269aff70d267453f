package dynamo

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"daybook/events"
	"daybook/localstack/embedded/attr"
)

// genID draws ids of all forms: UUIDs in and out of their canonical form, text.
func genID() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")).String()
		}),
		rapid.Custom(func(t *rapid.T) string {
			return strings.ToUpper(uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")).String())
		}),
		rapid.String(),
		rapid.StringN(36, 36, 36),
	)
}

func genDigest() *rapid.Generator[events.Digest] {
	return rapid.Map(rapid.SliceOfN(rapid.Byte(), 8, 8), func(b []byte) events.Digest { return events.Digest(b) })
}

// genJSON draws JSON values; their numbers have any length.
func genJSON(depth int) *rapid.Generator[string] {
	quote := func(s string) string {
		b, _ := jsontext.AppendQuote(nil, s)
		return string(b)
	}
	leaves := []*rapid.Generator[string]{
		rapid.Map(rapid.String(), quote),
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?`),
		rapid.SampledFrom([]string{"null", "true", "false", "{}", "[]", `"\u0000\u00e9\/"`, "9223372036854775808", "-0"}),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	inner := genJSON(depth - 1)
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(vs []string) string { return "[" + strings.Join(vs, ",") + "]" }),
		rapid.Custom(func(t *rapid.T) string {
			names := rapid.SliceOfNDistinct(rapid.String(), 0, 5, rapid.ID).Draw(t, "names")
			members := make([]string, len(names))
			for i, name := range names {
				members[i] = quote(name) + ":" + inner.Draw(t, "member")
			}
			return "{" + strings.Join(members, ",") + "}"
		}))...)
}

func genValue(depth int) *rapid.Generator[jsontext.Value] {
	return rapid.Map(genJSON(depth), func(s string) jsontext.Value { return jsontext.Value(s) })
}

// genClaims draws claims, often none.
func genClaims() *rapid.Generator[[]events.Claim] {
	claim := rapid.Custom(func(t *rapid.T) events.Claim {
		return events.Claim{Name: rapid.StringMatching(`[a-z][a-z0-9-]{0,63}`).Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
	})
	return rapid.OneOf(rapid.Just[[]events.Claim](nil), rapid.SliceOfN(claim, 1, 4))
}

// genKept draws kept commands, often none.
func genKept() *rapid.Generator[*events.KeptCommand] {
	payload := rapid.Map(genJSON(2), func(s string) jsontext.Value { return jsontext.Value(`{"of":` + s + `}`) })
	return rapid.OneOf(
		rapid.Just[*events.KeptCommand](nil),
		rapid.Custom(func(t *rapid.T) *events.KeptCommand {
			return &events.KeptCommand{Name: rapid.String().Draw(t, "name"), Payload: payload.Draw(t, "payload"), Stream: events.Stream(rapid.String().Draw(t, "stream"))}
		}),
		rapid.Map(rapid.StringN(1, -1, -1), func(stream string) *events.KeptCommand {
			return &events.KeptCommand{Name: "part", Stream: events.Stream(stream)}
		}),
	)
}

func genCommit() *rapid.Generator[events.Commit] {
	return rapid.Custom(func(t *rapid.T) events.Commit {
		c := events.Commit{
			Stream:  events.Stream("user/" + rapid.StringN(1, 40, -1).Draw(t, "stream")),
			Number:  rapid.Int64Range(1, 1<<62).Draw(t, "number"),
			Version: rapid.Int64Range(1, 1<<62).Draw(t, "version"),
			ID:      genID().Draw(t, "id"),
			Time:    time.UnixMilli(rapid.Int64Range(-62135596800000, 253402300799999).Draw(t, "time")).UTC(),
			Actor:   rapid.String().Draw(t, "actor"), Correlation: genID().Draw(t, "correlation"), Causation: genID().Draw(t, "causation"),
			Trace: rapid.SampledFrom([]string{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}).Draw(t, "trace"),
		}
		c.Commands = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.Command {
			return events.Command{
				ID: genID().Draw(t, "id"), Digest: genDigest().Draw(t, "digest"), Version: rapid.Int64Range(0, 1<<62).Draw(t, "version"), Once: rapid.Bool().Draw(t, "once"),
				Kept: genKept().Draw(t, "kept"),
			}
		}), 1, 4).Draw(t, "commands")
		c.Claims, c.Releases = genClaims().Draw(t, "claims"), genClaims().Draw(t, "releases")
		if rapid.Bool().Draw(t, "own correlation") {
			c.Correlation, c.Causation = c.Commands[0].ID, c.Commands[0].ID
		}
		c.Events = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.Event {
			return events.Event{Name: rapid.String().Draw(t, "name"), Schema: rapid.IntRange(1, 1<<30).Draw(t, "schema"), Data: genValue(2).Draw(t, "data")}
		}), 1, 12).Draw(t, "events")
		c.SnapshotDistance = rapid.SampledFrom([]int64{0, 1, 25, math.MaxInt64}).Draw(t, "distance")
		if rapid.Bool().Draw(t, "snapshot") {
			c.Snapshot = &events.Snapshot{Schema: rapid.IntRange(1, 1<<30).Draw(t, "schema"), State: genValue(3).Draw(t, "state")}
			c.Snapshot.Commands = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) events.CommandRecord {
				return events.CommandRecord{
					Key: genDigest().Draw(t, "key"), Digest: genDigest().Draw(t, "digest"),
					Version: rapid.Int64Range(0, 1<<40).Draw(t, "version"), Started: rapid.Bool().Draw(t, "started"),
					Commit: rapid.SampledFrom([]int64{0, 0, 1, 2, 3, math.MaxInt64}).Draw(t, "commit"), Hour: rapid.SampledFrom([]int32{0, 498_000, 498_001, math.MaxInt32}).Draw(t, "hour"),
				}
			}), 0, 130).Draw(t, "remembered")
			c.Snapshot.From = rapid.SampledFrom([]int64{0, 1, 40, math.MaxInt64}).Draw(t, "from")
			if len(c.Snapshot.Commands) == 0 {
				c.Snapshot.Commands = nil
			}
		}
		return c
	})
}

func TestCommitsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := genCommit().Draw(t, "commit")
		item, size, err := encodeCommit(&want)
		if err != nil {
			t.Fatal(err)
		}
		if size != itemSize(item) || size != billed(t, item) {
			t.Fatalf("size %d, of the item %d, billed %d", size, itemSize(item), billed(t, item))
		}
		got, err := decodeCommit(item)
		if err != nil {
			t.Fatal(err)
		}
		want.Size = size
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}

// fatal is what *testing.T and *rapid.T have in common.
type fatal interface {
	Helper()
	Fatal(args ...any)
}

// wire writes an item as DynamoDB's JSON.
func wire(t fatal, item map[string]types.AttributeValue) []byte {
	t.Helper()
	b, err := json.Marshal(wireItem(item), json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wireItem(item map[string]types.AttributeValue) map[string]map[string]any {
	out := map[string]map[string]any{}
	for name, v := range item {
		out[name] = wireValue(v)
	}
	return out
}

func wireValue(v types.AttributeValue) map[string]any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": true}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": wireItem(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]map[string]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = wireValue(e)
		}
		return map[string]any{"L": list}
	}
	return nil
}

// billed is the size of an item by the embedded DynamoDB's own count.
func billed(t fatal, item map[string]types.AttributeValue) int {
	t.Helper()
	it, err := attr.ParseItem(wire(t, item))
	if err != nil {
		t.Fatal(err)
	}
	return it.Size()
}

func TestDecodingNeverPanics(t *testing.T) {
	t.Parallel()
	names := []string{attrStream, attrCommit, attrVersion, attrID, attrTime, attrActor, attrCorrelation, attrCausation, attrTrace,
		attrCommands, attrEvents, attrSchema, attrState, attrRemembered, attrWindow, attrCompressed, attrKept, "later"}
	rapid.Check(t, func(t *rapid.T) {
		commit := genCommit().Draw(t, "commit")
		item, _, err := encodeCommit(&commit)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 4).Draw(t, "damaged") {
			switch rapid.IntRange(0, 5).Draw(t, "how") {
			case 0:
				delete(item, name)
			case 1:
				item[name] = &types.AttributeValueMemberS{Value: rapid.String().Draw(t, "text")}
			case 2:
				item[name] = &types.AttributeValueMemberN{Value: rapid.StringMatching(`-?[0-9]{1,25}(\.5)?`).Draw(t, "number")}
			case 3:
				item[name] = &types.AttributeValueMemberB{Value: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}
			case 4:
				item[name] = &types.AttributeValueMemberNULL{Value: true}
			case 5:
				if b, ok := item[name].(*types.AttributeValueMemberB); ok && len(b.Value) > 0 {
					b.Value[rapid.IntRange(0, len(b.Value)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "flip")
				}
			}
		}
		if _, err := decodeCommit(item); err != nil && events.CodeOf(err) != events.CodeInternal {
			t.Fatalf("code %q", events.CodeOf(err))
		}
	})
}

func TestCommitThatCannotBeStored(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *events.Commit){
		"an actor that is no UTF-8":       func(c *events.Commit) { c.Actor = "\xff" },
		"an id that is no UTF-8":          func(c *events.Commit) { c.ID = "\xff" },
		"a name that is no UTF-8":         func(c *events.Commit) { c.Events[0].Name = "\xff" },
		"data that are no JSON":           func(c *events.Commit) { c.Events[0].Data = jsontext.Value(`{"a":`) },
		"data with one name twice":        func(c *events.Commit) { c.Events[0].Data = jsontext.Value(`{"a":1,"a":2}`) },
		"no data":                         func(c *events.Commit) { c.Events[0].Data = nil },
		"a state that is no JSON":         func(c *events.Commit) { c.Snapshot = &events.Snapshot{Schema: 1, State: jsontext.Value(`]`)} },
		"a snapshot that has no state":    func(c *events.Commit) { c.Snapshot = &events.Snapshot{Schema: 1} },
		"a state of two values in a row":  func(c *events.Commit) { c.Snapshot = &events.Snapshot{Schema: 1, State: jsontext.Value(`1 2`)} },
		"data with half a surrogate pair": func(c *events.Commit) { c.Events[0].Data = jsontext.Value(`{"a":"\ud800"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := userCommit(1)
			change(&c)
			if _, _, err := encodeCommit(&c); events.CodeOf(err) != events.CodeInternal {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSpaceAroundDataIsCut(t *testing.T) {
	t.Parallel()
	c := userCommit(1)
	c.Events[0].Data = jsontext.Value(" {\"a\" : 1}\n")
	item, _, err := encodeCommit(&c)
	if err != nil {
		t.Fatal(err)
	}
	c.Stream, c.Number, item[attrStream], item[attrCommit] = "user/7", 1, &types.AttributeValueMemberS{Value: "user/7"}, numberValue(1)
	got, err := decodeCommit(item)
	if err != nil || string(got.Events[0].Data) != `{"a" : 1}` {
		t.Errorf("got %q, error %v", got.Events[0].Data, err)
	}
}

// TestStoredForm keeps the stored bytes: what was written once must stay
// readable.
func TestStoredForm(t *testing.T) {
	t.Parallel()
	c := events.Commit{
		Stream: "user/7", Number: 3, Version: 4, ID: "0192f1c4-0000-7000-8000-0000000000ff", Time: now,
		Actor: "ann", Correlation: "0192f1c4-0000-7000-8000-000000000001", Causation: "x",
		Commands: []events.Command{{ID: "0192f1c4-0000-7000-8000-000000000001", Digest: events.Digest{1, 2, 3, 4, 5, 6, 7, 8}, Version: 4}},
		Events:   []events.Event{{Name: "user-renamed", Schema: 1, Data: jsontext.Value(`{"name":"Bo"}`)}, {Name: "user-seen", Schema: 2, Data: jsontext.Value(`{}`)}},
		Snapshot: &events.Snapshot{Schema: 1, State: jsontext.Value(`{"name":"Bo"}`), Commands: []events.CommandRecord{{Version: 1, Started: true}, {Key: events.Digest{9}, Version: 3}}},
	}
	item, size, err := encodeCommit(&c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a":{"S":"ann"},"commit":{"N":"3"},"e":{"S":"[[\"user-renamed\",1,{\"name\":\"Bo\"}],[\"user-seen\",2,{}]]"},` +
		`"i":{"B":"AZLxxAAAcACAAAAAAAAA/w=="},"n":{"N":"1"},"q":{"B":"AQGS8cQAAHAAgAAAAAAAAAEBAgMEBQYHCAA="},` +
		`"r":{"B":"AAAAAAAAAAAAAAAAAAAAAAYJAAAAAAAAAAAAAAAAAAAACA=="},"s":{"S":"{\"name\":\"Bo\"}"},"stream":{"S":"user/7"},` +
		`"t":{"N":"1793697342137"},"u":{"S":"x"},"v":{"N":"4"}}`
	if got := wire(t, item); !bytes.Equal(got, []byte(want)) {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if size != 188 {
		t.Errorf("size %d", size)
	}
}

// TestStoredWindow keeps the stored bytes of what a snapshot says of its commands'
// commits and hours, in runs: 128 commands, one per commit, take 10 bytes.
func TestStoredWindow(t *testing.T) {
	t.Parallel()
	s := events.Snapshot{From: 1000, Commands: make([]events.CommandRecord, 128)}
	for i := range s.Commands {
		s.Commands[i].Commit, s.Commands[i].Hour = 1000+int64(i), 498_000
	}
	packed := packWindow(&s)
	if got, want := fmt.Sprintf("%x", packed), "d00f0100a0e53c7f0200"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	for cut := 1; cut < len(packed); cut++ {
		damaged := events.Snapshot{Commands: make([]events.CommandRecord, 128)}
		if err := unpackWindow(packed[:cut], &damaged); err == nil {
			t.Errorf("%d bytes of it are read", cut)
		}
	}
}

// TestStoredDistance keeps the stored form of the distance to a snapshot: 3 bytes
// for up to 99 commits.
func TestStoredDistance(t *testing.T) {
	t.Parallel()
	c := userCommit(1)
	c.Stream, c.Number, c.Version = "user/7", 26, 26
	bare, size, err := encodeCommit(&c)
	if err != nil || bare["b"] != nil {
		t.Fatalf("%v, error %v", bare, err)
	}
	c.SnapshotDistance = 25
	item, more, err := encodeCommit(&c)
	if n, ok := item["b"].(*types.AttributeValueMemberN); err != nil || !ok || n.Value != "25" || more != size+3 {
		t.Errorf("%v, %d bytes instead of %d, error %v", item, more, size, err)
	}
}

// TestCompressedForm reads a frame that was written once.
func TestCompressedForm(t *testing.T) {
	t.Parallel()
	frame, err := compress([]byte(`[["a",1,{}]]` + "\n" + `{"b":2}`))
	if err != nil {
		t.Fatal(err)
	}
	c := events.Commit{Stream: "user/7", Number: 1, Version: 1, ID: "c", Commands: []events.Command{{ID: "k", Version: 1}}, Snapshot: &events.Snapshot{Schema: 4, State: jsontext.Value("0")}}
	item, err := encodeHead(&c)
	if err != nil {
		t.Fatal(err)
	}
	item[attrCompressed] = &types.AttributeValueMemberB{Value: frame}
	got, err := decodeCommit(item)
	if err != nil || string(got.Events[0].Data) != "{}" || string(got.Snapshot.State) != `{"b":2}` || got.Snapshot.Schema != 4 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

// TestCodersAreBuiltOutsideOfBubbles: coders that were built before can be used in any
// bubble of testing/synctest, and outside. The runtime ends the program otherwise.
func TestCodersAreBuiltOutsideOfBubbles(t *testing.T) {
	t.Parallel()
	if err := BuildCoders(); err != nil {
		t.Fatal(err)
	}
	encodes := func(t *testing.T) {
		c := userCommit(40)
		place(events.Start("user/7"), &c)
		item, _, err := encodeCommit(&c)
		if err != nil || item[attrCompressed] == nil {
			t.Fatalf("it is not compressed, error %v", err)
		}
		if got, err := decodeCommit(item); err != nil || len(got.Events) != 40 {
			t.Fatalf("%d events, error %v", len(got.Events), err)
		}
	}
	synctest.Test(t, encodes)
	synctest.Test(t, encodes)
	encodes(t)
}

func TestDecompressionIsBounded(t *testing.T) {
	t.Parallel()
	frame, err := compress(make([]byte, maxBody+1))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := decompress(frame); err == nil {
		t.Errorf("%d bytes came out of %d", len(b), len(frame))
	}
	c := userCommit(1)
	c.Events[0].Data = jsontext.Value(`"` + strings.Repeat("a", maxBody) + `"`)
	if _, _, err := encodeCommit(&c); events.CodeOf(err) != events.CodeTooLarge {
		t.Errorf("a body over the bound: %v", err)
	}
}

func BenchmarkEncodeCommit(b *testing.B) {
	c := userCommit(1)
	for b.Loop() {
		if _, _, err := encodeCommit(&c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeCommit(b *testing.B) {
	for name, n := range map[string]int{"plain": 1, "compressed": 60} {
		b.Run(name, func(b *testing.B) {
			c := userCommit(n)
			c.Stream, c.Number = "user/7", 1
			item, _, err := encodeCommit(&c)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeCommit(item); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
