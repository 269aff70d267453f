// Package daybook_test keeps the rules that hold between the rooms of the
// repository; docs/architecture.md gives their reasons.
package daybook_test

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"daybook/functions/names"
)

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Name       string
	Imports    []string
	Deps       []string
	Standard   bool
}

// module is the module's path, which only go.mod says.
var module = sync.OnceValue(func() string {
	out, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
})

// dir is the package's directory below the module, "." for the root's; "" for a
// package of another module.
func (p pkg) dir() string {
	if p.ImportPath == module() {
		return "."
	}
	dir, _ := strings.CutPrefix(p.ImportPath, module()+"/")
	if dir == p.ImportPath {
		return ""
	}
	return dir
}

// room is the first part of a package's directory: "events", and "." for the root.
// The names that rooms must agree on are a room of their own.
func (p pkg) room() string {
	if p.dir() == namesRoom {
		return namesRoom
	}
	dir, inside := strings.CutPrefix(p.dir(), "internal/")
	room, _, _ := strings.Cut(dir, "/")
	if inside {
		return "internal/" + room // each is a room of its own
	}
	return room
}

const (
	namesRoom  = "functions/names"
	expectRoom = "internal/expect"
	jitterRoom = "internal/jitter"
	sleepRoom  = "internal/sleep"
	quickRoom  = "internal/quickjson"
)

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Imports,Deps,Standard", "-tags", "lambda.norpc"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var ps []pkg
	for d := jsontext.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := json.UnmarshalDecode(d, &p)
		if errors.Is(err, io.EOF) {
			return ps
		}
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
}

// mayImport says which other rooms a room may import. A room that is not here
// (functions, localstack, cmd, infra) wires the others.
var mayImport = map[string][]string{
	namesRoom:   {},
	expectRoom:  {"events", "personal"},
	quickRoom:   {},
	".":         {namesRoom, "nearest", "events", "aggregate", "view", "process", "personal"},
	"nearest":   {},
	"parallel":  {},
	"events":    {"parallel", "personal"},
	"aggregate": {expectRoom, jitterRoom, "events", "parallel", "personal"},
	"follow":    {jitterRoom, "events", "parallel"},
	"view":      {expectRoom, jitterRoom, quickRoom, "events", "follow", "nearest", "parallel", "personal"},
	"process":   {expectRoom, "events", "follow", "nearest", "parallel", "personal"},
	"domain":    {".", "events", "aggregate", "view", "process", "personal"},
	"dynamo":    {namesRoom, jitterRoom, sleepRoom, "events", "follow", "aggregate", "view", "process", "internal/signedhttp", quickRoom, "personal"},
	"messaging": {"events", "aggregate", "process", "internal/signedhttp", "personal"},
	"api":       {quickRoom, "events", "aggregate", "view", "process", "nearest", "personal"},
	"explain":   {".", "events", "aggregate", "follow", "inspect", "view", "process"},
	"inspect":   {".", "events", "aggregate", "follow", "view", "process", "nearest", "parallel", "personal"},
	"mcp":       {"events", "aggregate", "nearest", "inspect", "explain"},
	"connect":   {namesRoom, "events", "aggregate", "dynamo", "inspect", "messaging", "sealed", "internal/signedhttp"},
	"rehearse":  {".", "events", "aggregate", "view", "process", "parallel", "personal"},
	"telemetry": {"functions"},
	"workload":  {"events", "aggregate"},
	"load":      {sleepRoom, ".", "view", "workload"},
	"scale":     {jitterRoom},
	"costtest":  {".", "events", "aggregate", "cost"},
	"console":   {namesRoom, ".", "events", "aggregate", "follow", "view", "process", "inspect", "explain", "rehearse", "connect", "dynamo", "sealed"},

	jitterRoom:            {},
	sleepRoom:             {},
	"internal/signedhttp": {jitterRoom},
	"internal/testdomain": {".", "events", "aggregate", "view", "process"},

	"personal":              {},
	"sealed":                {"events", "aggregate", "follow", "view", "process", "personal"},
	"internal/peopledomain": {".", "events", "aggregate", "view", "process", "personal"},
}

