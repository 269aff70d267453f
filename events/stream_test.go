package events_test

import (
	"strings"
	"testing"

	"daybook/events"
)

func TestStreamNames(t *testing.T) {
	t.Parallel()
	s, err := events.ParseStream("user/a/b")
	if err != nil || s.Aggregate() != "user" || s.ID() != "a/b" || s != events.StreamOf("user", "a/b") {
		t.Errorf("user/a/b: %q %q %v", s.Aggregate(), s.ID(), err)
	}
	for _, bad := range []string{"", "user", "user/", "/7", "User/7", "us er/7", "user/\x00", "user/\xff", "user/" + strings.Repeat("é", 129)} {
		if _, err := events.ParseStream(bad); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := events.ParseStream("user/" + strings.Repeat("é", 128)); err != nil {
		t.Errorf("128 characters are too many: %v", err)
	}
}

func TestTenants(t *testing.T) {
	t.Parallel()
	plain := events.StreamOf("user", "a:b/c")
	if plain.Tenant() != "" || plain.In("") != plain || plain.Aggregate() != "user" {
		t.Errorf("%q has tenant %q", plain, plain.Tenant())
	}
	acme := plain.In("acme")
	if acme != "acme:user/a:b/c" || acme.Tenant() != "acme" || acme.Aggregate() != "user" || acme.ID() != "a:b/c" || acme.In("") != plain || acme.In("b") != plain.In("b") {
		t.Errorf("%q: tenant %q, aggregate %q, id %q", acme, acme.Tenant(), acme.Aggregate(), acme.ID())
	}
	for _, s := range []events.Stream{plain, acme} {
		if got, err := events.ParseStored(string(s)); got != s || err != nil {
			t.Errorf("%q was read as %q, %v", s, got, err)
		}
	}
	if _, err := events.ParseStream(string(acme)); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("a client names a tenant: %v", err)
	}
	if _, err := events.ParseToken(string(acme) + "@1"); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("a client's token names a tenant: %v", err)
	}
	for _, bad := range []string{":user/7", "a:b:user/7", "-a:user/7", "a b:user/7", "ä:user/7", "a@1:user/7", strings.Repeat("a", 65) + ":user/7", "acme:", "acme:/7", "acme:User/7"} {
		if s, err := events.ParseStored(bad); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%q was read as %q, %v", bad, s, err)
		}
	}
	if _, err := events.ParseStored("Org_2.x-" + strings.Repeat("a", 56) + ":user/7"); err != nil {
		t.Errorf("64 characters: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "user-created": true, "v2": true, strings.Repeat("a", 64): true,
		"": false, "-a": false, "a-": false, "2a": false, "A": false, "a_b": false, "ä": false, strings.Repeat("a", 65): false,
	} {
		if err := events.ValidateName("name", name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	want := events.Token{Stream: "user/a@b", Version: 12}
	got, err := events.ParseToken(want.String())
	if err != nil || got != want {
		t.Errorf("%s was read as %+v, %v", want, got, err)
	}
	for _, bad := range []string{"", "user/7", "user/7@", "user/7@0", "user/7@-1", "user/7@+1", "user/7@01", "user/7@x", "user@1", "user/7@99999999999999999999"} {
		if _, err := events.ParseToken(bad); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("user/7@3")
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := events.ParseToken(s); err == nil && token.String() != s {
			t.Errorf("%q was read as %q", s, token)
		}
	})
}
