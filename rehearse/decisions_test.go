package rehearse_test

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/personal/personaltest"
	"daybook/rehearse"
	"daybook/sealed"
)

// The bank is the application of these tests: accounts whose decisions use all that a
// decision may know.
type (
	account struct {
		Owner   string `json:"owner,omitzero"`
		Balance int64  `json:"balance,omitzero"`
	}
	opened struct {
		Owner string `json:"owner"`
	}
	deposited struct {
		Amount  int64     `json:"amount"`
		Account string    `json:"account"`
		Version int64     `json:"version"`
		At      time.Time `json:"at"`
		By      string    `json:"by"`
		Command string    `json:"command"`
	}
	withdrawn struct {
		Amount int64 `json:"amount"`
		Fee    int64 `json:"fee"`
	}
	open struct {
		Owner string `json:"owner"`
	}
	deposit struct {
		Amount int64 `json:"amount"`
	}
	withdraw struct {
		Amount int64 `json:"amount"`
	}
	smallDeposit struct {
		Amount int64 `json:"amount" rule:"max=50"`
	}
	transfer struct {
		To     string `json:"to"`
		Amount int64  `json:"amount"`
	}
)

func (opened) EventName() string         { return "account-opened" }
func (deposited) EventName() string      { return "money-deposited" }
func (withdrawn) EventName() string      { return "money-withdrawn" }
func (open) CommandName() string         { return "open-account" }
func (deposit) CommandName() string      { return "deposit" }
func (smallDeposit) CommandName() string { return "deposit" }
func (withdraw) CommandName() string     { return "withdraw" }
func (transfer) CommandName() string     { return "transfer" }

// rules are those of one version of the bank's code.
type rules struct {
	claim     string // under which name an owner is unique
	bare      bool   // nothing is kept
	small     bool   // deposits are small
	forgotten bool   // there is no command to withdraw
	fee       func(amount int64) int64
	limit     int64
	unlucky   int64 // an amount at which the code fails
}

func firstRules() rules {
	return rules{claim: "owner", fee: func(int64) int64 { return 1 }, limit: 1000}
}

func (r rules) app() daybook.App {
	d := aggregate.New[account]("account")
	if !r.bare {
		d.KeepCommands()
	}
	d.Event(func(_ account, e opened) account { return account{Owner: e.Owner} }).
		Event(func(s account, e deposited) account { s.Balance += e.Amount; return s }).
		Event(func(s account, e withdrawn) account { s.Balance -= e.Amount + e.Fee; return s }).
		Command(func(s account, c open) aggregate.Decision {
			if s.Owner != "" {
				return aggregate.Nothing()
			}
			return aggregate.Emit(opened(c)).Claim(r.claim, c.Owner)
		}).
		Across(func(c transfer) []events.Stream { return []events.Stream{events.StreamOf("account", c.To)} }, func(_ account, c transfer, o *aggregate.Others) aggregate.Decision {
			m := o.Meta()
			return aggregate.Emit(withdrawn{c.Amount, 0}).On(events.StreamOf("account", c.To), aggregate.Emit(deposited{Amount: c.Amount, At: m.Time}))
		})
	put := func(amount int64, m aggregate.Meta) aggregate.Decision {
		return aggregate.Emit(deposited{amount, m.ID, m.Version, m.Time, m.Actor, m.CommandID})
	}
	if r.small {
		d.CommandWith(func(_ account, c smallDeposit, m aggregate.Meta) aggregate.Decision { return put(c.Amount, m) })
	} else {
		d.CommandWith(func(_ account, c deposit, m aggregate.Meta) aggregate.Decision { return put(c.Amount, m) })
	}
	if !r.forgotten {
		d.Command(r.withdraw)
	}
	return daybook.App{Name: "bank", Aggregates: []aggregate.Aggregate{d}}
}

func (r rules) withdraw(s account, c withdraw) aggregate.Decision {
	fee := r.fee(c.Amount)
	switch {
	case c.Amount == r.unlucky:
		panic(s.Owner)
	case c.Amount > r.limit:
		return aggregate.Reject("over-limit", s.Owner+" takes too much")
	case s.Balance < c.Amount+fee:
		return aggregate.Reject("too-poor", "there is too little")
	}
	return aggregate.Emit(withdrawn{c.Amount, fee})
}

// taken is a withdrawal that was accepted: its event and its amount.
type taken struct {
	at     string
	amount int64
}