// viewPackages says which packages of room view others may import: the room's own
// packages each, and other rooms. A room that is not here wires them all.
var viewPackages = map[string][]string{
	"view":                     {"view/driver", "view/internal/definition"},
	"view/driver":              {},
	"view/internal/definition": {"view/driver"},
	"view/internal/routing":    {"view", "view/driver", "view/internal/definition"},
	"view/projection":          {"view", "view/driver", "view/internal/definition", "view/internal/routing"},
	"view/query":               {"view", "view/driver", "view/internal/definition", "view/internal/routing"},
	"view/admin":               {"view", "view/driver", "view/internal/definition", "view/internal/routing", "view/projection"},
	"view/viewtest":            {"view", "view/driver", "view/projection", "view/admin"},
	".":                        {"view"},
	"process":                  {},
	"rehearse":                 {"view", "view/driver", "view/admin"},
	"domain":                   {"view"},
	"dynamo":                   {"view", "view/driver"},
	"messaging":                {},
	"api":                      {"view", "view/query"},
	"functions":                {"view", "view/projection", "view/query"},
	"internal/testdomain":      {"view"},
	"internal/peopledomain":    {"view"},
	"sealed":                   {"view/driver"},
}

// pure are the rooms that hold no AWS, no HTTP and no operating system.
var pure = []string{".", namesRoom, quickRoom, "nearest", "parallel", "events", "follow", "aggregate", "view", "process", "inspect", "explain", "rehearse", "workload", "scale", "domain", "internal/testdomain", "internal/peopledomain", "personal", "sealed"}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		room := p.room()
		seen[room] = true
		if room == "domain" && p.Name == "main" {
			continue // a tool of the sample wires, as mains do
		}
		allowed, ruled := mayImport[room]
		for _, imported := range p.Imports {
			other := pkg{ImportPath: imported}.room()
			if ruled && other != "" && other != room && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s: room %s may import %v", p.ImportPath, imported, room, allowed)
			}
			if other == "mcp" && room != "mcp" && room != "cli" {
				t.Errorf("%s imports %s: only the command line links it", p.ImportPath, imported)
			}
			if other == "simulation" && room != "simulation" && imported != module()+"/simulation/settings" {
				t.Errorf("%s imports %s: nothing of Daybook knows that it is simulated", p.ImportPath, imported)
			}
			if imported == "os" && slices.Contains(pure, room) && !forTests(p.ImportPath) {
				t.Errorf("%s imports os", p.ImportPath)
			}
		}
		if slices.Contains(pure, room) || room == "api" || p.dir() == "console" {
			for _, d := range p.Deps {
				if strings.HasPrefix(d, "github.com/aws/") || d == "net/http" && slices.Contains(pure, room) {
					t.Errorf("%s reaches %s", p.ImportPath, d)
				}
			}
		}
	}
	for _, room := range []string{".", "events", "follow", "aggregate", "view", "process", "domain", "dynamo", "messaging", "api", "inspect", "explain", "rehearse", "connect", "console", "mcp", "telemetry", "workload", "load", "scale", "cost", "costtest", "functions", "localstack", "cli", "cmd", "infra", "simulation"} {
		if !seen[room] {
			t.Errorf("room %s was not looked at: it has no package", room)
		}
	}
}

// TestReadersOfViewsAreApart keeps the packages of views to their readers: a driver
// knows no projector, a query function no rebuild.
func TestReadersOfViewsAreApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		key := p.room()
		if key == "view" {
			key = p.dir()
		}
		allowed, ruled := viewPackages[key]
		if seen[key] = true; !ruled {
			if p.room() == "view" {
				t.Errorf("%s has no rule in viewPackages", p.ImportPath)
			}
			continue
		}
		for _, imported := range p.Imports {
			if other := (pkg{ImportPath: imported}); other.room() == "view" && !slices.Contains(allowed, other.dir()) {
				t.Errorf("%s imports %s: of views it may import %v", p.ImportPath, imported, allowed)
			}
		}
	}
	for key := range viewPackages {
		if !seen[key] {
			t.Errorf("%s was not looked at: there is no such package", key)
		}
	}
}

// TestNothingDependsOnTheSample: the sample business can be replaced by another and
// all else stays as it was. Mains pass it on, samples in docs show it; every other
// file, of tests and of testdata too, takes internal/testdomain or a domain of its own.
func TestNothingDependsOnTheSample(t *testing.T) {
	t.Parallel()
	sample := module() + "/domain"
	mains := []string{}
	err := eachGoFile(func(path string) error {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil || strings.HasPrefix(path, "domain/") || strings.HasPrefix(path, "docs/samples/") {
			return err
		}
		for _, i := range file.Imports {
			imported := strings.Trim(i.Path.Value, `"`)
			if imported != sample && !strings.HasPrefix(imported, sample+"/") {
				continue
			}
			if file.Name.Name != "main" || filepath.Base(path) != "main.go" || strings.Contains(path, "testdata/") {
				t.Errorf("%s imports %s: use internal/testdomain, or a domain of its own", path, imported)
			}
			mains = append(mains, path)
		}
		return nil
	})
	if err != nil || len(mains) < 7 { // four functions, the local stack, the command line, the CDK app
		t.Fatalf("found mains %v: %v", mains, err)
	}
}

