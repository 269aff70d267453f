package stack

import (
	"maps"
	"slices"

	"github.com/aws/jsii-runtime-go"

	"daybook/aggregate"
	"daybook/functions/names"
	"daybook/infra/settings"
)

// access is what a route lets its caller do, which is what a token needs a scope
// for.
type access int

const (
	write   access = iota // send commands
	read                  // query views
	history               // read events
)

func scopes(s settings.Settings, a access) *[]*string {
	if s.Authorization != settings.JWT {
		return nil
	}
	return jsii.Strings([]string{s.WriteScope, s.ReadScope, s.HistoryScope}[a])
}

// tellAuthorization lets the query function describe, in the API's description,
// what the gateway asks of callers.
func tellAuthorization(query Function, s settings.Settings) {
	variables := map[string]string{names.EnvAuthorization: string(s.Authorization)}
	if s.Authorization == settings.JWT {
		variables[names.EnvJWTIssuer] = s.JWTIssuer
		variables[names.EnvScopes] = s.WriteScope + " " + s.ReadScope + " " + s.HistoryScope
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		query.AddEnvironment(jsii.String(name), jsii.String(variables[name]), nil)
	}
}

// route is a method and path, in the notation that both kinds of API share, with
// the function behind it.
type route struct {
	method, path string
	access       access
	function     Function
}

// routes are the same for both kinds of API. A command that needs a scope has routes of
// its own where IAM policies decide: the function sees by its route that the policy
// was asked about this path, however the path was written. Any method goes to the query
// function where it is not a command: GET and HEAD read, and what does not exist
// is refused by the API itself, as a problem, and not by the gateway.
func (f Functions) routes(s settings.Settings, commands []aggregate.Description) []route {
	all := []route{
		{"POST", "/commands", write, f.Command},
		{"POST", "/commands/{command}", write, f.Command},
		{"ANY", "/commands", read, f.Query},
		{"ANY", "/commands/{command}", read, f.Query},
		{"ANY", "/streams/{proxy+}", history, f.Query},
		{"ANY", "/{proxy+}", read, f.Query},
		{"ANY", "/", read, f.Query}, // {proxy+} is at least one segment
	}
	for _, c := range commands {
		if c.Scope != "" && s.Authorization == settings.IAM {
			path := "/commands/" + c.Name
			all = append(all, route{"POST", path, write, f.Command}, route{"ANY", path, read, f.Query})
		}
	}
	return all
}
