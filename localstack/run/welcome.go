package run

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strings"

	"daybook"
	"daybook/aggregate"
	"daybook/functions/names"
	"daybook/localstack/stack"
	"daybook/view"
)

// welcome says where everything is and what to try.
func welcome(app daybook.App, s *stack.Stack, o stack.Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is running.\n\n  API       %s\n  Docs      %s/docs\n", app.Title(), s.URL(), s.URL())
	if console := s.ConsoleURL(); console != "" {
		fmt.Fprintf(&b, "  Console   %s\n", console)
	}
	switch {
	case o.Endpoint != "":
		fmt.Fprintf(&b, "  DynamoDB  %s\n", o.Endpoint)
	case s.DynamoDBURL() != "":
		fmt.Fprintf(&b, "  DynamoDB  %s (for AWS clients, any credentials)\n", s.DynamoDBURL())
	}
	data := "kept nowhere"
	if o.Data != "" {
		data = absolute(o.Data)
	}
	fmt.Fprintf(&b, "  Data      %s\n", data)
	if outbox := s.Outbox(); outbox != "" && publishes(app) {
		if !strings.Contains(outbox, "://") {
			outbox = absolute(outbox)
		}
		fmt.Fprintf(&b, "  Outbox    %s\n", outbox)
	}
	for _, note := range s.Notes() {
		fmt.Fprintf(&b, "\n%s.\n", note)
	}
	b.WriteString("\nTry:\n\n")
	for _, line := range requests(app, s.URL()) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString("\nCtrl-C stops it.\n")
	return b.String()
}

// publishes reports whether the application has an outbox.
func publishes(app daybook.App) bool {
	for _, r := range app.Processes {
		if len(r.Describe().Publishes) > 0 {
			return true
		}
	}
	return false
}

// requests are command lines to try: the first declared command that creates an
// aggregate, and queries of a view of it. They work on every start: the same
// Idempotency-Key is the same command.
func requests(app daybook.App, url string) []string {
	command, ok := creation(app)
	if !ok {
		return []string{fmt.Sprintf("curl '%s/openapi.json'", url)}
	}
	body, err := json.Marshal(struct {
		ID      string         `json:"id"`
		Payload jsontext.Value `json:"payload"`
	}{"hello", command.Example()})
	if err != nil {
		return nil // valid JSON marshals
	}
	curl := "curl"
	if tenant := sampleTenant(app); tenant != "" {
		curl = fmt.Sprintf("curl -H '%s: %s'", names.TenantHeader, tenant)
	}
	lines := []string{fmt.Sprintf("%s -H 'Idempotency-Key: hello' --json '%s' %s/commands/%s", curl,
		strings.ReplaceAll(string(body), "'", `'\''`), url, command.Name)}
	for _, v := range app.Views {
		d := v.Describe()
		if d.Kind == view.KindRows && slices.Equal(d.Aggregates, []string{command.Aggregate}) {
			token := command.Aggregate + "/hello@1"
			return append(lines,
				fmt.Sprintf("%s '%s/%s/hello?after=%s'", curl, url, d.Name, token),
				fmt.Sprintf("%s '%s/%s?limit=10&after=%s'", curl, url, d.Name, token))
		}
	}
	return append(lines, fmt.Sprintf("%s '%s/streams/%s/hello'", curl, url, command.Aggregate))
}

// sampleTenant is the tenant of the requests that the start shows and of those that -demo
// sends, "" in an application without tenants.
func sampleTenant(app daybook.App) string {
	if !app.Tenancy.On() {
		return ""
	}
	return "acme"
}

func creation(app daybook.App) (aggregate.Description, bool) {
	for _, a := range app.Aggregates {
		for _, c := range a.Describe() {
			if c.Creates {
				return c, true
			}
		}
	}
	return aggregate.Description{}, false
}
