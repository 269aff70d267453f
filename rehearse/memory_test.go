package rehearse

import (
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/process"
)

// TestPersonalMemories: memories are compared by their values, whoever the key is of,
// and a difference is reported without the values.
func TestPersonalMemories(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec(peopledomain.App().Aggregates)
	if err != nil {
		t.Fatal(err)
	}
	polite := process.New[peopledomain.Memory]("polite", "person").
		On(func(_ peopledomain.Memory, e peopledomain.Registered, _ process.Meta) (peopledomain.Memory, process.Reaction) {
			return peopledomain.Memory{Name: personal.Of("Dear " + e.Name.Reveal())}, process.Reaction{}
		})
	registered := events.Commit{
		Stream: "person/7", Number: 1, Version: 1, ID: "a", Time: time.Unix(1, 0),
		Events: []events.Event{{Name: "person-registered", Schema: 1, Data: []byte(`{"name":"Ann","email":"ann@example.com"}`)}},
	}
	for stored, differ := range map[string]int64{`{"name":"Dear Ann"}`: 0, `{"name":"Dear Bob"}`: 1} {
		d := process.NewDerivation(codec, polite, "")
		if err := d.Remember(&registered); err != nil {
			t.Fatal(err)
		}
		_, schema := d.Memory()
		opened := personal.Carry([]byte(stored), [][2]int{{8, 18}}, "person/7")
		p := newPart(&rehearsal{opts: Options{Samples: 1}})
		f := &follower{name: "polite", derivation: d, entry: &process.Entry{Key: process.Key{Reactor: "polite", Stream: "person/7"}, Memory: opened, MemorySchema: schema}}
		f.compare(p)
		found := p.found.process("polite")
		if found.Memories != differ || len(found.Samples) != int(differ) {
			t.Errorf("%s: %+v", stored, found)
		}
		for _, s := range found.Samples {
			if strings.Contains(s.Text, "Dear") || !strings.Contains(s.Text, "[personal]") {
				t.Errorf("%s: the report says %q", stored, s.Text)
			}
		}
	}
}
