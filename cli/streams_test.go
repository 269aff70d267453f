package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/inspect"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(20)
	all := s.want(exitOK, "streams").lines()
	if len(all) != 40 {
		t.Fatalf("%d streams", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b []string) int { return strings.Compare(b[3], a[3]) }) {
		t.Errorf("not newest first: %q", all)
	}
	members := decode[inspect.StreamInfo](t, s.want(exitOK, "streams", "member", "-prefix", "u1", "-json"))
	if len(members) != 11 || members[0].Stream != "member/u1" && members[0].Stream != "member/u19" {
		t.Errorf("got %+v", members)
	}
	for _, u := range members {
		if u.Stream == "member/u1" && (u.Version != 2 || u.Commits != 2 || u.Event != "member-renamed" || u.Actor != "tester") {
			t.Errorf("got %+v", u)
		}
	}
	if got := s.want(exitOK, "streams", "-prefix", "p1", "-limit", "3").lines(); len(got) != 3 {
		t.Errorf("got %q", got)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "7", `{"name":"Ann","email":"ann@example.com"}`)
	s.send("rename-member", "7", `{"name":"Anna"}`)
	s.raw("member/7", events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":"Anne"}`)}, events.Event{Name: "member-deactivated", Schema: 1, Data: []byte(`{}`)})
	lines := decode[inspect.StreamEvent](t, s.want(exitOK, "show", "member/7", "-json"))
	if len(lines) != 4 || lines[3].Version != 4 || lines[3].Commit != 3 || lines[1].CommandID != "c-2" || lines[1].Actor != "tester" || string(lines[2].Data) != `{"name":"Anne"}` {
		t.Errorf("got %+v", lines)
	}
	if got := s.want(exitOK, "show", "member/7", "-from", "2", "-limit", "2").lines(); len(got) != 2 || got[0][0] != "2" || got[1][3] != "member-renamed" {
		t.Errorf("got %q", got)
	}
	for at, want := range map[string]string{
		"0": "member/7\tversion 0\t-\nstate\t{}\nmembers\tnull\n",
		"2": `{"id":"7","name":"Anna","email":"ann@example.com","active":true,"version":2}`,
		"3": `{"id":"7","name":"Anne","email":"ann@example.com","active":true,"version":3}`, // in the middle of a commit
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339): `"active":false,"version":4}`,
	} {
		if got := s.want(exitOK, "show", "member/7", "-at", at).out; !strings.Contains(got, want) {
			t.Errorf("at %s: %s", at, got)
		}
	}
	m := decode[inspect.Moment](t, s.want(exitOK, "show", "member/7", "-at", "1", "-json"))[0]
	if m.Version != 1 || string(m.State) != `{"exists":true,"active":true,"name":"Ann","email":"ann@example.com"}` || len(m.Rows) != 1 {
		t.Errorf("got %+v", m)
	}
	got := s.want(exitOK, "show", "-diff", "2..4", "member/7").out
	if got != "state\tactive\ttrue\t-\nstate\tname\t\"Anna\"\t\"Anne\"\nmembers\tactive\ttrue\tfalse\nmembers\tname\t\"Anna\"\t\"Anne\"\nmembers\tversion\t2\t4\n" {
		t.Errorf("got %q", got)
	}
	if got := s.want(exitOK, "show", "-diff", "0..1", "member/7").out; !strings.Contains(got, "members\t-\tnull\t{") {
		t.Errorf("got %q", got)
	}
	if got := s.want(exitOK, "show", "-diff", "3..", "member/7").out; !strings.Contains(got, "members\tversion\t3\t4") {
		t.Errorf("got %q", got)
	}
	for _, args := range [][]string{{"member/8"}, {"member/7", "-at", "9"}, {"member/7", "-diff", "2..9"}, {"member/7", "-diff", "9.."}} {
		s.want(exitNotFound, append([]string{"show"}, args...)...)
	}
}
