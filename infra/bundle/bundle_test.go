package bundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"daybook/infra/bundle"
)

const root = "../.."

// Lambda starts a file called bootstrap that is executable.
func TestZip(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles a function")
	}
	t.Parallel()
	root := copied(t)
	if err := bundle.Build(t.Context(), root, bundle.AMD64, bundle.Options{}, "command"); err != nil {
		t.Fatal(err)
	}
	path := bundle.Zip(root, bundle.AMD64, "command")
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Errorf("the zip has %d files, the first is %s with mode %s", len(r.File), r.File[0].Name, r.File[0].Mode())
	}
	if err := bundle.Build(t.Context(), root, bundle.AMD64, bundle.Options{}, "command"); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("building again gave another zip")
	}
}

// Packages that make a function big or slow to start do not get in.
func TestNothingBigInside(t *testing.T) {
	t.Parallel()
	sources(t)
	cmd := exec.Command("go", "list", "-deps", "-tags", bundle.Options{}.Tags(), "./functions/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"dynamodb": true, "internal": true}
	for pkg := range strings.FieldsSeq(string(out)) {
		switch pkg {
		case "html/template", "text/template", "net/rpc", "testing", "expvar", "net/http/pprof", "github.com/aws/aws-sdk-go-v2/config":
			t.Errorf("the functions reach %s", pkg)
		}
		if service, ok := strings.CutPrefix(pkg, "github.com/aws/aws-sdk-go-v2/service/"); ok {
			if name, _, _ := strings.Cut(service, "/"); !allowed[name] {
				t.Errorf("the functions reach the SDK module of %s", name)
			}
		}
		if strings.HasPrefix(pkg, "github.com/aws/aws-cdk-go") || strings.HasPrefix(pkg, "github.com/aws/jsii-runtime-go") || strings.HasPrefix(pkg, "daybook/localstack") {
			t.Errorf("the functions reach %s", pkg)
		}
	}
}

// The tag adds OpenTelemetry's SDK, and nothing else does; the functions compile with it.
func TestOTLPIsAddedByItsTag(t *testing.T) {
	t.Parallel()
	sources(t)
	for _, o := range []bundle.Options{{}, {OTLP: true}} {
		cmd := exec.Command("go", "list", "-deps", "-tags", o.Tags(), "./functions/...")
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "go.opentelemetry.io/otel/sdk/trace\n"); got != o.OTLP {
			t.Errorf("%+v: the functions reach OpenTelemetry's SDK: %v", o, got)
		}
	}
}

// The same source gives the same bytes wherever it lies, so that a deployment
// of an unchanged source changes nothing.
func TestReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("left out: compiles a function in a copy of the repository")
	}
	t.Parallel()
	elsewhere := copied(t)
	var binaries [2][]byte
	for i, dir := range []string{root, elsewhere} {
		out := filepath.Join(t.TempDir(), "bootstrap")
		if err := bundle.Binary(t.Context(), dir, bundle.AMD64, bundle.Options{}, "./functions/command", out); err != nil {
			t.Fatal(err)
		}
		var err error
		if binaries[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(binaries[0], binaries[1]) {
		t.Error("the same source in another directory gave another binary")
	}
}

// copied is a directory with what the functions are made of. What a test builds is
// written there: a test that writes below the repository, and reads it, is never cached,
// and keeps the tests that read the repository from it.
func copied(t *testing.T) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "elsewhere")
	for _, file := range sources(t) {
		at, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(to, at)), 0o755), os.WriteFile(filepath.Join(to, at), data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// sources are the files that the functions are made of. It looks at each, so that the
// go command, which does not know what a test compiles, runs the test again when one
// has changed.
func sources(tb testing.TB) []string {
	tb.Helper()
	list := exec.Command("go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}", "./functions/...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		tb.Fatal(err)
	}
	base, err := filepath.Abs(root)
	if err != nil {
		tb.Fatal(err)
	}
	files := []string{filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum")}
	for dir := range strings.FieldsSeq(string(out)) {
		at, err := filepath.Rel(base, dir)
		if err != nil {
			tb.Fatal(err)
		}
		inside, err := filepath.Glob(filepath.Join(root, at, "*.go"))
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, inside...)
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

func TestBuildTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	err := bundle.Build(t.Context(), copied(t), bundle.ARM64, bundle.Options{}, "no-such-function")
	if err == nil || !strings.Contains(err.Error(), "no-such-function") {
		t.Errorf("err = %v, want one that names the function", err)
	}
}
