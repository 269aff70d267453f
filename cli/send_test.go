package cli

import (
	"bytes"
	"daybook/inspect"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/api"
	"daybook/internal/testdomain"
)

func TestSend(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	got := decode[sent](t, s.want(exitOK, "send", "create-member", "-payload", `{"name":"Ann","email":"a@example.com"}`, "-json", "-actor", "me"))[0]
	if !got.Started || got.Version != 1 || got.ID == "" || got.Token != "member/"+got.ID+"@1" || got.CommandID == "" {
		t.Fatalf("got %+v", got)
	}
	if line := decode[inspect.StreamEvent](t, s.want(exitOK, "show", "member/"+got.ID, "-json"))[0]; line.Actor != "me" || line.CommandID != got.CommandID {
		t.Errorf("got %+v", line)
	}
	file := filepath.Join(t.TempDir(), "payload.json")
	if err := os.WriteFile(file, []byte("{\"name\":\"Anna\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := s.want(exitOK, "send", "rename-member", "-id", got.ID, "-payload", "@"+file, "-command-id", "r1"); r.out != "member/"+got.ID+"@2\n" {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitOK, "send", "rename-member", "-id", got.ID, "-payload", "@"+file, "-command-id", "r1"); !strings.HasSuffix(r.out, "\treplayed\n") {
		t.Errorf("got %q", r.out)
	}
	if r := s.doWith(t.Context(), `{"name":"Anne"}`, "send", "rename-member", "-id", got.ID, "-payload", "-", "-expect", "2"); r.code != exitOK || r.out != "member/"+got.ID+"@3\n" {
		t.Errorf("got %+v", r)
	}
	for code, args := range map[string][]string{
		"version-conflict": {"rename-member", "-id", got.ID, "-payload", `{"name":"X"}`, "-expect", "1"},
		"member-not-found": {"rename-member", "-id", "nobody", "-payload", `{"name":"X"}`},
		"malformed":        {"rename-member", "-id", got.ID, "-payload", `{"nam":"X"}`},
	} {
		if r := s.want(exitRefused, append([]string{"send"}, args...)...); !strings.HasPrefix(r.errors, "school: "+code+": ") {
			t.Errorf("%s: %q", code, r.errors)
		}
	}
}

func TestSendThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var seen http.Header
	handler := api.NewCommands(s.handler, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		if strings.HasSuffix(r.URL.Path, "/broken") {
			http.Error(w, "teapot", http.StatusTeapot)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	send := func(code int, args ...string) result {
		return s.want(code, append([]string{"send", "-api", server.URL + "/"}, args...)...)
	}
	create := []string{"create-member", "-id", "7", "-payload", `{"name":"Ann","email":"a@example.com"}`, "-command-id", "k1", "-token", "secret"}
	if r := send(exitOK, create...); r.out != "member/7@1\tstarted\n" || seen.Get("Authorization") != "Bearer secret" || seen.Get("Idempotency-Key") != "k1" {
		t.Errorf("got %q, headers %v", r.out, seen)
	}
	if r := send(exitOK, append(create, "-json")...); !decode[sent](t, r)[0].Replayed {
		t.Errorf("got %q", r.out)
	}
	if send(exitOK, "rename-member", "-id", "7", "-payload", `{"name":"Anna"}`, "-expect", "1", "-sign"); !strings.HasPrefix(seen.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		t.Errorf("not signed: %v", seen)
	}
	if r := send(exitRefused, "rename-member", "-id", "7", "-payload", `{"nam":1}`); !strings.Contains(r.errors, "malformed") || !strings.Contains(r.errors, "/payload/nam") {
		t.Errorf("got %q", r.errors)
	}
	if r := send(exitFailed, "broken"); !strings.Contains(r.errors, "418") {
		t.Errorf("got %q", r.errors)
	}
	server.Close()
	if r := send(exitFailed, create...); !strings.Contains(r.errors, "safe to send again with -command-id k1") {
		t.Errorf("got %q", r.errors)
	}
}

// A command that was redirected was not handled, whatever the other address
// answers to the GET that most clients make of it.
func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /commands/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, _ *http.Request) {
		t.Error("the redirect was followed")
		_, _ = w.Write([]byte(`{"id":"7","version":1,"commandId":"c","token":"member/7@1"}`))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	var out, said bytes.Buffer
	code := run(t.Context(), testdomain.App(), []string{"send", "create-member", "-id", "7", "-payload", "{}", "-api", server.URL}, strings.NewReader(""), &out, &said)
	if code != exitFailed || !strings.Contains(said.String(), "302") {
		t.Errorf("exit %d, %q; want %d and the status", code, said.String(), exitFailed)
	}
}
