package stack_test

import (
	"encoding/json/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/infra/bundle"
	"daybook/infra/settings"
	"daybook/infra/stack"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/view"
)

// variants are the deployments that the tests look at, and that lint.sh lints.
const variants = "../testdata/variants"

// With -short they are one of each kind of API.
func variantNames(t *testing.T) []string {
	t.Helper()
	if testing.Short() {
		return []string{"http-iam", "rest-none"}
	}
	files, err := filepath.Glob(variants + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no variants in %s: %v", variants, err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files
}

// eachVariant runs a test on the template of every variant.
func eachVariant(t *testing.T, test func(t *testing.T, tpl *template)) {
	t.Helper()
	for _, name := range variantNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, variant(t, name))
		})
	}
}

// needNode leaves a test out on a machine without Node, which the CDK runs on.
// In CI that is a failure.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("Node is not installed: CI has to synthesize the template")
	}
	t.Skip("left out: the CDK synthesizes with Node, which is not installed")
}

// Synthesizing goes through one Node process; every template is made once.
var (
	synthesizing sync.Mutex
	synthesized  = make(map[string]*template)
)

// variant returns the template of a variant, shared by all tests: read only.
func variant(t *testing.T, name string) *template {
	t.Helper()
	needNode(t)
	synthesizing.Lock()
	defer synthesizing.Unlock()
	if synthesized[name] == nil {
		synthesized[name] = synth(t, name, contextOf(t, name))
	}
	return synthesized[name]
}

// contextOf is the CDK's context of a variant.
func contextOf(t *testing.T, name string) string {
	t.Helper()
	context, err := os.ReadFile(filepath.Join(variants, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(context)
}

type (
	bookingPlaced    struct{}
	bookingConfirmed struct{}
)

func (bookingPlaced) EventName() string    { return "booking-placed" }
func (bookingConfirmed) EventName() string { return "booking-confirmed" }

// synth makes the template of a context, for the test domain's views and managers that
// follow bookings and courses.
func synth(t *testing.T, name, context string) *template {
	t.Helper()
	return synthDomain(t, name, context, testdomain.Views(), following()...)
}

// following are managers that follow bookings and courses.
func following() []process.Reactor {
	return []process.Reactor{
		process.New[struct{}]("reserve", "course", "booking").React(func(bookingPlaced, process.Meta) process.Reaction { return process.Reaction{} }),
		process.New[struct{}]("remind", "booking").React(func(bookingConfirmed, process.Meta) process.Reaction { return process.Reaction{} }),
	}
}

// synthDomain makes the template of a context and what is declared. The
// functions' code is a stand-in: the contents of a zip are not part of the template.
func synthDomain(t *testing.T, name, context string, views []view.View, reactors ...process.Reactor) *template {
	t.Helper()
	return synthCommands(t, name, context, nil, views, reactors...)
}

// synthCommands is synthDomain with commands.
func synthCommands(t *testing.T, name, context string, commands []aggregate.Description, views []view.View, reactors ...process.Reactor) *template {
	t.Helper()
	return synthApp(t, name, context, commands, daybook.App{Name: "daybook", Views: views, Processes: reactors})
}

// synthApp makes the template of an application.
func synthApp(t *testing.T, name, context string, commands []aggregate.Description, app daybook.App) *template {
	t.Helper()
	s, err := settings.Load(app.Name, []byte(context), nil)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := stack.SchemaOf(app)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, function := range bundle.Functions() {
		if err := os.WriteFile(filepath.Join(dir, function+".zip"), []byte(function), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "cdk.out")
	assembled := stack.NewApp(out)
	stack.New(assembled, stack.Props{Settings: s, Schema: schema, Commands: commands, Code: func(f string) string { return filepath.Join(dir, f+".zip") }})
	assembled.Synth(nil)
	tpl := &template{Name: name, Settings: s, Schema: schema}
	read(t, filepath.Join(out, s.Prefix()+".template.json"), tpl)
	tpl.Manifest = assembly(t, out)
	return tpl
}

func read(t *testing.T, path string, into *template) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	into.Raw = string(raw)
	if err := json.Unmarshal(raw, into, json.MatchCaseInsensitiveNames(false)); err != nil {
		t.Fatal(err)
	}
}

// assembly is what the cloud assembly says of the stack besides its template.
func assembly(t *testing.T, out string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"manifest.json", "*.metadata.json"} {
		files, err := filepath.Glob(filepath.Join(out, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(raw)
		}
	}
	return all.String()
}
