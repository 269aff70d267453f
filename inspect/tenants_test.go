package inspect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/events"
	"daybook/inspect"
	"daybook/inspect/inspecttest"
)

// twoTenants is the installation with parcels of the same ids at two tenants; the views
// can't take in parcel 9 of acme.
func twoTenants(t *testing.T) bench {
	a := app()
	a.Tenancy = daybook.Tenancy{Claim: "org"}
	b := bench{inspecttest.New(t, a, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
	b.Commands = b.Outside
	for tenant, grams := range map[string]int{"acme": 5, "globex": 7} {
		for id := range 3 {
			stream := events.StreamOf("parcel", fmt.Sprint(id)).In(tenant)
			b.Append(stream, events.Event{Name: "booked", Schema: 1, Data: []byte(`{"town":"bern"}`)})
			b.Append(stream, events.Event{Name: "weighed", Schema: 1, Data: fmt.Appendf(nil, `{"grams":%d}`, grams)})
		}
	}
	b.Append("acme:parcel/9", events.Event{Name: "burnt", Schema: 1, Data: []byte(`{}`)})
	b.follow()
	return b
}

// TestOperatorsNameTheTenant: a look-up of a row or a stream is of one tenant, and lists
// of streams have full names.
func TestOperatorsNameTheTenant(t *testing.T) {
	t.Parallel()
	b := twoTenants(t)
	for tenant, want := range map[string]string{"acme": `"grams":15`, "globex": `"grams":21`} {
		if row := must[inspect.Row](t)(b.Row(t.Context(), tenant, "towns", "bern")); !strings.Contains(string(row.Row), want) || row.Tenant != tenant {
			t.Errorf("%s: %+v", tenant, row)
		}
		for name, key := range map[string]string{"parcels": "1", "towns": "bern"} {
			if r := must[inspect.RowReport](t)(b.VerifyRow(t.Context(), tenant, name, key, 1000)); !r.Right || r.Stored == nil || r.Tenant != tenant {
				t.Errorf("%s: %+v", tenant, r)
			}
		}
		if page := must[inspect.RowsPage](t)(b.Rows(t.Context(), tenant, "parcels", map[string][]string{"town": {"bern"}})); len(page.Items) != 3 {
			t.Errorf("%s: %+v", tenant, page)
		}
		m := must[inspect.Moment](t)(b.Moment(t.Context(), events.Stream("parcel/1").In(tenant), inspect.At{Version: 1}))
		if !strings.Contains(string(m.Rows["parcels"]), "bern") {
			t.Errorf("%s: %+v", tenant, m)
		}
	}
	for tenant, want := range map[string]events.Code{"": events.CodeTenantRequired, "a:b": events.CodeMalformed} {
		_, row := b.Row(t.Context(), tenant, "towns", "bern")
		_, rows := b.Rows(t.Context(), tenant, "parcels", nil)
		_, report := b.VerifyRow(t.Context(), tenant, "towns", "bern", 1000)
		for _, err := range []error{row, rows, report} {
			if code(err) != want || want == events.CodeTenantRequired && !strings.Contains(err.Error(), "-tenant") {
				t.Errorf("tenant %q: %v", tenant, err)
			}
		}
	}
	_, page := b.Stream(t.Context(), "parcel/1", inspect.StreamQuery{})
	_, moment := b.Moment(t.Context(), "parcel/1", inspect.At{Version: 1})
	for _, err := range []error{page, moment} {
		if code(err) != events.CodeTenantRequired {
			t.Errorf("a stream without a tenant: %v", err)
		}
	}
	if p := must[inspect.StreamPage](t)(b.Stream(t.Context(), "globex:parcel/1", inspect.StreamQuery{States: true})); p.Stream != "globex:parcel/1" || len(p.Commits) != 2 {
		t.Errorf("got %+v", p)
	}
}

// TestListsOfTenants: of all, or of one.
func TestListsOfTenants(t *testing.T) {
	t.Parallel()
	b := twoTenants(t)
	streams := func(q inspect.StreamsQuery) (all []string) {
		for _, s := range must[inspect.StreamsPage](t)(b.Streams(t.Context(), q)).Streams {
			all = append(all, string(s.Stream))
		}
		slices.Sort(all)
		return all
	}
	for _, c := range []struct {
		q    inspect.StreamsQuery
		want string
	}{
		{inspect.StreamsQuery{}, "[acme:parcel/0 acme:parcel/1 acme:parcel/2 acme:parcel/9 globex:parcel/0 globex:parcel/1 globex:parcel/2]"},
		{inspect.StreamsQuery{Aggregate: "parcel", Prefix: "1"}, "[acme:parcel/1 globex:parcel/1]"},
		{inspect.StreamsQuery{Tenant: "globex", Aggregate: "parcel"}, "[globex:parcel/0 globex:parcel/1 globex:parcel/2]"},
		{inspect.StreamsQuery{Tenant: "globe"}, "[]"},
	} {
		if got := streams(c.q); fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, want %s", c.q, got, c.want)
		}
	}
	if got := streams(inspect.StreamsQuery{Tenant: "globex", Aggregate: "parcel", Prefix: "1", Budget: 1, Parallel: 1}); !slices.Contains(got, "globex:parcel/1") {
		t.Errorf("a whole id within a small budget: %v", got)
	}
	for tenant, want := range map[string]int{"": 1, "acme": 1, "globex": 0, "acm": 0} {
		for _, limit := range []int{1, 10} {
			n := 0
			for q := (inspect.ParkedQuery{Tenant: tenant, Limit: limit}); ; {
				page := must[inspect.ParkedPage](t)(b.Parked(t.Context(), q))
				for _, p := range page.Parked {
					if n++; p.Stream != "acme:parcel/9" {
						t.Errorf("parked: %+v", p)
					}
				}
				if q.After = page.Next; q.After == nil {
					break
				}
			}
			if n != want {
				t.Errorf("%d parked of %q, want %d", n, tenant, want)
			}
		}
	}
	if p := must[*inspect.ParkedStream](t)(b.ParkedStream(t.Context(), "parcels", "acme:parcel/9")); p == nil {
		t.Error("the parked stream is not found")
	}
	lags := must[inspect.LagReport](t)(b.Lag(t.Context(), inspect.LagQuery{})).Lags
	if len(lags) != 3 || lags[0].Streams != 7 || lags[0].Behind != 0 || lags[0].Parked != 1 {
		t.Errorf("lags %+v", lags)
	}
}
