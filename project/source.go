package project

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// source is the Daybook that a project is made from.
type source struct {
	dir         string // with its code
	replacement string // of module daybook in go.mod: a directory, or a path and a version
}

const itself = "daybook" // the path of Daybook's module, also in forks

// sourceAt is the checkout in dir; without dir it is the one that the module around
// from uses, or is.
func sourceAt(ctx context.Context, from, dir string) (source, error) {
	if dir == "" {
		return sourceAround(ctx, from)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return source{}, err
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || modfile.ModulePath(mod) != itself {
		return source{}, fmt.Errorf("-daybook: %s is not a checkout of Daybook: its go.mod does not say module %s", dir, itself)
	}
	return source{dir, modfile.AutoQuote(dir)}, nil
}

func sourceAround(ctx context.Context, from string) (source, error) {
	out, err := goCommand(ctx, from, "list", "-m", "-json", itself)
	if err != nil {
		return source{}, fmt.Errorf("run init in a checkout of Daybook or in a project made from one, or name the checkout with -daybook DIR: %w", err)
	}
	var m struct {
		Dir     string
		Replace *struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		return source{}, fmt.Errorf("go list -m %s: %w", itself, err)
	}
	s := source{m.Dir, modfile.AutoQuote(m.Dir)}
	if m.Replace != nil && m.Replace.Version != "" {
		s.replacement = m.Replace.Path + " " + m.Replace.Version
	}
	return s, nil
}
