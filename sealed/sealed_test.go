package sealed_test

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/personal/personaltest"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

func with(s *personal.Sealer) sealed.With { return sealed.With{Sealer: s} }

func sealer(keys *personaltest.Keys) *personal.Sealer {
	return personal.NewSealer(personal.NewRing(keys, keys, nil))
}

// A wrapped store is a store in every respect.
func TestStoreConforms(t *testing.T) {
	t.Parallel()
	eventstest.Run(t, func(*testing.T) events.Store {
		return with(sealer(new(personaltest.Keys))).Store(new(eventstest.Memory))
	})
}

func TestLedgerConforms(t *testing.T) {
	t.Parallel()
	processtest.Run(t, func(*testing.T) process.Ledger {
		return with(sealer(new(personaltest.Keys))).Ledger(new(processtest.Memory))
	})
}

// A ledger that lists its entries opens what processes remember, and seals it again.
func TestListedEntriesAreOpened(t *testing.T) {
	t.Parallel()
	under, with := new(processtest.Memory), with(sealer(new(personaltest.Keys)))
	of := process.Key{Reactor: "greetings", Stream: "person/7"}
	carried, err := personal.Marshal(peopledomain.Memory{Name: personal.Of("Ann")})
	if err != nil {
		t.Fatal(err)
	}
	if err := with.Entries(under).Save(t.Context(), process.Entry{Key: of, Revision: 1, Memory: carried}); err != nil {
		t.Fatal(err)
	}
	raw, _, err := under.Entries(t.Context(), "", 10)
	if err != nil || len(raw) != 1 || bytes.Contains(raw[0].Memory, []byte("Ann")) {
		t.Errorf("stored %+v, %v", raw, err)
	}
	page, next, err := with.Entries(under).Entries(t.Context(), "", 10)
	if err != nil || next != "" || len(page) != 1 || string(personal.Plain(page[0].Memory)) != `{"name":"Ann"}` {
		t.Errorf("listed %+v, %q, %v", page, next, err)
	}
	if plain, _, err := (sealed.With{}).Entries(under).Entries(t.Context(), "", 10); err != nil || !bytes.Equal(plain[0].Memory, raw[0].Memory) {
		t.Errorf("without a sealer: %+v, %v", plain, err)
	}
}

func TestTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.RunRouted(t, func(_ *testing.T, views []view.View) driver.AdminTables {
		return with(sealer(new(personaltest.Keys))).Tables(viewtest.NewMemory(views...))
	})
	viewtest.Run(t, func(_ *testing.T, views []view.View) driver.Tables {
		return with(sealer(new(personaltest.Keys))).Tables(viewtest.NewMemory(views...))
	})
}

// rig is a handler on a sealed store, and what lies under it.
type rig struct {
	under *eventstest.Memory
	keys  *personaltest.Keys
	ring  *personal.Ring
	*aggregate.Handler
}

// newRig returns another process on the same store and keys.
func (r rig) newRig(t *testing.T) rig {
	t.Helper()
	r.ring = personal.NewRing(r.keys, r.keys, nil)
	return r.handler(t)
}

