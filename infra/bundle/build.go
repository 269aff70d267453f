package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"daybook/functions/names"
)

// tags are those of every build. The runtime provided.al2023 needs no net/rpc, and
// DynamoDB's endpoints speak HTTP/1.1: net/http without HTTP/2 makes a function a third
// of a megabyte smaller.
const tags = "lambda.norpc,nethttpomithttp2"

// Options are what a build may add. The zero value adds nothing.
type Options struct {
	OTLP bool // functions that export spans, by OpenTelemetry's SDK
}

// Tags are the build tags.
func (o Options) Tags() string {
	if o.OTLP {
		return tags + ",otlp"
	}
	return tags
}

// flags are those of go build, beside the tags.
var flags = []string{
	"-trimpath", "-buildvcs=false", // nothing of the machine or of the checkout in the binary
	"-ldflags", "-s -w", // no symbols
}

// Functions are the names of the functions, which are those of their
// directories below functions/.
func Functions() []string { return names.Functions() }

// Arch is an instruction set, by Go's name.
type Arch string

// The instruction sets that Lambda has.
const (
	ARM64 Arch = "arm64"
	AMD64 Arch = "amd64"
)

// Dir is the directory that Build leaves a function's bootstrap in, below the
// root of the repository.
func Dir(root string, arch Arch, function string) string {
	return filepath.Join(root, "build", string(arch), function)
}

// Zip is the file that Build leaves for Lambda: the bootstrap, alone.
func Zip(root string, arch Arch, function string) string { return Dir(root, arch, function) + ".zip" }

// Build compiles functions below root, a checkout of the repository, into their
// Dir and Zip.
func Build(ctx context.Context, root string, arch Arch, o Options, functions ...string) error {
	for _, name := range functions {
		out := filepath.Join(Dir(root, arch, name), "bootstrap")
		if err := Binary(ctx, root, arch, o, "./functions/"+name, out); err != nil {
			return fmt.Errorf("build function %s for %s: %w", name, arch, err)
		}
		if err := pack(out, Zip(root, arch, name)); err != nil {
			return fmt.Errorf("pack function %s for %s: %w", name, arch, err)
		}
	}
	return nil
}

// Binary compiles one main package, as Build does, to the file out.
func Binary(ctx context.Context, root string, arch Arch, o Options, pkg, out string) error {
	out, err := filepath.Abs(out) // the go command runs in root
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-tags", o.Tags()}, flags...), "-o", out, pkg)...)
	cmd.Dir = root
	cmd.Env = environment(arch)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if _, failed := errors.AsType[*exec.ExitError](err); failed {
			return fmt.Errorf("go build %s: %s", pkg, strings.TrimSpace(said.String()))
		}
		return fmt.Errorf("go build %s: %w", pkg, err)
	}
	return nil
}

// environment is this process's, without what would change the binary.
func environment(arch Arch) []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{"GOFLAGS", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT", "GOFIPS140", "CGO_ENABLED"}, name)
	})
	return append(env, "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+string(arch))
}
