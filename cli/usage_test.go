package cli

import (
	"bytes"
	"daybook/inspect"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"daybook/internal/testdomain"
)

// TestExitCodesInTheDocs: docs/cli.md has the table of package main, row by row.
func TestExitCodesInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| exit code | `code` of an error | meaning |\n|---|---|---|\n")
	if !ok {
		t.Fatal("docs/cli.md has no table of exit codes")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var want []string
	for _, e := range exits() {
		name := "–"
		if e.name != "" && e.code != exitFound {
			name = "`" + e.name + "`"
		}
		want = append(want, fmt.Sprintf("| %d | %s | %s |", e.code, name, e.meaning))
	}
	if got := strings.Join(want, "\n"); strings.TrimSpace(table) != got {
		t.Errorf("docs/cli.md has\n%s\nbut the program\n%s", table, got)
	}
	help := newSiteInMemory(t).want(exitOK, "-help").out
	for _, e := range exits() {
		first, _, _ := strings.Cut(strings.ReplaceAll(e.meaning, "`", ""), ":")
		if !strings.Contains(help, fmt.Sprintf("%5d  %s", e.code, first)) {
			t.Errorf("the help lacks exit code %d", e.code)
		}
	}
}

// TestEverySubcommandIsDocumented: docs/cli.md has each subcommand in its table,
// and each flag somewhere.
func TestEverySubcommandIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var look func(c *cli.Command, name string)
	look = func(c *cli.Command, name string) {
		for _, f := range c.Flags {
			if flag := "-" + f.Names()[0]; !strings.Contains(string(text), flag) {
				t.Errorf("%s: %s is not in docs/cli.md", name, flag)
			}
		}
		for _, sub := range c.Commands {
			look(sub, name+" "+sub.Name)
		}
	}
	for _, c := range subcommands(&app{}) {
		if !strings.Contains(string(text), "\n| [`"+c.Name+"`](#") {
			t.Errorf("%s is not in the table of docs/cli.md", c.Name)
		}
		look(c, c.Name)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	for want, args := range map[string][]string{
		`did you mean "streams"?`:       {"steams"},
		`did you mean "redrive"?`:       {"dead", "redrve"},
		`did you mean "-limit"?`:        {"streams", "-limt", "3"},
		`did you mean "-stage"?`:        {"streams", "-stge", "x"},
		`did you mean "create-member"?`: {"send", "crate-member"},
		`did you mean "add-course"?`:    {"schema", "ad-course"},
		`did you mean "members"?`:       {"verify", "member"},
		`did you mean "booking"?`:       {"commands", "bookings"},
	} {
		r := s.want(exitUsage, args...)
		if !strings.Contains(r.errors, want) || strings.Count(r.errors, "\n") != 1 || r.out != "" {
			t.Errorf("%q says %q and %q, want %s", args, r.out, r.errors, want)
		}
	}
}

// TestWrongValues: a value of another kind is told in words, not as a parser failed.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	for args, want := range map[string]string{
		"rehearse -sample many":               `-sample takes a whole number, not "many"`,
		"verify -fraction half":               `-fraction takes a number, not "half"`,
		"verify -seed -1":                     `-seed takes a whole number that is not negative, not "-1"`,
		"rehearse -patience soon":             `-patience takes a duration such as 90s, 10m or 24h, not "soon"`,
		"simulate -runs 99999999999999999999": `-runs takes a whole number, not "99999999999999999999"`,
		"rehearse -console=maybe":             `-console takes true or false, not "maybe"`,
		`rehearse -sample a":b`:               `-sample takes a whole number, not "a\":b"`,
	} {
		if r := s.want(exitUsage, strings.Fields(args)...); !strings.Contains(r.errors, want) || strings.Contains(r.errors, "strconv") {
			t.Errorf("%s: got %s, want %s", args, r.errors, want)
		}
	}
}

