package dynamo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/aggregate"
	"daybook/events"
)

// keptCommit is a commit that keeps two of its three commands.
func keptCommit() events.Commit {
	return events.Commit{
		Stream: "course/7", Number: 3, Version: 4, ID: "0192f1c4-0000-7000-8000-0000000000ff", Time: now,
		Correlation: "k1", Causation: "k1",
		Commands: []events.Command{
			{ID: "k1", Version: 3, Kept: &events.KeptCommand{Name: "rename-course", Payload: jsontext.Value(`{"name":"Bo"}`)}},
			{ID: "k2", Version: 3},
			{ID: "k3", Version: 4, Kept: &events.KeptCommand{Name: "move-seats", Stream: "course/6"}},
		},
		Events: []events.Event{{Name: "course-renamed", Schema: 1, Data: jsontext.Value(`{"name":"Bo"}`)}, {Name: "seats-moved-in", Schema: 1, Data: jsontext.Value(`{}`)}},
	}
}

// TestStoredKeptCommands keeps the stored bytes of kept commands: an attribute of their
// own, and not one byte else.
func TestStoredKeptCommands(t *testing.T) {
	t.Parallel()
	c := keptCommit()
	item, size, err := encodeCommit(&c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[1,[0,"rename-course",{"name":"Bo"}],[2,"move-seats",null,"course/6"]]`
	if v, ok := item["d"].(*types.AttributeValueMemberS); !ok || v.Value != want {
		t.Errorf("stored %+v, want %s", item["d"], want)
	}
	bare := keptCommit()
	for i := range bare.Commands {
		bare.Commands[i].Kept = nil
	}
	old, less, err := encodeCommit(&bare)
	if err != nil || size != less+1+len(want) {
		t.Errorf("%d bytes, without kept commands %d, error %v", size, less, err)
	}
	rest := maps.Clone(item)
	delete(rest, "d")
	if !bytes.Equal(wire(t, rest), wire(t, old)) {
		t.Errorf("stored %s, without kept commands %s", wire(t, rest), wire(t, old))
	}
	if got, err := decodeCommit(item); err != nil || !reflect.DeepEqual(got.Commands, c.Commands) {
		t.Errorf("read %+v, error %v", got.Commands, err)
	}
	if got, err := decodeCommit(old); err != nil || !reflect.DeepEqual(got.Commands, bare.Commands) {
		t.Errorf("read %+v, error %v", got.Commands, err)
	}
}

// TestCompressedKeptCommands: in a compressed commit they lie behind what older programs
// read, with a snapshot and without.
func TestCompressedKeptCommands(t *testing.T) {
	t.Parallel()
	for _, snapshot := range []*events.Snapshot{nil, {Schema: 1, State: jsontext.Value(`{"n":1}`)}} {
		c := keptCommit()
		c.Events[1].Data = jsontext.Value(`{"text":"` + strings.Repeat("all work and no play ", 90) + `"}`)
		c.Snapshot = snapshot
		item, _, err := encodeCommit(&c)
		z, ok := item["z"].(*types.AttributeValueMemberB)
		if err != nil || !ok || item["d"] != nil {
			t.Fatalf("%v, error %v", item, err)
		}
		text, err := decompress(z.Value)
		if err != nil {
			t.Fatal(err)
		}
		state := ""
		if snapshot != nil {
			state = string(snapshot.State)
		}
		body, err := encodeEvents(c.Events)
		if want := string(body) + "\n" + state + "\n" + `[1,[0,"rename-course",{"name":"Bo"}],[2,"move-seats",null,"course/6"]]`; err != nil || string(text) != want {
			t.Errorf("compressed %s, want %s", text, want)
		}
		if got, err := decodeCommit(item); err != nil || !reflect.DeepEqual(got.Commands, c.Commands) || !reflect.DeepEqual(got.Snapshot, snapshot) {
			t.Errorf("read %+v, error %v", got, err)
		}
	}
}

// TestKeptCommandsOfAnotherForm are skipped, since nothing else depends on them; those
// of the known form that are damaged are an error.
func TestKeptCommandsOfAnotherForm(t *testing.T) {
	t.Parallel()
	for text, fails := range map[string]bool{
		`[2,{"later":true}]`: false, `["v3"]`: false, `[1]`: false,
		``: false, `[]`: true, `{}`: true, `[1,7]`: true, `[1,[9,"x",{}]]`: true, `[1,[0,"x"]]`: true, `[1,[0,7,{}]]`: true, `[1,[0,"x",{},"s",1]]`: true, `[1,[0,"x",{}]`: true, `~`: true,
	} {
		c := keptCommit()
		item, _, err := encodeCommit(&c)
		if err != nil {
			t.Fatal(err)
		}
		item["d"] = &types.AttributeValueMemberS{Value: text}
		got, err := decodeCommit(item)
		switch {
		case fails && events.CodeOf(err) != events.CodeInternal:
			t.Errorf("%s: read %+v, error %v", text, got.Commands, err)
		case !fails && (err != nil || got.Commands[0].Kept != nil || len(got.Events) != 2):
			t.Errorf("%s: read %+v, error %v", text, got, err)
		}
	}
	for name, k := range map[string]events.KeptCommand{
		"no payload": {Name: "x"}, "a payload that is no object": {Name: "x", Payload: jsontext.Value(`7`)},
		"half an object": {Name: "x", Payload: jsontext.Value(`{`)}, "a name that is no UTF-8": {Name: "\xff", Payload: jsontext.Value(`{}`)},
		"a stream that is no UTF-8": {Name: "x", Stream: "\xff"},
	} {
		c := keptCommit()
		c.Commands[1].Kept = &k
		if _, _, err := encodeCommit(&c); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestKeptCommandsCostNoWriteUnit while the commit stays below 1 KB, and, since they say
// what the events say, mostly none beyond it. What does not compress pays for its bytes.
func TestKeptCommandsCostNoWriteUnit(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	words := func(n int) string { return strings.Repeat("all work and no play ", n/21+1)[:n] }
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(random.IntN(64))
		}
		return strings.ReplaceAll(string(b), "\\", "/")
	}
	for _, one := range []struct {
		what          string
		text, said    string // by the event, by the command
		without, with float64
	}{
		{"a small command", words(20), "", 1, 1},
		{"a payload of 350 bytes", noise(350), "", 1, 1},
		{"a payload of 700 bytes, which its event repeats", noise(700), "", 1, 1},
		{"a payload of 700 bytes, which its event does not repeat", noise(700), noise(700), 1, 2},
		{"a payload of 3,000 bytes of prose", words(3000), "", 1, 1},
		{"a payload of 100,000 bytes, which its event repeats", noise(100_000), "", 74, 74},
	} {
		for kept, units := range map[bool]float64{false: one.without, true: one.with} {
			c := userCommit(1)
			c.Events[0].Data = jsontext.Value(`{"text":"` + one.text + `"}`)
			if kept {
				c.Commands[0].Kept = &events.KeptCommand{Name: "create-user", Payload: jsontext.Value(`{"text":"` + cmp.Or(one.said, one.text) + `"}`)}
			}
			costs(t, fmt.Sprintf("%s, kept %v,", one.what, kept), Usage{Requests: 1, WriteUnits: units}, func(_ *testing.T, ctx context.Context) error {
				_, err := s.Append(ctx, events.Start(userStream()), c)
				return err
			})
		}
	}
}

// TestKeepingCostsNoWriteUnit, snapshots included, on a stream of small commands. A cold
// load, whose commits are larger, costs a read unit more at most.
func TestKeepingCostsNoWriteUnit(t *testing.T) {
	t.Parallel()
	for _, size := range []int{100, 200, 300} {
		type cost struct{ written, loaded float64 }
		measure := func(keeps bool) (c cost, bytes int) {
			s, f := newStore(t)
			of := shipments(0).(*aggregate.Definition[shipment])
			if keeps {
				of.KeepCommands()
			}
			handler := func(store events.Store) *aggregate.Handler {
				h, err := aggregate.NewHandler(store, []aggregate.Aggregate{of}, nil)
				if err != nil {
					t.Fatal(err)
				}
				return h
			}
			h, random := handler(s), rand.New(rand.NewPCG(7, 7))
			send := func(ctx context.Context, h *aggregate.Handler) {
				payload, err := json.Marshal(drawNote(random, size))
				if err == nil {
					_, err = h.Handle(ctx, aggregate.Command{Name: "note-shipment", ID: "7", Payload: payload})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			ctx, m := WithMeter(t.Context())
			for range 100 {
				send(ctx, h)
			}
			c.written = m.Usage().WriteUnits
			for range 20 { // at twenty lengths of the part that is loaded
				ctx, m := WithMeter(t.Context())
				send(ctx, handler(NewEventStore(f.client, s.table)))
				c.loaded = max(c.loaded, m.Usage().ReadUnits)
			}
			all, err := s.Read(t.Context(), "shipment/7", 1, 200)
			for i := range all {
				bytes += all[i].Size
			}
			if err != nil || len(all) != 120 || (all[50].Commands[0].Kept != nil) != keeps {
				t.Fatalf("%d commits, error %v", len(all), err)
			}
			return c, bytes / len(all)
		}
		without, small := measure(false)
		with, large := measure(true)
		if with.written > without.written || with.loaded > without.loaded+1 {
			t.Errorf("events of %d bytes: %+v with kept commands in commits of %d bytes, %+v without in commits of %d", size, with, large, without, small)
		}
	}
}