// handler returns another handler in the process, which has met nobody yet.
func (r rig) handler(t *testing.T) rig {
	t.Helper()
	var err error
	r.Handler, err = aggregate.NewHandler(with(personal.NewSealer(r.ring)).Store(r.under), peopledomain.App().Aggregates, &aggregate.Options{SnapshotBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newRig(t *testing.T) rig {
	t.Helper()
	return rig{under: new(eventstest.Memory), keys: new(personaltest.Keys)}.newRig(t)
}

func (r rig) send(t *testing.T, name, id, payload string) (aggregate.Result, error) {
	t.Helper()
	return r.Handle(t.Context(), aggregate.Command{Name: name, ID: id, Payload: jsontext.Value(payload), CommandID: name + payload})
}

func (r rig) must(t *testing.T, name, id, payload string) {
	t.Helper()
	if _, err := r.send(t, name, id, payload); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// stored is all that the store keeps, as text.
func (r rig) stored(t *testing.T) string {
	t.Helper()
	page, _, err := r.under.Scan(t.Context(), 0, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, c := range page {
		text += fmt.Sprintf("%s %v %v ", c.Stream, c.Claims, c.Releases)
		for _, e := range c.Events {
			text += string(e.Data) + " "
		}
		if c.Snapshot != nil {
			text += string(c.Snapshot.State)
		}
	}
	return text
}

const annsPayload = `{"name":"Ann","email":"Ann@example.com","home":{"street":"Elm 7","town":"Ulm"}}`

func TestNothingReadableIsStored(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(t, "register-person", "7", annsPayload)
	r.must(t, "rename-person", "7", `{"name":"Anna"}`)
	r.must(t, "write-letter", "1", `{"to":"7","text":"Dear Ann"}`)
	text := r.stored(t)
	for _, word := range []string{"Ann", "ann@", "Elm", "Ulm", "Dear", "~p0", `"~0`} {
		if strings.Contains(text, word) {
			t.Errorf("%q is readable: %s", word, text)
		}
	}
	if got := strings.Join(r.keys.Subjects(), " "); got != "person/7 ~claims" {
		t.Errorf("keys of %s", got)
	}
	// Another process reads it, and a repeat is one.
	other := r.newRig(t)
	if again, err := other.send(t, "rename-person", "7", `{"name":"Anna"}`); err != nil || !again.Replayed || again.Version != 2 {
		t.Errorf("repeat: %+v, %v", again, err)
	}
	if again, err := other.Handle(t.Context(), aggregate.Command{Name: "rename-person", ID: "7", Payload: jsontext.Value(`{"name":"Anna"}`)}); err != nil || again.Version != 2 {
		t.Errorf("no change: %+v, %v", again, err)
	}
	// Claims are unique by what they hash, whichever process hashes.
	_, err := other.send(t, "register-person", "8", `{"name":"Bob","email":"ANN@example.com"}`)
	if events.CodeOf(err) != events.CodeAlreadyTaken || strings.Contains(fmt.Sprint(err), "ann@") {
		t.Errorf("a second person with the address: %v", err)
	}
}

// A warm command asks for no key, and what another process stored is folded with the
// keys of this one.
func TestWarmCommandsAskForNoKey(t *testing.T) {
	t.Parallel()
	a := newRig(t)
	a.must(t, "register-person", "7", annsPayload)
	if c := a.keys.Calls(); c != (personaltest.Calls{Loads: 2, Creates: 2, Generates: 2}) { // one of them for all claims
		t.Errorf("created with %+v", c)
	}
	a.must(t, "rename-person", "7", `{"name":"Anna"}`)
	if c := a.keys.Calls(); c != (personaltest.Calls{}) {
		t.Errorf("warm: %+v", c)
	}
	b := a.newRig(t)
	b.must(t, "rename-person", "7", `{"name":"Anne"}`)
	if c := b.keys.Calls(); c != (personaltest.Calls{Loads: 1, Unwraps: 1}) {
		t.Errorf("cold: %+v", c)
	}
	if result, err := a.send(t, "rename-person", "7", `{"name":"Annie"}`); err != nil || result.Version != 4 { // one behind
		t.Errorf("%+v, %v", result, err)
	}
	if c := a.keys.Calls(); c != (personaltest.Calls{}) {
		t.Errorf("one behind: %+v", c)
	}
}

// The bytes of a commit are made once: an append whose answer was lost is found again.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lost := 0
	r.under.After = func(events.Commit) error {
		if lost++; lost == 1 {
			return events.Errorf(events.CodeUnavailable, "the answer was lost")
		}
		return nil
	}
	if _, err := r.send(t, "register-person", "7", annsPayload); events.CodeOf(err) != events.CodeUnavailable {
		t.Fatalf("%v", err)
	}
	if again, err := r.send(t, "register-person", "7", annsPayload); err != nil || !again.Replayed {
		t.Errorf("%+v, %v", again, err)
	}
}

// After a key was deleted a process that still has everything in memory goes on for a
// minute at most, and never makes the person known again.
func TestWarmProcessesForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newRig(t)
		a.must(t, "register-person", "7", annsPayload)
		b := a.newRig(t)
		if ok, err := b.ring.Delete(t.Context(), "person/7"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		// In the last moment of the key that a keeps, it meets the person again.
		time.Sleep(personal.KeyTTL - time.Second)
		met := a.handler(t)
		met.must(t, "rename-person", "7", `{"name":"Ann"}`)
		time.Sleep(personal.ErasedAfter - personal.KeyTTL + time.Second)
		if again, err := met.send(t, "rename-person", "7", `{"name": "Ann"}`); err != nil || again.Version != 2 {
			t.Errorf("the name is remembered: version %d, %v", again.Version, err)
		}
		met.must(t, "rename-person", "7", `{"name":"Zoe"}`) // a new person, under a new key, in a snapshot with the old values
		c := a.newRig(t)
		commits, err := with(personal.NewSealer(c.ring)).Store(a.under).Load(t.Context(), "person/7", 1)
		if err != nil {
			t.Fatal(err)
		}
		last := commits[len(commits)-1]
		if got := string(personal.Plain(last.Snapshot.State)); got != `{"exists":true,"name":"Zoe","email":null,"home":null}` {
			t.Errorf("state %s", got)
		}
	})
}

func TestQueuedCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m, err := async.Encode(r.Handler, aggregate.Command{Name: "register-person", ID: "7", Payload: jsontext.Value(annsPayload), CommandID: "c-1"})
	if err != nil {
		t.Fatal(err)
	}
	s := personal.NewSealer(r.ring)
	q := &recorder{}
	if errs := with(s).Queue(q).Send(t.Context(), []async.Message{m}); errs[0] != nil {
		t.Fatal(errs)
	}
	if bytes.Contains(q.sent[0].Body, []byte("Ann")) || bytes.Contains(q.sent[0].Body, []byte("Elm")) {
		t.Errorf("readable: %s", q.sent[0].Body)
	}
	deliver := func() string {
		ds := []async.Delivery{{ID: "1", Body: q.sent[0].Body, Group: m.Group}, {ID: "2", Body: []byte("~p1. rubbish \"~p1."), Group: m.Group}}
		if err := with(s).Deliveries(t.Context(), ds); err != nil || string(ds[1].Body) != "~p1. rubbish \"~p1." {
			t.Fatalf("%s, %v", ds[1].Body, err)
		}
		e, err := async.Decode(ds[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		sent := r.Prepare(aggregate.Command{Name: "register-person", ID: "7", Payload: jsontext.Value(annsPayload), CommandID: "c-1"})
		got := r.Prepare(e.Command)
		if got.Err != nil {
			t.Fatal(got.Err)
		}
		if same := sent.Digest == got.Digest; same != (string(personal.Plain(e.Command.Payload)) == annsPayload) {
			t.Errorf("same digest: %v", same)
		}
		return string(personal.Plain(e.Command.Payload))
	}
	if got := deliver(); got != annsPayload {
		t.Errorf("delivered %s", got)
	}
	if _, err := r.ring.Delete(t.Context(), "person/7"); err != nil {
		t.Fatal(err)
	}
	if got := deliver(); got != `{"name":null,"email":null,"home":null}` {
		t.Errorf("delivered after erasure %s", got)
	}
}

// The keys of a batch of messages about several persons are read together.
func TestMessagesOfSeveralPersons(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ms []async.Message
	for n := range 20 {
		body, err := personal.Marshal([]peopledomain.Text{personal.About(fmt.Sprint("person/", n), "Ann")})
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, async.Message{Body: body, Group: "g"})
	}
	for _, want := range []personaltest.Calls{{Loads: 1, Creates: 20, Generates: 20}, {}} {
		for _, err := range with(personal.NewSealer(r.ring)).Queue(&recorder{}).Send(t.Context(), ms) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if asked := r.keys.Calls(); asked != want {
			t.Errorf("asked %+v, want %+v", asked, want)
		}
	}
}

// recorder is a queue.
type recorder struct{ sent []async.Message }

func (r *recorder) Send(_ context.Context, ms []async.Message) []error {
	r.sent = append(r.sent, ms...)
	return make([]error, len(ms))
}

// Such a text in a field that is not marked is stored and read as it was sent: in a message
// and in an event.
func TestTextsThatLookSealed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sealer := personal.NewSealer(r.ring)
	const data = `{"text":"~p1.aaaaaaaa.AAAA"}`
	q := &recorder{}
	if errs := with(sealer).Queue(q).Send(t.Context(), []async.Message{{Body: []byte(data), Group: "g"}}); errs[0] != nil {
		t.Fatal(errs)
	}
	ds := []async.Delivery{{Body: q.sent[0].Body, Group: "g"}}
	if err := with(sealer).Deliveries(t.Context(), ds); err != nil || string(ds[0].Body) != data {
		t.Errorf("%s, %v", ds[0].Body, err)
	}
	store := with(sealer).Store(r.under)
	commit := events.Commit{ID: "c", Events: []events.Event{{Name: "e", Schema: 1, Data: jsontext.Value(data)}}, Commands: []events.Command{{ID: "c", Version: 1}}}
	if _, err := store.Append(t.Context(), events.Start("letter/1"), commit); err != nil {
		t.Fatal(err)
	}
	if cs, err := store.Read(t.Context(), "letter/1", 1, 1); err != nil || string(cs[0].Events[0].Data) != data {
		t.Errorf("%v, %v", cs, err)
	}
}

func TestClientsCanNotSendForms(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{`"~p0"`, `"~p1.aaaaaaaa.AAAA"`, `"~p!"`, `null`, `{"~x":["person/8","",""]}`} {
		_, err := r.send(t, "register-person", "7", `{"name":`+name+`,"email":"a@example.com"}`)
		if events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}
