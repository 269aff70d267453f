package cli

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

// TestConsole serves the pages to whoever has the printed address, until it is stopped.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "7", `{"name":"Ann","email":"a@example.com"}`)
	ctx, stop := context.WithCancel(t.Context())
	out, code := &watched{wrote: make(chan struct{}, 1)}, make(chan int, 1)
	go func() {
		a := &app{of: testdomain.App(), stdout: out, stderr: io.Discard, transport: s.transport}
		code <- a.run(ctx, []string{"console", "-addr", "127.0.0.1:0", "-json", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"})
	}()
	<-out.wrote
	var served servedLine
	if err := json.Unmarshal([]byte(out.String()), &served); err != nil || served.Write {
		t.Fatalf("%s, %v", out, err)
	}
	page, token, _ := strings.Cut(served.URL, "#token=")
	ask := func(path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("X-Daybook-Console", token)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	if status, body := ask("", ""); status != http.StatusOK || !strings.Contains(body, "<title>") {
		t.Errorf("the page: %d %s", status, body)
	}
	if status, body := ask("api/stream?stream=member/7", token); status != http.StatusOK || !strings.Contains(body, "member-created") {
		t.Errorf("with the token: %d %s", status, body)
	}
	if status, body := ask("api/stream?stream=member/7", "x"+token); status != http.StatusUnauthorized || !strings.Contains(body, "printed") {
		t.Errorf("with another: %d %s", status, body)
	}
	stop()
	select {
	case got := <-code:
		if got != exitOK {
			t.Errorf("exit code %d", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
}

// TestConsoleAddresses: only this machine's are taken.
func TestConsoleAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:8070", ":8070", "192.0.2.1:8070", "example.com:8070", "127.0.0.1"} {
		var errors bytes.Buffer
		a := &app{of: testdomain.App(), stdout: io.Discard, stderr: &errors}
		if code := a.run(t.Context(), []string{"console", "-addr", addr}); code != exitUsage || !strings.Contains(errors.String(), addr) {
			t.Errorf("%s: exit code %d, %s", addr, code, &errors)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:8070", "[::1]:8070"} {
		if err := checkLoopback(addr); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
