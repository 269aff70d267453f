package cli

import (
	"os"
	"strings"
	"testing"

	"daybook"
	"daybook/events"
)

// tenants are an application's tenants in tests.
var tenants = daybook.Tenancy{Claim: "org"}

// created is an event of a member.
func created(name string) events.Event {
	return events.Event{Name: "member-created", Schema: 1, Data: []byte(`{"name":"` + name + `","email":"` + name + `@example.com"}`)}
}

// TestStreamsOfTenants: a stream is that of -tenant, or is written in full; without a
// tenant, and with two, nothing is read.
func TestStreamsOfTenants(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.raw("acme:member/7", created("ann"))
	s.raw("globex:member/7", created("bob"))
	s.tenancy = tenants
	for _, args := range [][]string{{"show", "member/7", "-tenant", "acme"}, {"show", "acme:member/7"}, {"show", "acme:member/7", "-tenant", "acme"}} {
		if got := s.want(exitOK, args...).out; !strings.Contains(got, "ann") || strings.Contains(got, "bob") {
			t.Errorf("%q shows %s", args, got)
		}
	}
	for say, args := range map[string][]string{
		"name one with -tenant, or write TENANT:member/7":                                       {"show", "member/7"},
		"globex:member/7 is a stream of tenant globex, and -tenant or DAYBOOK_TENANT says acme": {"show", "globex:member/7", "-tenant", "acme"},
		`-tenant "a b"`: {"show", "member/7", "-tenant", "a b"},
		"school has tenants: name one with -tenant, or in DAYBOOK_TENANT": {"send", "create-member", "-payload", `{"name":"x","email":"x@example.com"}`},
	} {
		if got := s.want(exitUsage, args...); !strings.Contains(got.errors, say) || got.out != "" {
			t.Errorf("%q says %s", args, got.errors)
		}
	}
	s.want(exitNotFound, "show", "member/7", "-tenant", "initech")
	s.want(exitUsage, "explain", "member/7@1")
	if r := s.want(exitUsage, "explain", "globex:member/7@1", "-tenant", "acme"); !strings.Contains(r.errors, "globex:member/7@1 is of tenant globex, and -tenant or DAYBOOK_TENANT says acme") {
		t.Errorf("explain says %s", r.errors)
	}
	s.want(exitOK, "explain", "acme:member/7@1")
	s.tenancy = daybook.Tenancy{}
	for _, args := range [][]string{{"show", "member/7", "-tenant", "acme"}, {"show", "acme:member/7"}, {"streams", "-tenant", "acme"}} {
		if got := s.want(exitUsage, args...); !strings.Contains(got.errors, "school has no tenants") {
			t.Errorf("%q says %s", args, got.errors)
		}
	}
}

// TestExportOfTenant: an export of one tenant holds its streams alone, and all of them;
// importing takes them back as they were, and moves streams without a tenant into one.
func TestExportOfTenant(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	s.raw("acme:member/7", created("ann"))
	s.raw("acme:member/8", created("al"))
	s.raw("globex:member/7", created("bob"))
	s.tenancy = tenants
	got := s.want(exitOK, "export", "-tenant", "acme").out
	if strings.Count(got, "\n") != 2 || strings.Count(got, `"stream":"acme:member/`) != 2 || strings.Contains(got, "bob") {
		t.Errorf("exported %s", got)
	}
	if all := s.want(exitOK, "export").out; strings.Count(all, "\n") != 3 {
		t.Errorf("exported in all %s", all)
	}
	other := newSiteInMemory(t)
	other.tenancy = tenants
	file := t.TempDir() + "/x.jsonl"
	write(t, file, got+strings.ReplaceAll(strings.ReplaceAll(got, "acme:", "globex:"), "ann", "mallory"))
	if r := other.want(exitOK, "import", file, "-yes", "-tenant", "acme"); !strings.Contains(r.errors, "in 2 commits; 2 commits of other tenants or aggregates were left out") {
		t.Errorf("imported: %s", r.errors)
	}
	if r := other.want(exitOK, "import", file, "-yes", "-tenant", "acme", "-aggregate", "course", "-json"); decode[copySummary](t, result{out: r.errors})[0].Skipped != 4 {
		t.Errorf("imported: %s", r.errors)
	}
	if back := other.want(exitOK, "export").out; back != got {
		t.Errorf("imported %s, want %s", back, got)
	}
	write(t, file, strings.ReplaceAll(strings.ReplaceAll(got, "acme:member/", "member/1"), `"commands"`, `"causation":"member/3@1","commands"`))
	if r := other.want(exitFailed, "import", file, "-yes"); !strings.Contains(r.errors, "member/17 has no tenant: say with -tenant whose it becomes") {
		t.Errorf("without -tenant: %s", r.errors)
	}
	other.want(exitOK, "import", file, "-yes", "-tenant", "initech")
	moved := other.want(exitOK, "export", "-tenant", "initech").out
	if strings.Count(moved, `"stream":"initech:member/1`) != 2 || strings.Count(moved, `"causation":"initech:member/3@1"`) != 2 {
		t.Errorf("moved %s", moved)
	}
	other.tenancy = daybook.Tenancy{}
	write(t, file, got)
	if r := other.want(exitFailed, "import", file, "-yes"); !strings.Contains(r.errors, "acme:member/7 is a stream of a tenant, and school has none") {
		t.Errorf("without tenants: %s", r.errors)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
