package dynamo

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/localstack/embedded"
)

func claimCommit(claims, releases []events.Claim) events.Commit {
	c := userCommit(1)
	c.Claims, c.Releases = claims, releases
	return c
}

func emailOf(value string) []events.Claim {
	return []events.Claim{{Name: "member-email", Value: value}}
}

func TestClaimsNeedATable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, EventsTable())
	s := NewEventStore(f.client, TableName(testPrefix, EventsTable()))
	stream := userStream()
	once := userCommit(1)
	once.Commands[0].Once = true
	for name, c := range map[string]events.Commit{"claim": claimCommit(emailOf("a"), nil), "release": claimCommit(nil, emailOf("a")), "once-only": once} {
		_, err := s.Append(t.Context(), events.Start(stream), c)
		if events.CodeOf(err) != events.CodeInternal || !strings.Contains(err.Error(), "WithClaims") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Append(t.Context(), events.Start(stream), userCommit(1)); err != nil {
		t.Errorf("a commit without claims: %v", err)
	}
	if _, err := s.AppendAll(t.Context(), []events.Append{{At: events.Start(userStream()), Commit: userCommit(1)}, {At: events.Start(userStream())}}); err != nil {
		t.Errorf("several streams without claims: %v", err)
	}
	if _, _, err := s.ScanHeld(t.Context(), 0, 1, ""); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("a scan of claims: %v", err)
	}
}

func TestScanHeldCursors(t *testing.T) {
	t.Parallel()
	s, _ := newStore(t)
	cursorOf := func(key string, number, of int) string {
		return textSegment(number, of, claimCursor, attrClaim).cursor(claimKey(key))
	}
	for _, cursor := range []string{"x", "!", cursorOf("k", 1, 2), cursorOf("k", 0, 2), cursorOf("", 0, 1), commitSegment(0, 1).cursor(commitKey("member/7", 1))[:3]} {
		if _, _, err := s.ScanHeld(t.Context(), 0, 1, cursor); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if _, _, err := s.ScanHeld(t.Context(), 3, 2, ""); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("segment 3 of 2: %v", err)
	}
	if _, _, err := s.ScanHeld(t.Context(), 0, 1, cursorOf("k", 0, 1)); err != nil {
		t.Errorf("a cursor of this scan: %v", err)
	}
}

// A transaction outlasts what a network does, as a put does.
func TestTransactionOutlastsFaults(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]fault{
		"throttled": {throttle, throttle}, "refused": {refuse, refuse}, "cut after writing": {cut, cut}, "no answer": {hang, hangDone}, "server error": {broken, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{EventsTable(), ClaimsTable()}, func(t *testing.T, fx *fixture) {
				s, stream := eventStore(fx), userStream()
				fx.net.reset(first(faults...))
				if _, err := s.Append(t.Context(), events.Start(stream), claimCommit(emailOf("a"), nil)); err != nil {
					t.Fatal(err)
				}
				if n := len(fx.net.requests()); n != 3 {
					t.Errorf("%d requests: %v", n, fx.net.requests())
				}
				// The caller's own repeat, after an answer that was lost permanently.
				c := claimCommit(emailOf("b"), emailOf("b"))
				c.Commands[0].Once = true
				other := userStream()
				fx.net.reset(always(cut))
				if _, err := s.Append(t.Context(), events.Start(other), c); events.CodeOf(err) != events.CodeUnavailable {
					t.Fatalf("without any answer: %v", err)
				}
				fx.net.reset(nil)
				ctx, meter := WithMeter(t.Context())
				if _, err := s.Append(ctx, events.Start(other), c); err != nil {
					t.Errorf("the same commit again: %v", err)
				}
				if n := meter.Usage().LostAnswers; n != 1 {
					t.Errorf("%d lost answers counted", n)
				}
				if cs, err := s.Load(t.Context(), other, 0); err != nil || len(cs) != 1 {
					t.Errorf("stored %+v, error %v", cs, err)
				}
			})
		})
	}
}

// A value that another stream holds is not released, and nothing fails for it.
func TestIdleReleaseIsLeftOut(t *testing.T) {
	t.Parallel()
	s, f := newStore(t)
	if _, err := s.Append(t.Context(), events.Start(userStream()), claimCommit(emailOf("a"), nil)); err != nil {
		t.Fatal(err)
	}
	f.net.reset(nil)
	if _, err := s.Append(t.Context(), events.Start(userStream()), claimCommit(emailOf("b"), slices.Concat(emailOf("a"), emailOf("free")))); err != nil {
		t.Fatal(err)
	}
	if got := f.net.requests(); len(got) != 2 {
		t.Errorf("requests %v", got)
	}
}