// TestHelpHasNoEmptyDefaults: a default of false, 0 or nothing is left out.
func TestHelpHasNoEmptyDefaults(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	empty := regexp.MustCompile(`\(default: (false|0s?|""|-1|)\)`)
	var look func(c *cli.Command, path ...string)
	look = func(c *cli.Command, path ...string) {
		if help := s.want(exitOK, append(path, "-help")...).out; empty.MatchString(help) {
			t.Errorf("%q: the help has %s", path, empty.FindString(help))
		}
		for _, sub := range c.Commands {
			look(sub, append(path, sub.Name)...)
		}
	}
	look(&cli.Command{Commands: subcommands(&app{})})
	if help := s.want(exitOK, "tail", "-help").out; !strings.Contains(help, "(default: 300ms)") {
		t.Errorf("a default that says something is missing: %s", help)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if r := newSiteInMemory(t).want(exitOK, "-version"); !regexp.MustCompile(`^school version \S.* go1\.\S+\n$`).MatchString(r.out) {
		t.Errorf("got %q", r.out)
	}
}

// TestErrorsAsJSON: with -json an error is one object on standard error, also
// where the arguments can't be parsed.
func TestErrorsAsJSON(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	for _, test := range []struct {
		exit int
		code string
		args []string
	}{
		{exitUsage, "usage", []string{"-json", "nothing"}},
		{exitUsage, "usage", []string{"streams", "--json", "-nonsense"}},
		{exitUsage, "usage", []string{"verify", "planets", "-json"}},
		{exitNotFound, "not-found", []string{"show", "member/7", "-json"}},
		{exitNotFound, "not-found", []string{"status", "x", "-json"}},
		{exitRefused, "member-not-found", []string{"send", "rename-member", "-id", "7", "-payload", `{"name":"x"}`, "-json"}},
		{exitRefused, "malformed", []string{"send", "create-member", "-payload", `{"name":""}`, "-json=true"}},
		{exitFailed, "failed", []string{"dead", "list", "-json"}}, // there are no queues
	} {
		args := test.args
		r := s.do(args...)
		var got struct {
			Error failure `json:"error"`
		}
		if err := json.Unmarshal([]byte(r.errors), &got, json.RejectUnknownMembers(true)); err != nil || r.out != "" {
			t.Errorf("%q: %q and %q, %v", args, r.out, r.errors, err)
			continue
		}
		if r.code != test.exit || got.Error.Exit != test.exit || string(got.Error.Code) != test.code || got.Error.Message == "" {
			t.Errorf("%q: exit %d, %+v", args, r.code, got.Error)
		}
		if test.code == "malformed" && len(got.Error.Errors) == 0 {
			t.Errorf("%q names no field: %+v", args, got.Error)
		}
	}
}

// TestEveryCommandWritesJSON: with -json both outputs of every subcommand are lines
// of JSON, and there is at least one.
func TestEveryCommandWritesJSON(t *testing.T) {
	t.Parallel()
	bubble(t, everyCommandWritesJSON)
}

func everyCommandWritesJSON(t *testing.T) {
	s := newSiteInMemory(t)
	s.school(2)
	export := filepath.Join(t.TempDir(), "all.jsonl")
	lines := []struct {
		name string
		args []string
	}{
		{"streams", nil}, {"show", []string{"member/u1"}}, {"show", []string{"member/u1", "-at", "1"}}, {"show", []string{"member/u1", "-diff", "1..2"}},
		{"tail", []string{"-since", "1h", "-count", "1"}}, {"send", []string{"rename-member", "-id", "u1", "-payload", `{"name":"Bea"}`, "-command-id", "k-1"}},
		{"status", []string{"k-1"}}, {"commands", nil}, {"schema", []string{"create-member"}}, {"views", nil}, {"views", []string{"-exact"}},
		{"explain", []string{"member/u1@1"}}, {"lag", nil}, {"verify", []string{"members", "-patience", "0s"}}, {"parked", []string{"nobody"}}, {"redrive", []string{"members", "member/u1"}},
		{"dead", []string{"list"}}, {"rebuild", []string{"members"}}, {"switch", []string{"members", "-yes"}}, {"drop", []string{"members", "v1-g2", "-yes"}},
		{"claims", nil}, {"cost", nil}, {"export", []string{"-o", export}}, {"import", []string{export, "-yes"}},
		{"init", []string{"-module", "example.com/bank", "-sample", "none", t.TempDir()}}, {"new", []string{"aggregate", "type"}}, // refused: others would compile
		{"bench", []string{"-rate", "0"}},         // refused: a load takes a network
		{"simulate", []string{"-parallel", "-1"}}, // refused: it would build tests
		{"erase", []string{"member/u1", "-yes"}},  // refused: nothing is marked
		{"tenant", []string{"list"}},              // refused: there are none
		{"rehearse", nil},
	}
	ran := map[string]bool{}
	for _, l := range lines {
		ran[l.name] = true
		r := s.do(append([]string{l.name, "-json"}, l.args...)...)
		text := strings.TrimSuffix(r.out+r.errors, "\n")
		for _, line := range strings.Split(text, "\n") {
			if !jsontext.Value(line).IsValid() {
				t.Errorf("%s %q writes %q", l.name, l.args, line)
			}
		}
	}
	for _, c := range subcommands(&app{}) {
		if serves := c.Name == "console" || c.Name == "mcp"; !ran[c.Name] && !serves {
			t.Errorf("%s is not among them", c.Name)
		}
	}
}

// TestStoppedStack: an address on this machine where nothing listens has the
// command that starts the stack.
func TestStoppedStack(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"streams"}, {"dead", "list"},
		{"send", "create-member", "-payload", `{"name":"Ann","email":"a@example.com"}`, "-api", endpoint},
	} {
		var out, errors bytes.Buffer
		code := run(t.Context(), testdomain.App(), append(args, "-stage", testStage, "-endpoint", endpoint, "-region", "us-east-1"), nil, &out, &errors)
		if code != exitFailed || !strings.Contains(errors.String(), "nothing listens at "+endpoint+": start it with GOTOOLCHAIN=auto go run ./localstack") || len(errors.String()) > 400 {
			t.Errorf("%q: exit %d, %q", args, code, errors.String())
		}
	}
}