// bank fills a store by the first rules and returns what was withdrawn, and how many
// commands were accepted and decided an event.
func bank(t *testing.T, store events.Store, of rules) (all []taken, accepted int64) {
	t.Helper()
	h, err := aggregate.NewHandler(store, of.app().Aggregates, &aggregate.Options{SnapshotBytes: 700})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 5))
	for a := range 20 {
		id := fmt.Sprint("a", a)
		for batch := range 6 {
			var cs []aggregate.Command
			add := func(name, payload string, args ...any) {
				cs = append(cs, aggregate.Command{Name: name, ID: id, Payload: fmt.Appendf(nil, payload, args...), Actor: fmt.Sprint("teller", batch), CommandID: fmt.Sprint(id, "-", batch, "-", len(cs))})
			}
			add("open-account", `{"owner":"owner-%d"}`, a) // nothing to do but for the first
			add("deposit", `{"amount":%d}`, 1+random.Int64N(100))
			for range random.IntN(4) {
				add("withdraw", `{"amount":%d}`, random.Int64N(60))
			}
			version := int64(-1)
			for i, o := range h.HandleBatch(t.Context(), cs) {
				if o.Err != nil {
					continue
				}
				changed := o.Result.Version != version && (i > 0 || batch == 0)
				version = o.Result.Version
				if !changed {
					continue
				}
				accepted++
				if cs[i].Name == "withdraw" {
					var p withdraw
					if err := json.Unmarshal(cs[i].Payload, &p); err != nil {
						t.Fatal(err)
					}
					all = append(all, taken{o.Result.Token(), p.Amount})
				}
			}
		}
	}
	if len(all) < 30 || accepted < 150 {
		t.Fatalf("%d withdrawals of %d commands", len(all), accepted)
	}
	return all, accepted
}

func run(t *testing.T, store events.Store, app daybook.App) rehearse.Report {
	t.Helper()
	r, err := rehearse.Run(t.Context(), app, rehearse.Sources{Events: store}, rehearse.Options{Samples: 1000, Segments: 4})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// listed are the samples of a command's change, by their events.
func listed(r rehearse.Report, command string, change rehearse.DecisionChange) []string {
	at := []string{}
	for _, c := range r.Decisions.Commands {
		for _, s := range c.Samples {
			if c.Name == command && s.Change == change {
				at = append(at, s.At)
			}
		}
	}
	slices.Sort(at)
	return at
}

// TestSameCodeDecidesTheSame: nothing differs, whatever a decision used.
func TestSameCodeDecidesTheSame(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	_, accepted := bank(t, store, firstRules())
	r := run(t, store, firstRules().app())
	if d := r.Decisions; r.Differs || d.Differ > 0 || d.Decided != accepted || d.NotKept > 0 || len(d.Commands) != 3 {
		t.Errorf("%d commands: %+v", accepted, r)
	}
	if s := r.States; s.Compared == 0 {
		t.Errorf("no snapshot: %+v", s)
	}
}

// TestChangedDecisionsAreListed: exactly those commands whose decision a planted change
// changes, by what became of them.
func TestChangedDecisionsAreListed(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	all, accepted := bank(t, store, firstRules())
	for name, change := range map[string]struct {
		plant func(*rules)
		kind  rehearse.DecisionChange
		hit   func(amount int64) bool
	}{
		"another fee":       {func(r *rules) { r.fee = func(n int64) int64 { return 1 + n/50 } }, rehearse.DecisionEvents, func(n int64) bool { return n >= 50 }},
		"a limit":           {func(r *rules) { r.limit = 40 }, rehearse.DecisionRejected, func(n int64) bool { return n > 40 }},
		"a panic":           {func(r *rules) { r.unlucky = all[7].amount }, rehearse.DecisionFault, func(n int64) bool { return n == all[7].amount }},
		"a command no more": {func(r *rules) { r.forgotten = true }, rehearse.DecisionRejected, func(int64) bool { return true }},
	} {
		next := firstRules()
		change.plant(&next)
		r := run(t, store, next.app())
		want := []string{}
		for _, one := range all {
			if change.hit(one.amount) {
				want = append(want, one.at)
			}
		}
		slices.Sort(want)
		if got := listed(r, "withdraw", change.kind); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: listed %q, want %q", name, got, want)
		}
		if d := r.Decisions; !r.Differs || d.Differ != int64(len(want)) || d.Decided != accepted {
			t.Errorf("%s: %+v", name, d)
		}
		text, err := json.Marshal(r)
		if err != nil || strings.Contains(string(text), "owner-") {
			t.Errorf("%s: the report shows what a message held: %s, %v", name, text, err)
		}
	}
}