// The reasons of a cancelled transaction, one by one, as DynamoDB may give them.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	failed, fine, contended := `{"Code":"ConditionalCheckFailed"}`, `{"Code":"None"}`, `{"Code":"TransactionConflict"}`
	for name, c := range map[string]struct {
		reasons []string // of the commit, a release, a claim, a once-only command
		want    events.Code
	}{
		"a taken claim":                        {[]string{fine, fine, failed, fine}, events.CodeAlreadyTaken},
		"a taken claim and contention":         {[]string{contended, fine, failed, fine}, events.CodeAlreadyTaken},
		"contention":                           {[]string{fine, fine, contended, fine}, events.CodeBusy},
		"throttled":                            {[]string{`{"Code":"ThrottlingError"}`, fine, fine, fine}, events.CodeBusy},
		"a spent id that is forgotten by now":  {[]string{fine, fine, fine, failed}, events.CodeConflict},
		"an item that is too large":            {[]string{`{"Code":"ValidationError","Message":"Item size has exceeded the maximum allowed size"}`, fine, fine, fine}, events.CodeTooLarge},
		"something invalid":                    {[]string{fine, `{"Code":"ValidationError","Message":"no"}`, fine, fine}, events.CodeInternal},
		"no reasons, from what is no DynamoDB": {nil, events.CodeUnavailable},
		"fewer reasons than there are writes":  {[]string{failed}, events.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, []TableSpec{EventsTable(), ClaimsTable()}, func(t *testing.T, fx *fixture) {
				real := eventStore(fx)
				poor := New(testOptions(roundTripper(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
						return reasons(c.reasons...).RoundTrip(r)
					}
					return fx.net.RoundTrip(r)
				})))
				s := NewEventStore(poor, real.table, WithClaims(real.claims))
				commit := claimCommit(emailOf("a"), emailOf("b"))
				commit.Commands[0].Once = true
				_, err := s.Append(t.Context(), events.Start(userStream()), commit)
				if events.CodeOf(err) != c.want {
					t.Errorf("error %v, want %q", err, c.want)
				}
			})
		})
	}
}

// undated is a test without a deadline, which is not on a bubble's clock.
type undated struct{ rapid.TB }

// A domain on a database whose requests and answers get lost, throttled and
// delayed, with processes that die at any step: addresses stay unique, seats are
// neither lost nor made, and every answer holds.
func TestDomainUnderFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(undated{t}, func(rt *rapid.T) {
			seed := rapid.Uint64().Draw(rt, "seed")
			db, err := embedded.Open(t.Context(), embedded.Options{})
			if err != nil {
				rt.Fatal(err)
			}
			defer db.Close()
			net := &network{next: db.RoundTripper()}
			fx := &fixture{net: net, client: New(testOptions(net))}
			if err := Create(t.Context(), fx.client, testPrefix, EventsTable(), ClaimsTable()); err != nil {
				rt.Fatal(err)
			}
			school := &school{rt: rt, t: t, store: eventStore(fx)}
			for _, id := range courseIDs {
				school.send(rand.New(rand.NewPCG(seed, 0)), "add-course", id, "add-"+id, `{"name":"Chess","area":"home","fee":1,"currency":"EUR","seats":20}`)
			}
			faults := rand.New(rand.NewPCG(seed, 1))
			rate := rapid.Float64Range(0, 0.5).Draw(rt, "faults")
			net.reset(func(int, string) fault {
				if faults.Float64() >= rate {
					return none
				}
				return []fault{throttle, refuse, cut, hang, hangDone, broken, garble}[faults.IntN(7)]
			})
			lanes, commands := rapid.IntRange(1, 3).Draw(rt, "lanes"), rapid.IntRange(1, 8).Draw(rt, "commands")
			var wg sync.WaitGroup
			for lane := range lanes {
				wg.Go(func() { school.lane(rand.New(rand.NewPCG(seed, uint64(lane+2))), lane, commands) })
			}
			wg.Wait()
			net.reset(nil)
			school.check()
		})
	})
}

var courseIDs = []string{"1", "2", "3"}

type school struct {
	rt    *rapid.T
	t     *testing.T
	store *EventStore

	mu       sync.Mutex
	accepted map[string][]aggregate.Result // answers by command id, in their order
}

