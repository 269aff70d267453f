package daybooktest

import (
	"encoding/json/v2"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// declarations is what the cases are about.
const declarations = `package %s

import (
	"daybook/aggregate"
	"daybook/process"
	"daybook/view"
)

type (
	state  struct{}
	opened struct{ Owner string }
	open   struct{ Owner string }
	bare   struct{ Owner string }
	behind struct{ Owner string }
)

func (opened) EventName() string   { return "account-opened" }
func (open) CommandName() string   { return "open-account" }
func (*behind) EventName() string   { return "account-behind" }
func (*behind) CommandName() string { return "hide-account" }

var (
	_ = aggregate.New[state]("account").
		Event(func(s state, _ opened) state { return s }).
		Command(func(state, open) aggregate.Decision { return aggregate.Nothing() })
	_ = view.New[state]("accounts", "account").On(func(r state, _ opened, _ view.Meta) state { return r })
	_ = process.New[state]("greeter", "account").Sends(open{}).React(func(opened, process.Meta) process.Reaction {
		return process.Do(process.Send("1", open{}))
	})
)
`

// TestTrapsOfTypes: what would be stored, sent or handled under another name, or
// under none, does not compile.
func TestTrapsOfTypes(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, code, want string }{
		{"fine", ``, ""},
		{"eventiscommand", `var _ = aggregate.New[state]("a").Event(func(s state, _ open) state { return s })`, "open) does not satisfy events.Data (missing method EventName)"},
		{"commandisevent", `var _ = aggregate.New[state]("a").Command(func(state, opened) aggregate.Decision { return aggregate.Nothing() })`, "opened) does not satisfy events.Payload (missing method CommandName)"},
		{"payloadwithoutname", `var _ = aggregate.New[state]("a").Command(func(state, bare) aggregate.Decision { return aggregate.Nothing() })`, "bare) does not satisfy events.Payload (missing method CommandName)"},
		{"eventwithoutname", `var _ = aggregate.New[state]("a").Event(func(s state, _ map[string]any) state { return s })`, "does not satisfy events.Data (missing method EventName)"},
		{"pointerreceiver", `var _ = aggregate.New[state]("a").Event(func(s state, _ behind) state { return s })`, "method EventName has pointer receiver"},
		{"pointercommand", `var _ = aggregate.New[state]("a").Command(func(state, behind) aggregate.Decision { return aggregate.Nothing() })`, "method CommandName has pointer receiver"},
		{"handlerofcommand", `var _ = view.New[state]("a", "account").On(func(r state, _ open, _ view.Meta) state { return r })`, "open) does not satisfy events.Data (missing method EventName)"},
		{"handlerbystring", `var _ = view.New[state]("a", "account").On("account-opened", func(r state, _ opened, _ view.Meta) state { return r })`, "On"},
		{"wrongreaction", `var _ = process.New[state]("a", "account").React(func(open, process.Meta) process.Reaction { return process.Reaction{} })`, "open) does not satisfy events.Data (missing method EventName)"},
		{"emitscommand", `var _ = aggregate.Emit(open{})`, "open does not implement events.Data (missing method EventName)"},
		{"sendsevent", `var _ = process.Send("1", opened{})`, "opened does not implement events.Payload (missing method CommandName)"},
		{"sendsstring", `var _ = process.Send("1", "open-acount")`, "string does not implement events.Payload (missing method CommandName)"},
		{"misspeltcommand", `var _ = process.Send("1", opne{})`, "undefined: opne"},
		{"wrongpayload", `var _ = process.Send("1", open{Ower: "Ann"})`, "unknown field Ower in struct literal of type open"},
	}
	dir := t.TempDir()
	m, err := findModule()
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	for _, c := range cases {
		file := filepath.Join(dir, c.name+".go")
		if err := os.WriteFile(file, []byte(fmt.Sprintf(declarations, c.name)+"\n"+c.code+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(m.root, "daybooktest", "traps", c.name, "trap.go")] = file
	}
	b, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "./daybooktest/traps/...")
	cmd.Dir = m.root
	out, _ := cmd.CombinedOutput() // all but one fail
	said := map[string]string{}    // by case
	for part := range strings.SplitSeq("\n"+string(out), "\n# daybook/daybooktest/traps/") {
		name, text, _ := strings.Cut(part, "\n")
		said[name] = text
	}
	for _, c := range cases {
		if got, failed := said[c.name]; failed != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: the compiler says %q, want %q\n%s", c.name, got, c.want, out)
		}
	}
}