// TestEmptyOnATerminal: an empty table says so to a person, and nothing to a
// program.
func TestEmptyOnATerminal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		o    output
		want string
	}{{output{terminal: true}, "no streams\n"}, {output{}, ""}, {output{terminal: true, json: true}, ""}} {
		var b bytes.Buffer
		test.o.w = &b
		test.o.table("STREAM").end("no streams")
		if b.String() != test.want {
			t.Errorf("%+v: %q, want %q", test.o, b.String(), test.want)
		}
	}
	var b bytes.Buffer
	o := &output{w: &b, terminal: true}
	table := o.table("STREAM")
	for range 2 * tablePage { // a page is shown when it is full
		table.row(nil, "member/7")
	}
	table.end("no streams")
	if strings.Contains(b.String(), "no streams") {
		t.Error("a table with rows says that it is empty")
	}
}

func TestCommandsAndSchema(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	all := decode[inspect.Command](t, s.want(exitOK, "commands", "-json"))
	if len(all) != len((&app{of: testdomain.App()}).commandNames()) {
		t.Errorf("%d commands of %d", len(all), len((&app{of: testdomain.App()}).commandNames()))
	}
	if members := s.want(exitOK, "commands", "member").lines(); len(members) == 0 || len(members) >= len(all) || members[0][0] != "create-member" {
		t.Errorf("got %q", members)
	}
	for _, c := range all {
		l := decode[inspect.Command](t, s.want(exitOK, "schema", c.Command, "-json"))[0]
		if l.Command != c.Command || l.Schema.Kind() != jsontext.KindBeginObject || l.Example.Kind() != jsontext.KindBeginObject {
			t.Errorf("%s: %+v", c.Command, l)
		}
		var indented inspect.Command
		if err := json.Unmarshal([]byte(s.want(exitOK, "schema", c.Command).out), &indented); err != nil || string(indented.Example) == "" {
			t.Errorf("%s: %v", c.Command, err)
		}
	}
	example := s.want(exitOK, "schema", "create-member", "-example").out
	if r := s.doWith(t.Context(), example, "send", "create-member", "-payload", "-"); r.code != exitOK {
		t.Errorf("the example %s: %+v", example, r)
	}
	s.want(exitUsage, "schema")
	s.want(exitUsage, "commands", "member", "booking")
}
