package api

import (
	"encoding/json/v2"
	"net/http"
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

// root answers GET /.
func (q *queries) root(*http.Request) (*answer, error) {
	e := entrance{
		Title: q.opts.Title, Version: q.opts.Version,
		Links: []link{
			{"openapi", http.MethodGet, "openapi.json"},
			{"health", http.MethodGet, "health"},
		},
		Views: []link{}, Commands: []link{},
	}
	for view := range q.views {
		e.Views = append(e.Views, link{view, http.MethodGet, view})
	}
	for _, a := range q.openAPI.aggregates {
		for _, c := range aggregate.Public(a.Describe()) {
			e.Commands = append(e.Commands, link{c.Name, http.MethodPost, "commands/" + c.Name})
		}
	}
	byName := func(a, b link) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(e.Views, byName)
	slices.SortFunc(e.Commands, byName)
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, contentType: "application/json", body: body}, nil
}
