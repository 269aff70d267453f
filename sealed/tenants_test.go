package sealed_test

import (
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"strconv"
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
	"daybook/view/driver"
	"daybook/view/viewtest"
)

// tenants are handlers of an application with tenants on one store.
func tenants(t *testing.T, under events.Store, ring *personal.Ring) func(tenant, name, id, payload string) error {
	t.Helper()
	h, err := aggregate.NewHandler(sealed.With{Sealer: personal.NewSealer(ring)}.Store(under), peopledomain.App().Aggregates, &aggregate.Options{Tenants: true, SnapshotBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	return func(tenant, name, id, payload string) error {
		_, err := h.Handle(t.Context(), aggregate.Command{Tenant: tenant, Name: name, ID: id, Payload: jsontext.Value(payload), CommandID: name + payload})
		return err
	}
}

// The person of one id at two tenants are two persons: a key each, in events, in
// snapshots and where an event of another stream is about them; a claim each, with
// hashes that tell nothing of each other. Erasing one leaves the other.
func TestPersonsOfTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		under, keys := new(eventstest.Memory), new(personaltest.Keys)
		ring := personal.NewRing(keys, keys, nil)
		send := tenants(t, under, ring)
		for _, tenant := range []string{"acme", "globex"} {
			for _, step := range [][3]string{{"register-person", "7", annsPayload}, {"write-letter", "1", `{"to":"7","text":"Dear Ann"}`}, {"rename-person", "7", `{"name":"Anna"}`}} {
				if err := send(tenant, step[0], step[1], step[2]); err != nil {
					t.Fatalf("%s: %s: %v", tenant, step[0], err)
				}
			}
		}
		subjects := keys.Subjects()
		slices.Sort(subjects)
		if got := strings.Join(subjects, " "); got != "acme:person/7 globex:person/7 ~claims" {
			t.Errorf("keys of %s", got)
		}
		if err := send("acme", "register-person", "8", annsPayload); events.CodeOf(err) != events.CodeAlreadyTaken {
			t.Errorf("a second person of acme with the address: %v", err)
		}
		var hashes []string
		for cursor, more := "", true; more; more = cursor != "" {
			page, next, err := under.ScanHeld(t.Context(), 0, 1, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range page {
				tenant, hash, ok := strings.Cut(h.Key, ":person-email=~h1.")
				if !ok || tenant != h.Stream.Tenant() || slices.Contains(hashes, hash) {
					t.Errorf("claim %+v", h)
				}
				hashes = append(hashes, hash)
			}
			cursor = next
		}
		if len(hashes) != 2 {
			t.Errorf("claims %v", hashes)
		}
		if ok, err := ring.Delete(t.Context(), "acme:person/7"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		time.Sleep(personal.ErasedAfter)
		store := sealed.With{Sealer: personal.NewSealer(personal.NewRing(keys, keys, nil))}.Store(under)
		for tenant, want := range map[string]string{"acme": `"text":null`, "globex": `"text":"Dear Ann"`} {
			for _, stream := range []events.Stream{"person/7", "letter/1"} {
				cs, err := store.Read(t.Context(), stream.In(tenant), 1, 10)
				if err != nil || len(cs) == 0 {
					t.Fatal(cs, err)
				}
				text := ""
				for _, c := range cs {
					for _, e := range c.Events {
						text += string(personal.Plain(e.Data))
					}
					text += string(personal.Plain(c.Snapshot.State))
				}
				if strings.Contains(text, "Ann") != (tenant == "globex") || stream == "letter/1" && !strings.Contains(text, want) {
					t.Errorf("%s of %s after acme's was erased: %s", stream, tenant, text)
				}
			}
		}
	})
}

// A subject that the domain names without a tenant is the person of the tenant whose
// place it is: in a queued command, in what a process remembers, in a row, and in each
// part of a commit.
func TestNamedPersonsOfTenants(t *testing.T) {
	t.Parallel()
	keys := new(personaltest.Keys)
	s := sealed.With{Sealer: personal.NewSealer(personal.NewRing(keys, keys, nil))}
	carried, err := personal.Marshal(struct {
		Name peopledomain.Text `json:"name"`
	}{personal.About("person/7", "Ann")})
	if err != nil {
		t.Fatal(err)
	}
	ledger, q, store := s.Ledger(new(processtest.Memory)), &recorder{}, s.Store(new(eventstest.Memory))
	tables := s.Tables(viewtest.NewMemory(peopledomain.People))
	for _, tenant := range []string{"acme", "globex"} {
		stream := events.StreamOf("letter", "1").In(tenant)
		m, err := async.Envelope{Command: aggregate.Command{Tenant: tenant, Name: "x", ID: "1", CommandID: "c", Payload: carried}}.Message(stream)
		if err != nil {
			t.Fatal(err)
		}
		if errs := s.Queue(q).Send(t.Context(), []async.Message{m}); errs[0] != nil {
			t.Fatal(errs)
		}
		wantKeys(t, keys, tenant, tenant+":person/7")
		if err := ledger.Save(t.Context(), process.Entry{Key: process.Key{Reactor: "r", Stream: stream}, Revision: 1, Memory: carried}); err != nil {
			t.Fatal(err)
		}
		item := driver.Item{Key: "@tenant/" + tenant + "/9", Version: 1, Commit: 1, Row: carried}
		if err := tables.Table("people", 1).Put(t.Context(), driver.Write{Item: item}); err != nil {
			t.Fatal(err)
		}
		for i, c := range []events.Commit{
			{Events: []events.Event{{Name: "x", Schema: 1, Data: carried}}},
			{Events: []events.Event{{Name: "x", Schema: 1}}, Commands: []events.Command{{ID: "c", Version: 1, Kept: &events.KeptCommand{Name: "x", Payload: carried}}}},
			{Events: []events.Event{{Name: "x", Schema: 1}}, Snapshot: &events.Snapshot{Schema: 1, State: carried}},
		} {
			c.Time = time.Unix(1, 0)
			if _, err := store.Append(t.Context(), events.Start(events.StreamOf("letter", strconv.Itoa(i)).In(tenant)), c); err != nil {
				t.Fatal(err)
			}
		}
		memo := driver.Item{Key: "@stream/" + tenant + ":letter/2", Version: 1, Commit: 1, Memo: carried}
		if err := tables.Table("people", 1).Put(t.Context(), driver.Write{Item: memo}); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, keys, tenant, tenant+":person/7")
	}
	if slices.Contains(keys.Subjects(), "person/7") {
		t.Error("a key of a person of no tenant")
	}
	// A value of acme's person fits no place of globex.
	ds := []async.Delivery{{ID: "1", Body: q.sent[0].Body, Group: "acme:letter/1"}}
	if err := s.Deliveries(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	e, err := async.Decode(ds[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	err = ledger.Save(t.Context(), process.Entry{Key: process.Key{Reactor: "r", Stream: "globex:letter/2"}, Revision: 1, Memory: e.Command.Payload})
	if events.CodeOf(err) != events.CodeInternal || !strings.Contains(fmt.Sprint(err), "another tenant") {
		t.Errorf("acme's person in globex's memory: %v", err)
	}
}

// wantKeys wants the keys so far of a tenant.
func wantKeys(t *testing.T, keys *personaltest.Keys, tenant string, want ...string) {
	t.Helper()
	var of []string
	for _, subject := range keys.Subjects() {
		if strings.HasPrefix(subject, tenant+":") {
			of = append(of, subject)
		} else if !strings.Contains(subject, ":") {
			t.Errorf("a key of nobody's %s", subject)
		}
	}
	if !slices.Equal(of, want) {
		t.Errorf("keys of %s: %v, want %v", tenant, of, want)
	}
}