// eachGoFile calls f with each Go file of the module, in testdata too.
func eachGoFile(f func(path string) error) error {
	return filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "cdk.out" || d.Name() == "build"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		return f(path)
	})
}

// forTests reports whether a package only helps tests: it may read golden files.
func forTests(path string) bool { return strings.HasSuffix(path, "test") }

func TestWhatAFunctionCarries(t *testing.T) {
	t.Parallel()
	ps := list(t, "./functions/...")
	if len(ps) < 3 {
		t.Fatalf("found %d packages in functions", len(ps))
	}
	for _, p := range ps {
		for _, d := range p.Deps {
			switch {
			case slices.Contains([]string{"localstack", "cli", "cmd", "infra", "inspect", "explain", "rehearse", "connect", "console", "mcp", "telemetry", "workload", "load", "scale", "cost"}, pkg{ImportPath: d}.room()),
				strings.HasPrefix(d, "go.opentelemetry.io/"),
				d == "html/template", d == "text/template", d == "net/rpc", d == "testing",
				strings.HasPrefix(d, "github.com/aws/aws-sdk-go-v2/config"):
				t.Errorf("%s reaches %s", p.ImportPath, d)
			}
		}
	}
}

func TestMainsOnlyWireAndStart(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("functions/*/main.go")
	if err != nil || len(mains) < 3 {
		t.Fatalf("found %v, %v", mains, err)
	}
	for _, main := range mains {
		source, err := os.ReadFile(main)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(source, []byte("\n")); lines > 40 {
			t.Errorf("%s has %d lines, at most 40", main, lines)
		}
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	files := 0
	err := eachGoFile(func(path string) error {
		if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata/") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, fault := range faults(path, file) {
			t.Errorf("%s: %s", path, fault)
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Fatalf("looked at %d files: %v", files, err)
	}
}

// agreed matches literals that are names of package names: those of its environment
// variables and outputs, and what stands behind a prefix. Metrics need no such check,
// since they are not written by their names.
var agreed = sync.OnceValue(func() *regexp.Regexp {
	var parts, whole []string
	for _, part := range append(names.Functions(), names.CommandQueue, names.DeadQueue, names.EventsTable, names.ClaimsTable, names.RequestsTable, names.ProcessesTable, names.ControlTable) {
		parts = append(parts, regexp.QuoteMeta(part))
	}
	for _, o := range names.Outputs() {
		whole = append(whole, o.String())
	}
	source, err := os.ReadFile(namesRoom + "/names.go")
	if err != nil {
		panic(err)
	}
	for _, env := range regexp.MustCompile(`EnvPrefix \+ "(\w+)"`).FindAllSubmatch(source, -1) {
		whole = append(whole, names.EnvPrefix+string(env[1]))
	}
	queues := regexp.QuoteMeta(names.CommandQueue) // the end of both
	return regexp.MustCompile("^[\"`](-(" + strings.Join(parts, "|") + ")|(" + strings.Join(whole, "|") + ")|.*" + queues + ")[\"`]$")
})

// Literals of the names that rooms agree on are found, others are not.
func TestAgreedNames(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string]bool{
		`"-events"`: true, `"-process"`: true, `"-dead-commands.fifo"`: true, `"commands.fifo"`: true, `"ApiUrl"`: true, `"DAYBOOK_EVENTS_TABLE"`: true, "`EventBus`": true,
		`"events"`: false, `"-processes-late"`: false, `"DAYBOOK_STAGE"`: false, `"command"`: false,
	} {
		if agreed().MatchString(literal) != want {
			t.Errorf("%s is found: %v, want %v", literal, !want, want)
		}
	}
}

// faults finds what the house rules forbid in a source file.
func faults(path string, file *ast.File) (found []string) {
	domain := strings.HasPrefix(path, "domain") && file.Name.Name != "main" // which is a tool of the sample
	for _, i := range file.Imports {
		switch strings.Trim(i.Path.Value, `"`) {
		case "math/rand", "math/rand/v2", "crypto/rand", "uuid", "net/http", "os":
			if domain {
				found = append(found, "domain imports "+i.Path.Value)
			}
		case "github.com/aws/aws-lambda-go/events":
			if i.Name == nil || i.Name.Name != "awsevents" {
				found = append(found, "Lambda's events package is aliased awsevents")
			}
		}
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, "init() registers: wire in main instead")
		}
	}
	if !domain { // whose integration events have no method EventName
		for _, name := range participles(file) {
			found = append(found, "type "+name+" is named by a participle: name it by a noun, such as ParkedStream; only events are named so")
		}
	}
	if !strings.HasPrefix(path, "events/") && !strings.HasPrefix(path, "localstack/") {
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if f, ok := c.Fun.(*ast.Ident); ok && f.Name == "recover" {
					found = append(found, "a recover of its own: events.Guard is the one guard against panics; the stand-ins for AWS's services have theirs")
				}
			}
			return true
		})
	}
	if !strings.HasPrefix(path, namesRoom+"/") {
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && agreed().MatchString(l.Value) {
				found = append(found, "the name "+l.Value+" is one of package "+namesRoom+": take it from there")
			}
			return true
		})
	}
	if domain {
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc"}, s.Sel.Name) {
					found = append(found, "domain calls the clock: time."+s.Sel.Name)
				}
			}
			return true
		})
	}
	return found
}

