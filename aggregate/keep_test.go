package aggregate_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// treat gives coins to a member only, and nothing to the stream it is sent to.
type treat struct {
	To string `json:"to"`
}

func (treat) CommandName() string { return "treat" }

// keepingClub keeps commands, but for those to change a badge.
func keepingClub(t *testing.T, store events.Store, opts *aggregate.Options) *aggregate.Handler {
	t.Helper()
	of := members().KeepCommands().
		Command(func(s member, c otherBadge) aggregate.Decision { return changeBadge(s, badge(c)) }, aggregate.NotKept()).
		Across(func(c treat) []events.Stream { return memberStreams([]string{c.To}) }, func(_ member, c treat, _ *aggregate.Others) aggregate.Decision {
			return aggregate.Nothing().On(memberStream(c.To), aggregate.Emit(coins{1}))
		})
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{of, counter()}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

type otherBadge badge

func (otherBadge) CommandName() string { return "change-badge-secretly" }

// keptIn writes what commits of a stream keep, a line per commit.
func keptIn(t *testing.T, store events.Store, stream events.Stream) []string {
	t.Helper()
	cs, err := store.Read(t.Context(), stream, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range cs {
		var parts []string
		for _, command := range c.Commands {
			part := "-"
			if k := command.Kept; k != nil {
				part = strings.TrimSpace(fmt.Sprintf("%s %s %s", k.Name, k.Payload, k.Stream))
			}
			parts = append(parts, part)
		}
		all = append(all, strings.Join(parts, "; "))
	}
	return all
}

// TestKeptCommands: a commit keeps the commands that decided its events, with compact
// payloads.
func TestKeptCommands(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := keepingClub(t, store, nil)
	must(t, h, cmd("join", "ann", "1", `{ "badge" : "a" }`))
	must(t, h, cmd("change-badge", "ann", "2", `{"badge":"a"}`)) // nothing to do
	_, err := h.Handle(t.Context(), cmd("join", "ann", "3", `{"badge":"b"}`))
	wantCode(t, err, "joined")
	must(t, h, cmd("change-badge-secretly", "ann", "4", `{"badge":"secret"}`))
	must(t, h, aggregate.Command{Name: "leave", ID: "ann", CommandID: "5"})
	h.HandleBatch(t.Context(), []aggregate.Command{
		cmd("earn", "ann", "6", `{"by":1}`), cmd("give", "ann", "7", `{"to":[],"each":1}`), cmd("earn", "ann", "8", `{"by":2}`),
	})
	want := []string{`join {"badge":"a"}`, `-`, `leave {}`, `earn {"by":1}`, `earn {"by":2}`}
	if got := keptIn(t, store, "member/ann"); !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	h.HandleBatch(t.Context(), []aggregate.Command{
		cmd("join", "bob", "b1", `{"badge":"b"}`), cmd("change-badge", "bob", "b2", `{"badge":"b"}`), cmd("earn", "bob", "b3", `{"by":2}`),
	})
	if got, want := keptIn(t, store, "member/bob"), []string{`join {"badge":"b"}; -; earn {"by":2}`}; !slices.Equal(got, want) {
		t.Errorf("a batch kept %q, want %q", got, want)
	}
	must(t, h, begin("1", "9"))
	if got := keptIn(t, store, "counter/1"); !slices.Equal(got, []string{"-"}) {
		t.Errorf("another aggregate kept %q", got)
	}
}

// TestKeptAcross: a command over several streams is whole in one commit; the others say
// whose part they are.
func TestKeptAcross(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h := keepingClub(t, store, nil)
	must(t, h, cmd("earn", "ann", "1", `{"by":9}`))
	must(t, h, cmd("give", "ann", "2", `{"to":["bob"],"each":2}`))
	must(t, h, cmd("treat", "ann", "3", `{"to":"bob"}`))
	if got, want := keptIn(t, store, "member/ann"), []string{`earn {"by":9}`, `give {"to":["bob"],"each":2}`}; !slices.Equal(got, want) {
		t.Errorf("ann: %q, want %q", got, want)
	}
	if got, want := keptIn(t, store, "member/bob"), []string{`give null member/ann`, `treat {"to":"bob"} member/ann`}; !slices.Equal(got, want) {
		t.Errorf("bob: %q, want %q", got, want)
	}
}

// TestKeptCommandThatDoesNotFit is left out; its events and the snapshot are stored.
func TestKeptCommandThatDoesNotFit(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	of := counter().KeepCommands()
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{of, members().KeepCommands()}, &aggregate.Options{SnapshotBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	must(t, h, begin("1", "1"))
	note := strings.Repeat("x", events.MaxCommitSize/2)
	must(t, h, aggregate.Command{Name: "add", ID: "1", CommandID: "2", Payload: fmt.Appendf(nil, `{"by":1,"note":%q}`, note)})
	if got, want := keptIn(t, store, "counter/1"), []string{"start-counter {}", "-"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	cs, err := store.Read(t.Context(), "counter/1", 2, 1)
	if err != nil || len(cs) != 1 || cs[0].Snapshot == nil {
		t.Errorf("without its snapshot: %v", err)
	}
	must(t, h, cmd("earn", "ann", "3", `{"by":1000000}`))
	long := strings.Repeat("0", events.MaxCommitSize) // zeros of a number, which its events do not repeat
	must(t, h, cmd("give", "ann", "4", `{"to":["bob"],"each":0.%s1e%d}`, long, len(long)+1))
	if got := keptIn(t, store, "member/bob"); !slices.Equal(got, []string{"-"}) {
		t.Errorf("over two streams: kept %q", got)
	}
}

// TestReplayDecides: a state decides as a handler does, and is left as it was.
func TestReplayDecides(t *testing.T) {
	t.Parallel()
	of := members()
	joined, err := of.Encode(joined{"a"}, coins{5})
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := aggregate.NewReplay(of, nil)
	if err == nil {
		err = r.Add(joined)
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.State()
	if err != nil {
		t.Fatal(err)
	}
	m := aggregate.Meta{ID: "ann", Version: 2, Time: time.Unix(7, 0).UTC()}
	for command, want := range map[string]string{
		`change-badge {"badge":"b"}`:          `badge-changed {"badge":"b"} [badge=b] [badge=a]`,
		`change-badge {"badge":"a"}`:          `[] []`,
		`join {"badge":"b"}`:                  "joined",
		`join {"name":"b"}`:                   "malformed",
		`nonsense {}`:                         "unknown-command",
		`give {"to":["bob"],"each":1}`:        "across",
		`give {"to":["ann"],"each":1}`:        `coins-added {"by":-1} coins-added {"by":1} [] []`,
		`type-wrong {"to":["ann"],"each":1}`:  "internal",
		`write-wrong {"to":["ann"],"each":1}`: "internal",
	} {
		name, payload, _ := strings.Cut(command, " ")
		d, err := r.Decide(aggregate.Command{Name: name, ID: "ann", Payload: []byte(payload)}, m)
		got := fmt.Sprint(d.Claims, d.Releases)
		for _, e := range slices.Backward(d.Events) {
			got = fmt.Sprintf("%s %s %s", e.Name, e.Data, got)
		}
		if errors.Is(err, aggregate.ErrAcross) {
			got = "across"
		} else if err != nil {
			got = string(events.CodeOf(err))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
	if after, err := r.State(); err != nil || string(after) != string(before) {
		t.Errorf("the state became %s, error %v", after, err)
	}
}

// BenchmarkReplayDecides is what a rehearsal does for each kept command.
func BenchmarkReplayDecides(b *testing.B) {
	of := members()
	r, _, err := aggregate.NewReplay(of, nil)
	if err != nil {
		b.Fatal(err)
	}
	c := aggregate.Command{Name: "earn", ID: "ann", Payload: []byte(`{"by":3}`)}
	for b.Loop() {
		if _, err := r.Decide(c, aggregate.Meta{ID: "ann"}); err != nil {
			b.Fatal(err)
		}
	}
}
