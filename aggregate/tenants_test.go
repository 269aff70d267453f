package aggregate_test

import (
	"fmt"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

// of is a command of a tenant.
func of(tenant string, c aggregate.Command) aggregate.Command {
	c.Tenant = tenant
	return c
}

// Two tenants use the same aggregate ids, claimed values, command ids and once-only
// ids, and neither meets the other's.
func TestTenantsMeetNowhere(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	for range 2 { // the second time with a cold handler, and all is a repeat
		h := club(t, store, &aggregate.Options{Tenants: true})
		var told []string
		for _, tenant := range []string{"acme", "globex", "once"} {
			told = append(told, "")
			for _, c := range []aggregate.Command{
				cmd("join", "ann", "1", `{"badge":"red"}`),
				cmd("earn", "ann", "2", `{"by":100}`),
				cmd("earn-once", "ann", "3", `{"by":1}`),
				cmd("join-once", "bob", "4", `{"badge":"blue"}`),
				cmd("give", "ann", "5", `{"to":["bob","cat"],"each":10}`),
				cmd("swap-badges", "ann", "6", `{"to":["bob"],"each":1}`),
				cmd("join", "", "7", `{"badge":"black"}`),
			} {
				r := must(t, h, of(tenant, c))
				if r.Stream.Tenant() != tenant {
					t.Errorf("%s of %s is on %s", c.Name, tenant, r.Stream)
				}
				for _, other := range r.Others {
					if other.Stream.Tenant() != tenant {
						t.Errorf("%s of %s wrote to %s", c.Name, tenant, other)
					}
				}
				told[len(told)-1] += strings.ReplaceAll(fmt.Sprintf("%+v\n", r), tenant+":", "")
			}
		}
		if told[0] != told[1] || told[0] != told[2] {
			t.Errorf("acme was told\n%s\nglobex\n%s\nonce\n%s", told[0], told[1], told[2])
		}
	}
	h := club(t, store, &aggregate.Options{Tenants: true})
	_, err := h.Handle(t.Context(), of("acme", cmd("join", "eve", "8", `{"badge":"red"}`)))
	wantCode(t, err, events.CodeAlreadyTaken)
	_, err = h.Handle(t.Context(), of("acme", cmd("earn-once", "cat", "3", `{"by":1}`)))
	wantCode(t, err, events.CodeKeyReused)
	for _, tenant := range []string{"acme", "globex", "once"} {
		got, err := store.Holders(t.Context(), []string{tenant + ":badge=red"})
		if err != nil || got[0].Stream != memberStream("bob").In(tenant) {
			t.Errorf("the badge of %s is held by %+v, %v", tenant, got, err)
		}
	}
	check, err := events.VerifyClaims(t.Context(), store, 1, func(f events.ClaimFault) error { return fmt.Errorf("%+v", f) })
	if err != nil || check.Held != 9 {
		t.Errorf("%+v, %v", check, err)
	}
	// What acme gives up is not globex's.
	must(t, h, of("acme", cmd("leave", "ann", "9", `{}`)))
	_, err = h.Handle(t.Context(), of("globex", cmd("join", "eve", "9", `{"badge":"blue"}`)))
	wantCode(t, err, events.CodeAlreadyTaken)
}

func TestTenantIsRequired(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tenants bool
		tenant  string
		code    events.Code
	}{
		{true, "", events.CodeTenantRequired},
		{true, "a:b", events.CodeMalformed},
		{true, "a/b", events.CodeMalformed},
		{true, strings.Repeat("a", 65), events.CodeMalformed},
		{false, "acme", events.CodeMalformed},
	} {
		store := &eventstest.Memory{}
		h := club(t, store, &aggregate.Options{Tenants: test.tenants})
		c := of(test.tenant, cmd("earn", "ann", "1", `{"by":1}`))
		_, err := h.Handle(t.Context(), c)
		wantCode(t, err, test.code)
		for _, o := range h.HandleBatch(t.Context(), []aggregate.Command{c, c}) {
			wantCode(t, o.Err, test.code)
		}
		if page, _, err := store.Scan(t.Context(), 0, 1, ""); len(page) > 0 || err != nil {
			t.Errorf("tenant %q: stored %v, %v", test.tenant, page, err)
		}
	}
}

// A domain names streams without a tenant; one that does name a tenant is refused, its
// own too.
func TestDomainNamesNoTenant(t *testing.T) {
	t.Parallel()
	h := club(t, &eventstest.Memory{}, &aggregate.Options{Tenants: true})
	peeking := aggregate.New[struct{}]("peeking").
		Event(func(s struct{}, _ coins) struct{} { return s }).
		Across(func(c spend) []events.Stream { return []events.Stream{events.Stream(c.With)} }, func(struct{}, spend, *aggregate.Others) aggregate.Decision {
			return aggregate.Emit(coins{1})
		}).
		Across(func(give) []events.Stream { return []events.Stream{"peeking/2"} }, func(_ struct{}, c give, _ *aggregate.Others) aggregate.Decision {
			return aggregate.Emit(coins{1}).On(events.Stream(c.To[0]), aggregate.Emit(coins{2}))
		})
	peek, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{peeking}, &aggregate.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"acme:peeking/2", "globex:peeking/2"} {
		_, err := peek.Handle(t.Context(), of("acme", cmd("spend", "1", "", `{"with":%q,"by":1}`, stream)))
		wantCode(t, err, events.CodeMalformed)
		_, err = peek.Handle(t.Context(), of("acme", cmd("give", "1", "", `{"to":[%q],"each":1}`, stream)))
		wantCode(t, err, events.CodeInternal)
	}
	r, err := peek.Handle(t.Context(), of("acme", cmd("give", "1", "", `{"to":["peeking/2"],"each":1}`)))
	if err != nil || fmt.Sprintf("%s %v", r.Stream, r.Others) != "acme:peeking/1 [acme:peeking/2@1]" {
		t.Errorf("%+v, %v", r, err)
	}
	// A batch of two tenants, as a queue delivers it, shares nothing.
	got := h.HandleBatch(t.Context(), []aggregate.Command{
		of("acme", cmd("earn", "ann", "1", `{"by":7}`)), of("globex", cmd("earn", "ann", "1", `{"by":7}`)), of("acme", cmd("earn", "ann", "1", `{"by":7}`)),
	})
	if got[0].Result.Version != 1 || got[1].Result.Version != 1 || got[1].Result.Replayed || !got[2].Result.Replayed {
		t.Errorf("%+v", got)
	}
}