// participles returns the exported types that are named by one word in -ed and are
// not events. Interfaces are left out, since they say what a type is like.
func participles(file *ast.File) (found []string) {
	events := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "EventName" {
			if receiver, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				events[receiver.Name] = true
			}
		}
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		for i := 0; ok && i < len(g.Specs); i++ {
			t, ok := g.Specs[i].(*ast.TypeSpec)
			if !ok || events[t.Name.Name] || !participle().MatchString(t.Name.Name) {
				continue
			}
			if _, ok := t.Type.(*ast.InterfaceType); !ok {
				found = append(found, t.Name.Name)
			}
		}
	}
	return found
}

// participle matches one word, so that RegisteredUser is none.
var participle = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^[A-Z][a-z]+ed$") })

// TestParticiples: the rule finds a type named so, and lets events be.
func TestParticiples(t *testing.T) {
	t.Parallel()
	const source = `package p
type Parked struct{}
type (
	Handled int
	ParkedStream struct{}
	Opened struct{}
	Encoded interface{ ~string }
)
func (Opened) EventName() string { return "opened" }`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := participles(file); !slices.Equal(got, []string{"Parked", "Handled"}) {
		t.Errorf("found %v", got)
	}
}

// TestFilesAreNotOneLetterApart: who looks for a thing must not open the wrong file.
func TestFilesAreNotOneLetterApart(t *testing.T) {
	t.Parallel()
	stems := map[string][]string{} // by directory
	err := eachGoFile(func(path string) error {
		stem := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".go"), "_test")
		if dir := filepath.Dir(path); !strings.Contains(path, "testdata/") && !slices.Contains(stems[dir], stem) {
			stems[dir] = append(stems[dir], stem)
		}
		return nil
	})
	if err != nil || len(stems) < 20 {
		t.Fatalf("looked at %d directories: %v", len(stems), err)
	}
	for dir, all := range stems {
		for i, a := range all {
			for _, b := range all[i+1:] {
				if oneApart(a, b) {
					t.Errorf("%s: %s.go and %s.go differ in one letter: rename one", dir, a, b)
				}
			}
		}
	}
}

// oneApart reports whether one letter changed, added or removed makes b of a, or
// a plural does.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if stem, ok := strings.CutSuffix(a, "y"); ok && b == stem+"ies" {
		return true
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		return i < len(a) && a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}

// Pairs that are one letter apart are found, others are not.
func TestOneApart(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]bool{
		{"route", "routes"}: true, {"queries", "query"}: true, {"get", "set"}: true, {"abc", "ac"}: true, {"run", "runner"}: false, {"a", "a"}: false, {"doc", "main"}: false,
	} {
		if oneApart(pair[0], pair[1]) != want || oneApart(pair[1], pair[0]) != want {
			t.Errorf("%v: %v, want %v", pair, !want, want)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	for _, p := range list(t, "./...") {
		dir := p.dir()
		if _, err := os.Stat(filepath.Join(dir, "doc.go")); err != nil {
			main, mainErr := os.ReadFile(filepath.Join(dir, "main.go"))
			if mainErr != nil || !bytes.HasPrefix(main, []byte("// ")) {
				t.Errorf("%s has no doc.go: %v", p.ImportPath, err)
			}
		}
	}
}

// Scripts read the stack's outputs by names that there are.
func TestScriptsReadOutputsThatThereAre(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, o := range names.Outputs() {
		known[o.String()] = true
	}
	scripts, err := filepath.Glob("localstack/deploy/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, path := range scripts {
		script, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"([A-Z]\w+)".*outputs\.json`).FindAllSubmatch(script, -1) {
			if read++; !known[string(m[1])] {
				t.Errorf("%s reads the output %s, which is not one of package %s", path, m[1], namesRoom)
			}
		}
	}
	if read < 2 {
		t.Errorf("found %d outputs that scripts read", read)
	}
}
