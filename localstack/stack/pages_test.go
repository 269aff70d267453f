package stack_test

import (
	"encoding/json/v2"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"daybook/localstack/gateway"
	"daybook/localstack/stack"
)

// TestEntranceLeadsOn: every address that GET / names answers, to a client and to a
// browser, behind a stage too.
func TestEntranceLeadsOn(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]stack.Options{"HTTP API": {}, "REST API": {Format: gateway.RESTAPI}} {
		s := start(t, o)
		_, body := get(t, s.URL()+"/")
		var entrance struct {
			Links []struct{ Name, Href string } `json:"links"`
		}
		if err := json.Unmarshal([]byte(body), &entrance, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatalf("%s: %s: %v", name, body, err)
		}
		at, err := url.Parse(s.URL() + "/")
		if err != nil {
			t.Fatal(err)
		}
		names := ""
		for _, l := range entrance.Links {
			names += l.Name + " "
			where, err := at.Parse(l.Href)
			if err != nil {
				t.Fatal(err)
			}
			if response, body := get(t, where.String()); response.StatusCode != http.StatusOK {
				t.Errorf("%s: %s leads to %s: %d %s", name, l.Name, where, response.StatusCode, body)
			}
		}
		if names != "openapi health asyncapi docs console " {
			t.Errorf("%s: links %s", name, names)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html,*/*;q=0.8")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || !strings.Contains(string(page), `href="docs"`) || !strings.Contains(string(page), `console">console</a>`) {
			t.Errorf("%s: %s, %v", name, page, err)
		}
	}
}
