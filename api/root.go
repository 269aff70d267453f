package api

import (
	"encoding/json/v2"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"daybook/aggregate"
)

// entrance is the answer to GET /: the names of what there is, each with its
// address relative to this one.
type entrance struct {
	Title    string `json:"title"`
	Version  string `json:"version"`
	Links    []link `json:"links"`
	Views    []link `json:"views"`
	Commands []link `json:"commands"`
}

// link is a name and where it leads.
type link struct {
	Name   string `json:"name"`
	Method string `json:"method"`
	Href   string `json:"href"`
}

// entranceOf names what an API has: the public commands and the views that are given,
// what every API has, and the pages that stand beside this one.
func entranceOf(o Options, commands []aggregate.Description, views []string) entrance {
	e := entrance{
		Title: o.Title, Version: o.Version,
		Links: []link{
			{"openapi", http.MethodGet, "openapi.json"},
			{"health", http.MethodGet, "health"},
		},
		Views: []link{}, Commands: []link{},
	}
	if len(o.outboxes()) > 0 {
		e.Links = append(e.Links, link{"asyncapi", http.MethodGet, "asyncapi.json"})
	}
	for _, page := range o.Pages {
		e.Links = append(e.Links, link{path.Base(page), http.MethodGet, page})
	}
	for _, view := range views {
		e.Views = append(e.Views, link{view, http.MethodGet, view})
	}
	for _, c := range commands {
		e.Commands = append(e.Commands, link{c.Name, http.MethodPost, "commands/" + c.Name})
	}
	byName := func(a, b link) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(e.Views, byName)
	slices.SortFunc(e.Commands, byName)
	return e
}

// root answers GET /.
func (q *queries) root(*http.Request) (*answer, error) {
	var commands []aggregate.Description
	for _, a := range q.openAPI.aggregates {
		commands = append(commands, aggregate.Public(a.Describe())...)
	}
	body, err := json.Marshal(entranceOf(q.opts, commands, slices.Collect(maps.Keys(q.views))))
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, contentType: "application/json", body: body}, nil
}
