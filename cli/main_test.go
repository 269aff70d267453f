package cli

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/internal/testdomain"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, args := range [][]string{
		{"nothing"}, {"streams", "-nothing"}, {"streams", "planet"}, {"streams", "member", "booking"}, {"streams", "-limit", "0"},
		{"streams", "-limit", "x"}, {"streams", "-parallel", "0"},
		{"show"}, {"show", "member"}, {"show", "member/7", "member/8"}, {"show", "planet/7"}, {"show", "member/7", "-at", "x"},
		{"show", "member/7", "-at", "-1"}, {"show", "member/7", "-diff", "2"}, {"show", "member/7", "-diff", "3..2"}, {"show", "member/7", "-at", "1", "-diff", "1..2"},
		{"show", "member/7", "-limit", "0"}, {"tail", "x"}, {"tail", "-since", "yesterday"}, {"tail", "-poll", "0s"}, {"tail", "-count", "-1"}, {"tail", "-for", "-1s"},
		{"send"}, {"send", "create-member", "-payload", "{"}, {"send", "create-member", "-payload", "@/nowhere/at/all"},
		{"send", "create-member", "-api", "http://127.0.0.1:1", "-actor", "me"}, {"send", "create-member", "-api", "http://[::1"},
		{"views", "planets"}, {"views", "-parallel", "0"}, {"lag", "-fraction", "2"}, {"lag", "-parallel", "0"}, {"parked", "planets"},
		{"verify", "planets"}, {"verify", "-fraction", "0"}, {"verify", "-fraction", "1.5"}, {"verify", "-segments", "-1"}, {"verify", "-parallel", "0"},
		{"redrive", "planets"}, {"redrive", "members", "x"}, {"redrive", "members", "member/7", "x"},
		{"export", "x"}, {"export", "-segments", "0"}, {"export", "-aggregate", "planet"}, {"export", "-o", t.TempDir() + "/"},
		{"import"}, {"import", "/nowhere/at/all", "-yes"}, {"import", "-"}, {"import", "-", "-state", "x", "-yes"}, {"import", "-", "-parallel", "0"},
	} {
		r := s.want(exitUsage, args...)
		if strings.Count(r.errors, "\n") != 1 || !strings.HasPrefix(r.errors, "school: ") || r.out != "" {
			t.Errorf("%q says %q and %q", args, r.errors, r.out)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	root := s.want(exitOK, "-help").out
	for _, c := range subcommands(&app{}) {
		if !strings.Contains(root, "\n   "+c.Name+" ") {
			t.Errorf("%s is not in the help", c.Name)
		}
		help := s.want(exitOK, c.Name, "-help").out
		for _, f := range c.Flags {
			if !strings.Contains(help, "-"+f.Names()[0]) {
				t.Errorf("%s: the help lacks -%s", c.Name, f.Names()[0])
			}
		}
	}
	if s.want(exitOK).out != root {
		t.Error("the program alone is not the program with -help")
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, shell := range []string{"bash", "zsh"} {
		if r := s.want(exitOK, "completion", shell); !strings.Contains(r.out, "school") || !strings.Contains(r.out, "--generate-shell-completion") {
			t.Errorf("%s: %s", shell, r.out)
		}
	}
	for want, args := range map[string][]string{
		"members\n": {"verify"}, "create-member\n": {"send"}, "member/\n": {"show"}, "member\n": {"streams"}, "--exact": {"views", "--e"},
	} {
		var out, errors bytes.Buffer
		code := run(t.Context(), testdomain.App(), append(args, "--generate-shell-completion"), nil, &out, &errors)
		if code != exitOK || !strings.Contains(out.String(), want) {
			t.Errorf("%q: code %d, %q, %q", args, code, out.String(), errors.String())
		}
		if want == "--exact" && strings.Contains(out.String(), "members\n") {
			t.Errorf("a flag completes to a view: %q", out.String())
		}
	}
}

func TestNoInstallation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, args := range [][]string{{"streams"}, {"tail"}, {"views"}, {"lag"}, {"verify"}, {"export"}, {"import", "-", "-yes"}} {
		var out, errors bytes.Buffer
		args = append(args, "-stage", "other", "-endpoint", s.endpoint, "-region", "us-east-1")
		code := run(t.Context(), testdomain.App(), args, strings.NewReader(""), &out, &errors)
		if code != exitFailed || !strings.Contains(errors.String(), "there is no table school-other-events at "+s.endpoint) {
			t.Errorf("%q: code %d, %q", args, code, errors.String())
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"streams"}, {"verify"}, {"export"}} {
		if r := s.doWith(ctx, "", args...); r.code != exitInterrupted {
			t.Errorf("%q: code %d, %q", args, r.code, r.errors)
		}
	}
}

func TestTableOnATerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	o := &output{w: &b, terminal: true}
	table := o.table("NAME", "DATA", "AT")
	table.row(nil, "a", jsontext.Value(`{"x":1}`), time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC))
	table.row(nil, "long\x1b[31m name", "", time.Time{})
	table.flush()
	want := "NAME            DATA     AT\n" +
		"a               {\"x\":1}  2026-01-02T03:04:05.006Z\n" +
		"long\uFFFD[31m name  -        -\n"
	if b.String() != want || o.err != nil {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := newProgress(&b, true, "verify", "items", 100)
	for range 30 {
		p.add(10) // more than was estimated
	}
	p.set(500)
	p.set(400)
	p.end()
	p.add(1) // after the end it is nothing
	if text := b.String(); !strings.Contains(text, "verify") || !strings.Contains(text, "items/") {
		t.Errorf("got %q", text)
	}
	var none bytes.Buffer
	p = newProgress(&none, false, "verify", "items", 100)
	p.add(50)
	p.end()
	if none.Len() != 0 {
		t.Errorf("not shown, but %q", none.String())
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for code, err := range map[int]error{
		exitFailed:   events.Errorf(events.CodeUnavailable, "x"),
		exitNotFound: events.Errorf(events.CodeNotFound, "x"),
		exitUsage:    usage("x"),
		exitFound:    found(),
		exitRefused:  refused(&events.Error{Code: "member-not-found", Rejected: true}, "1"),
	} {
		if got := exitCode(ctx, err); got != code {
			t.Errorf("%v: %d, want %d", err, got, code)
		}
	}
	if err := refused(events.Errorf(events.CodeBusy, "x"), "id-1"); exitCode(ctx, err) != exitFailed || !strings.Contains(err.Error(), "-command-id id-1") {
		t.Errorf("busy: %v", err)
	}
}
