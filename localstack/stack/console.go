package stack

import (
	"context"
	"net/http"
	"strings"

	"daybook/aggregate"
	"daybook/console"
	"daybook/console/reach"
	"daybook/functions"
	"daybook/process"
)

// consolePath is where the console is served, beside the API.
const consolePath = "/console"

// withConsole serves the console in front of the API. It does nothing until its pages
// are opened. Like the API on one machine, it asks nobody for credentials.
func (s *Stack) withConsole(api http.Handler) (http.Handler, error) {
	if s.consoleFrom() == "" {
		return api, nil // an API stage of this name has the path
	}
	client := newClient(s.config)
	sealing, err := s.config.Sealing(s.app, client)
	if err != nil {
		return nil, err
	}
	o := console.Options{
		App: s.app, Stage: Stage, Prefix: s.Prefix(), Write: true, Actor: "console",
		Effects: func(_ context.Context, h *aggregate.Handler) (process.Effects, error) {
			effects := s.config.Effects(h, sealing)
			return effects, functions.Enough(effects, s.app.Processes)
		},
	}
	reach.Installation(&o, client, s.streams(), s.sqsOptions(), sealing)
	c, err := console.New(o)
	if err != nil {
		return nil, err
	}
	s.console = c
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == consolePath || strings.HasPrefix(r.URL.Path, consolePath+"/") {
			c.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}), nil
}

// consoleFrom is the address of the console relative to that of the API, "" when it is
// not served.
func (s *Stack) consoleFrom() string {
	switch s.prefix {
	case consolePath:
		return ""
	case "":
		return strings.TrimPrefix(consolePath, "/")
	}
	return ".." + consolePath
}

// ConsoleURL is where the console answers, "" when it is not served.
func (s *Stack) ConsoleURL() string {
	if s.console == nil {
		return ""
	}
	return "http://" + s.api.addr() + consolePath
}
