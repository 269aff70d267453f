package cli

import (
	"strings"
	"testing"

	"daybook/events"
	"daybook/explain"
	"daybook/process"
)

// TestExplain: the chain of a stream that a process manager can't follow, as text and
// as JSON, by each kind of token, and the exit codes.
func TestExplain(t *testing.T) {
	t.Parallel()
	s := newProcessSite(t)
	s.send("create-member", "good", `{"name":"Ann","email":"a@example.com"}`)
	s.send("create-member", "bad", `{"name":"Bob","email":"b@example.com"}`)
	s.send("rename-member", "bad", `{"name":"Bobby"}`)
	s.recorder.Answer = func(process.Request) error {
		return &events.Error{Code: "no-mail-today", Message: "the post is closed", Rejected: true}
	}
	if r := s.deliver(); len(r.Faults) != 1 || r.Err != nil {
		t.Fatalf("got %+v", r)
	}
	s.project()
	text := s.want(exitFound, "explain", "member/bad@2", "-check").out
	for _, want := range []string{
		"command a command to member/bad (c-3) by tester", "> done", "commit member/bad@2: member-renamed", "row members/bad - at version 2",
		"change-member-email to member/bad", "no-mail-today - the post is closed",
		"cause: process greeter is parked: no-mail-today: can't take in commit 2 of member/bad, after 1 attempts",
		"run school redrive greeter member/bad",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	x := decode[explain.Explanation](t, s.want(exitOK, "explain", "-json", "members/bad"))[0]
	if len(x.Roots) != 2 || x.Partial || x.Unread == "" || len(x.Causes) != 2 || x.Causes[0].State != explain.StateParked || x.Causes[1].Code != "no-mail-today" {
		t.Errorf("got %+v", x)
	}
	if text := s.want(exitOK, "explain", "-check", "c-1").out; !strings.Contains(text, "nothing is stuck") {
		t.Errorf("a sound chain:\n%s", text)
	}
	s.want(exitNotFound, "explain", "c-1", "-scan", "0")
	s.want(exitNotFound, "explain", "member/nobody@1")
	s.want(exitUsage, "explain")
	s.want(exitUsage, "explain", "c-1", "-scan", "-1")
}