// TestChangedClaimsAndPayloads: a claim under another name is a difference, where a
// commit has one command, and so is a payload that is refused.
func TestChangedClaimsAndPayloads(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	h, err := aggregate.NewHandler(store, firstRules().app().Aggregates, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []aggregate.Command{
		{Name: "open-account", ID: "a", Payload: []byte(`{"owner":"Ann"}`)},
		{Name: "deposit", ID: "a", Payload: []byte(`{"amount":50}`)}, {Name: "deposit", ID: "a", Payload: []byte(`{"amount":51}`)},
		{Name: "transfer", ID: "a", Payload: []byte(`{"to":"b","amount":7}`)},
	} {
		if _, err := h.Handle(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	next := firstRules()
	next.claim, next.small = "holder", true
	r := run(t, store, next.app())
	if got := listed(r, "open-account", rehearse.DecisionClaims); !slices.Equal(got, []string{"account/a@1"}) {
		t.Errorf("claims: %+v", r.Decisions)
	}
	if s := r.Decisions.Commands[1].Samples[0]; s.Text != "did claim owner, would claim holder" {
		t.Errorf("sample %+v", s)
	}
	if got := listed(r, "deposit", rehearse.DecisionRejected); !slices.Equal(got, []string{"account/a@3"}) {
		t.Errorf("payloads: %+v", r.Decisions)
	}
	if s := r.Decisions.Commands[0].Samples[0]; s.Code != "malformed" || !strings.Contains(s.Text, "/payload/amount") || len(s.Before) != 1 {
		t.Errorf("sample %+v", s)
	}
	if d := r.Decisions; d.Across != 1 || d.NotKept != 0 || d.Decided != 3 || d.Differ != 2 {
		t.Errorf("over several streams: %+v", d)
	}
}

// TestCommandsThatWereNotKept are counted, and those behind an event that the code can't
// fold.
func TestCommandsThatWereNotKept(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	bare := firstRules()
	bare.bare = true
	_, accepted := bank(t, store, bare)
	if r := run(t, store, firstRules().app()); r.Differs || r.Decisions.NotKept != accepted || r.Decisions.Decided != 0 {
		t.Errorf("%d commands: %+v", accepted, r.Decisions)
	}
	store = &eventstest.Memory{}
	bank(t, store, firstRules())
	app := firstRules().app()
	app.Aggregates = []aggregate.Aggregate{aggregate.New[account]("account").
		Event(func(_ account, e opened) account { return account{Owner: e.Owner} }).
		Event(func(s account, _ withdrawn) account { return s })}
	if r := run(t, store, app); len(r.Faults) != 1 || r.Decisions.NoState == 0 {
		t.Errorf("without an event: %+v", r)
	}
}

// TestDecisionsResume: what a stop leaves is not decided again, and the result is that
// of one run.
func TestDecisionsResume(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	bank(t, store, firstRules())
	next := firstRules()
	next.limit = 30
	stop, saved := errors.New("stop"), (*rehearse.State)(nil)
	opts := rehearse.Options{Samples: 1000, Segments: 8, Parallel: 1, Save: func(s rehearse.State) error {
		text, err := json.Marshal(s)
		if saved = new(rehearse.State); err == nil {
			err = json.Unmarshal(text, saved)
		}
		if err == nil && len(saved.Views.Done) == 3 {
			return stop
		}
		return err
	}}
	if _, err := rehearse.Run(t.Context(), next.app(), rehearse.Sources{Events: store}, opts); !errors.Is(err, stop) || saved.Report.Decisions.Decided == 0 {
		t.Fatalf("error %v, saved %+v", err, saved)
	}
	opts.Resume, opts.Save = saved, nil
	got, err := rehearse.Run(t.Context(), next.app(), rehearse.Sources{Events: store}, opts)
	want := run(t, store, next.app())
	if err != nil || got.Decisions.Decided != want.Decisions.Decided || got.Decisions.Differ != want.Decisions.Differ || want.Decisions.Differ == 0 ||
		!slices.Equal(listed(got, "withdraw", rehearse.DecisionRejected), listed(want, "withdraw", rehearse.DecisionRejected)) {
		t.Errorf("resumed %+v, whole %+v, error %v", got.Decisions, want.Decisions, err)
	}
}

// strictRename is the payload of a name of three letters at least.
type strictRename struct {
	Name peopledomain.Text `json:"name" rule:"min=4"`
}

func (strictRename) CommandName() string { return "rename-person" }

// politePerson greets in names, and takes long ones only.
func politePerson() daybook.App {
	app := peopledomain.App()
	app.Processes = nil
	app.Aggregates = []aggregate.Aggregate{aggregate.New[peopledomain.State]("person").
		Event(func(s peopledomain.State, e peopledomain.Registered) peopledomain.State {
			return peopledomain.State{Exists: true, Name: e.Name}
		}).
		Event(func(s peopledomain.State, e peopledomain.Renamed) peopledomain.State { s.Name = e.Name; return s }).
		Event(func(s peopledomain.State, _ peopledomain.Forgotten) peopledomain.State { return s }).
		Command(func(_ peopledomain.State, c peopledomain.Register) aggregate.Decision {
			return aggregate.Emit(peopledomain.Registered(c))
		}).
		Command(func(_ peopledomain.State, c strictRename) aggregate.Decision {
			return aggregate.Emit(peopledomain.Renamed{Name: personal.Of("Dear " + c.Name.Reveal())})
		}).
		Command(func(s peopledomain.State, _ peopledomain.Forget) aggregate.Decision {
			if s.Name.Reveal() == "" { // as it is once the person was erased
				return aggregate.Nothing()
			}
			return aggregate.Emit(peopledomain.Forgotten{}).ReleasePersonal(peopledomain.EmailClaim, "it")
		}), peopledomain.Letter}
	return app
}

// TestPersonalDecisions: kept payloads are sealed, decided again and compared by their
// values, shown without them, and left out once the person was erased.
func TestPersonalDecisions(t *testing.T) {
	t.Parallel()
	keys, under := new(personaltest.Keys), new(eventstest.Memory)
	store := func() events.Store { // of another process
		return sealed.With{Sealer: personal.NewSealer(personal.NewRing(keys, keys, nil))}.Store(under)
	}
	h, err := aggregate.NewHandler(store(), peopledomain.App().Aggregates, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []aggregate.Command{
		{Name: "register-person", ID: "7", Payload: []byte(`{"name":"Annabella","email":"ann@example.com"}`)},
		{Name: "rename-person", ID: "7", Payload: []byte(`{"name":"Bellatrix"}`)}, {Name: "rename-person", ID: "7", Payload: []byte(`{"name":"Xua"}`)},
		{Name: "register-person", ID: "8", Payload: []byte(`{"name":"Bobby","email":"bob@example.com"}`)},
		{Name: "write-letter", ID: "l", Payload: []byte(`{"to":"7","text":"Dear Annabella"}`)},
		{Name: "forget-person", ID: "7"},
	} {
		if _, err := h.Handle(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	app := peopledomain.App()
	if r := run(t, store(), app); r.Differs || r.Decisions.Decided != 6 || r.Decisions.NotKept != 0 {
		t.Errorf("the same code: %+v", r)
	}
	r := run(t, store(), politePerson())
	counts := map[string]map[rehearse.DecisionChange]int64{}
	for _, c := range r.Decisions.Commands {
		counts[c.Name] = c.Counts
	}
	if got := counts["rename-person"]; !maps.Equal(got, map[rehearse.DecisionChange]int64{rehearse.DecisionEvents: 1, rehearse.DecisionRejected: 1}) {
		t.Errorf("renames: %v", got)
	}
	if got := counts["register-person"]; !maps.Equal(got, map[rehearse.DecisionChange]int64{rehearse.DecisionClaims: 2}) {
		t.Errorf("registrations: %v", got)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"Anna", "Bella", "Xua", "Dear", "example.com", "~"} {
		if strings.Contains(string(text), value) {
			t.Errorf("the report shows %q: %s", value, text)
		}
	}
	if !strings.Contains(string(text), `"after":[{"name":"person-renamed","data":{"name":"[personal]"}}]`) {
		t.Errorf("the report hides what it may show: %s", text)
	}
	if deleted, err := personal.NewRing(keys, keys, nil).Delete(t.Context(), "person/7"); err != nil || !deleted {
		t.Fatal(deleted, err)
	}
	if r := run(t, store(), politePerson()); r.Decisions.Erased != 5 || r.Decisions.Decided != 1 || r.Decisions.Differ != 1 {
		t.Errorf("after an erasure: %+v", r.Decisions)
	}
}
