package mcp_test

import (
	"testing"
	"time"

	"daybook"
	"daybook/events"
	"daybook/inspect/inspecttest"
	"daybook/mcp"
)

// TestAnotherTenant: an argument that names another tenant's stream than the server's is
// told in the words of the command line; one in full of the own tenant is taken.
func TestAnotherTenant(t *testing.T) {
	t.Parallel()
	app := bank()
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	w := inspecttest.New(t, app, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.Append("acme:account/7", events.Event{Name: "opened", Schema: 1, Data: []byte("{}")})
	w.Append("globex:account/7", events.Event{Name: "opened", Schema: 1, Data: []byte("{}")})
	s := &site{World: w}
	s.connect(mcp.New(mcp.Options{Installation: w.Installation, Version: "1", Tenant: "acme"}))
	const says = ", and -tenant or DAYBOOK_TENANT says acme: leave out one of them"
	for tool, more := range map[string]string{"show_stream": "", "show_moment": `,"version":1`, "show_changes": `,"from":0,"to":1`, "processes": ""} {
		s.refuse(tool, `{"stream":"globex:account/7"`+more+`}`, "globex:account/7 is a stream of tenant globex"+says)
		s.refuse(tool, `{"stream":"account"`+more+`}`, `"account" is not the name of a stream: write AGGREGATE/ID`)
		for _, own := range []string{"account/7", "acme:account/7"} {
			s.want(tool, `{"stream":"`+own+`"`+more+`}`)
		}
	}
	s.refuse("explain", `{"token":"globex:account/7@1"}`, "globex:account/7@1 is of tenant globex"+says)
	s.want("explain", `{"token":"acme:account/7@1"}`, "acme:account/7@1")
}
