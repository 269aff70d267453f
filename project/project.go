package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Project is an application on disk.
type Project struct {
	Dir    string // has go.mod and domain/register.go
	Module string // path of the Go module
}

// Report is what a generator did. Paths are relative to the project and have
// slashes.
type Report struct {
	Written []string // files that are new
	Changed []string // files that a line was added to
	Next    []string // what to do next, one step each
}

// ErrNoProject says that no directory up to the root is a project.
var ErrNoProject = errors.New("no Daybook project")

const register = "domain/register.go"

// Find returns the project that dir is in. Its error wraps ErrNoProject.
func Find(dir string) (Project, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return Project{}, err
	}
	for at := from; ; at = filepath.Dir(at) {
		data, err := os.ReadFile(filepath.Join(at, "go.mod"))
		switch {
		case err == nil:
			return open(at, data)
		case !errors.Is(err, fs.ErrNotExist):
			return Project{}, err
		case filepath.Dir(at) == at:
			return Project{}, fmt.Errorf("%w: neither %s nor a directory above it has a go.mod; change to your project's directory, or make one with init", ErrNoProject, from)
		}
	}
}

func open(dir string, mod []byte) (Project, error) {
	module := modfile.ModulePath(mod)
	if _, err := os.Stat(filepath.Join(dir, register)); err != nil {
		return Project{}, fmt.Errorf("%w: module %s in %s has no %s; change to your project's directory, or make one with init", ErrNoProject, module, dir, register)
	}
	return Project{Dir: dir, Module: module}, nil
}

// Command returns how to run the project's command line, also with an older Go.
func (p Project) Command() string {
	mains, err := filepath.Glob(filepath.Join(p.Dir, "cmd", "*", "main.go"))
	if err != nil || len(mains) != 1 {
		return "daybook"
	}
	return "GOTOOLCHAIN=auto go run ./cmd/" + filepath.Base(filepath.Dir(mains[0]))
}

// file is a file to write.
type file struct {
	path string // relative, with slashes
	data []byte
}

// missing returns the files that are not there, and fails for one that is there
// with other content.
func (p Project) missing(files []file) (absent []file, err error) {
	for _, f := range files {
		there, err := os.ReadFile(filepath.Join(p.Dir, f.path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, f)
		case err != nil:
			return nil, err
		case !bytes.Equal(there, f.data):
			return nil, fmt.Errorf("%s exists, and a file of yours is never overwritten; choose another name, or move it away", f.path)
		}
	}
	return absent, nil
}

// write writes files, the last of them last: what is declared twice is recognised
// by it, so that an interrupted run is completed by the next.
func (p Project) write(files []file) (paths []string, err error) {
	for _, f := range files {
		path := filepath.Join(p.Dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return paths, err
		}
		if err := replace(path, f.data); err != nil {
			return paths, err
		}
		paths = append(paths, f.path)
	}
	return paths, nil
}

// replace writes a file whole or not at all.
func replace(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// golden has the project's tests write the golden files that are missing, which
// also shows that what was written compiles and passes.
func (p Project) golden(ctx context.Context, r *Report) error {
	before, err := p.goldenFiles()
	if err != nil {
		return err
	}
	for _, args := range [][]string{{"test", "./domain", "-update"}, {"test", "./domain/..."}} {
		if _, err := goCommand(ctx, p.Dir, args...); err != nil {
			return fmt.Errorf("the files are written, but the tests of the domain fail; repair what they say: %w", err)
		}
	}
	after, err := p.goldenFiles()
	if err != nil {
		return err
	}
	for _, path := range after {
		if !slices.Contains(before, path) {
			r.Written = append(r.Written, path)
		}
	}
	return nil
}

func (p Project) goldenFiles() (paths []string, err error) {
	err = filepath.WalkDir(filepath.Join(p.Dir, "domain"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if filepath.Ext(path) == ".json" {
			relative, err := filepath.Rel(p.Dir, path)
			paths = append(paths, filepath.ToSlash(relative))
			return err
		}
		return nil
	})
	return paths, err
}

// GoError is a failure of the go command.
type GoError struct {
	Args   []string
	Output string // what it printed, over several lines
}

func (e *GoError) Error() string {
	first, _, more := strings.Cut(e.Output, "\n")
	if more {
		first += " …"
	}
	return fmt.Sprintf("go %s: %s", strings.Join(e.Args, " "), first)
}

// goCommand runs the go command, and returns its standard output. With
// GOTOOLCHAIN=auto an older one fetches the release that go.mod names.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	return goCommandWith(ctx, dir, nil, args...)
}

// goCommandWith is goCommand with more in the environment.
func goCommandWith(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir, "GOWORK=off")
	if t := os.Getenv("GOTOOLCHAIN"); t == "" || t == "local" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN=auto")
	}
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if _, failed := errors.AsType[*exec.ExitError](err); failed {
			return "", &GoError{args, strings.TrimSpace(stdout.String() + stderr.String())}
		}
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return stdout.String(), nil
}