// lane sends commands one after the other, some of them twice.
func (s *school) lane(r *rand.Rand, lane, commands int) {
	for n := range commands {
		id, commandID := courseIDs[r.IntN(3)], fmt.Sprint(lane, "-", n)
		email := fmt.Sprintf(`"email":"e%d@example.com"`, r.IntN(3))
		name, payload := "create-member", `{"name":"Ann",`+email+`}`
		switch r.IntN(4) {
		case 0:
			name, payload = "change-member-email", `{`+email+`}`
		case 1, 2:
			name, payload = "move-seats", fmt.Sprintf(`{"to":%q,"quantity":%d}`, courseIDs[r.IntN(3)], 1+r.IntN(9))
		}
		for range 1 + r.IntN(2) {
			s.send(r, name, id, commandID, payload)
		}
	}
}

// send sends a command to a process that knows nothing or everything until the
// answer is certain.
func (s *school) send(r *rand.Rand, name, id, commandID, payload string) {
	var h *aggregate.Handler
	for {
		if h == nil || r.IntN(3) == 0 {
			var err error
			if h, err = aggregate.NewHandler(s.store, testdomain.Aggregates(), &aggregate.Options{Attempts: 50, SnapshotBytes: 300}); err != nil {
				s.rt.Fatal(err)
			}
		}
		res, err := h.Handle(s.t.Context(), aggregate.Command{Name: name, ID: id, CommandID: commandID, Payload: []byte(payload)})
		switch events.CodeOf(err) {
		case events.CodeUnavailable, events.CodeBusy:
			continue
		case "":
			s.note(res)
		case events.CodeAlreadyTaken, "member-already-exists", "member-not-found", "fully-booked", "same-course":
		default:
			s.rt.Errorf("%s: %v", name, err)
		}
		return
	}
}

func (s *school) note(res aggregate.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accepted == nil {
		s.accepted = map[string][]aggregate.Result{}
	}
	s.accepted[res.CommandID] = append(s.accepted[res.CommandID], res)
}

// checkAnswers compares the answers to each command with the version that it led
// its stream to. A commit remembers its commands, so from then on a repeat gets
// that answer and no other. A command that found what it asks for to be so
// already wrote nothing and is remembered nowhere: its repeat is decided anew, and
// may come to something (docs/adr/0003).
func (s *school) checkAnswers() {
	for id, answers := range s.accepted {
		version, written := s.wrote(answers[0].Stream, id), false
		for _, a := range answers {
			switch {
			case version == 0 && a.Replayed, version > 0 && a.Version > version:
				s.rt.Errorf("%s led its stream to %d and was answered %+v", id, version, answers)
			case written && (a.Version != version || !a.Replayed), a.Version == version && a.Started != (version == 1):
				s.rt.Errorf("%s was answered %+v", id, answers)
			case version > 0:
				written = a.Version == version
			}
		}
		if version > 0 && !written {
			s.rt.Errorf("%s led its stream to %d and was answered %+v", id, version, answers)
		}
	}
}

// wrote returns the version that a command led its stream to, 0 if it wrote nothing.
func (s *school) wrote(stream events.Stream, commandID string) int64 {
	cs, err := s.store.Load(s.t.Context(), stream, 0)
	if err != nil {
		s.rt.Fatal(err)
	}
	for _, c := range cs {
		for _, command := range c.Commands {
			if command.ID == commandID {
				return command.Version
			}
		}
	}
	return 0
}

func (s *school) check() {
	_, err := events.VerifyClaims(s.t.Context(), s.store, 2, func(f events.ClaimFault) error {
		s.rt.Errorf("%+v", f)
		return nil
	})
	if err != nil {
		s.rt.Fatal(err)
	}
	s.checkAnswers()
	var sum int64
	for _, id := range courseIDs {
		cs, err := s.store.Load(s.t.Context(), events.StreamOf("course", id), 0)
		if err != nil {
			s.rt.Fatal(err)
		}
		seats, seen := int64(0), map[string]bool{}
		for _, c := range cs {
			if seen[c.Commands[0].ID] {
				s.rt.Errorf("%s counted twice", c.Commands[0].ID)
			}
			seen[c.Commands[0].ID] = true
			for _, e := range c.Events {
				v, err := events.Decode[struct {
					Seats    int64 `json:"seats"`
					Quantity int64 `json:"quantity"`
				}](e)
				if err != nil {
					s.rt.Fatal(err)
				}
				if e.Name == "course-seats-moved-out" {
					v.Quantity = -v.Quantity
				}
				if seats += v.Seats + v.Quantity; seats < 0 {
					s.rt.Errorf("course %s has %d seats", id, seats)
				}
			}
		}
		sum += seats
	}
	if sum != int64(20*len(courseIDs)) {
		s.rt.Errorf("%d seats are there", sum)
	}
}
