package main

import (
	"embed"
	"encoding/json/v2"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed bugs
var bugFiles embed.FS

// bug is a fault to plant.
type bug struct {
	name  string
	about string
	finds []find
	edits []edit
}

// find is an instrument that finds a bug: a test, which simulates or not.
type find struct {
	simulate bool
	test     string // package
	pattern  string // of the tests' names
}

func (f find) String() string {
	switch {
	case f == shop:
		return "the simulator"
	case f.simulate:
		return "the simulator (`" + f.pattern + "`)"
	}
	return "`go test " + f.test + " -run " + f.pattern + "`"
}

// edit replaces a text of a file by another.
type edit struct {
	file     string // below the root of the module
	old, new string
}

// bugs are those that are described, in the order of their names.
func bugs() ([]bug, error) {
	entries, err := bugFiles.ReadDir("bugs")
	if err != nil {
		return nil, err
	}
	var all []bug
	for _, e := range entries {
		text, err := bugFiles.ReadFile(path.Join("bugs", e.Name()))
		if err != nil {
			return nil, err
		}
		b, err := parse(strings.TrimSuffix(e.Name(), ".txt"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// The lines between the parts of an edit.
const (
	beginOld = "<<<<"
	beginNew = "===="
	endEdit  = ">>>>"
)

// parse reads the description of a bug, see the package's description.
func parse(name, text string) (bug, error) {
	b := bug{name: name}
	file, part := "", ""
	var current edit
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words, isFind := strings.CutPrefix(line, "find: ")
		next, isFile := strings.CutPrefix(line, "-- ")
		switch {
		case part == beginOld && line == beginNew:
			part = beginNew
		case part == beginNew && line == endEdit:
			b.edits = append(b.edits, current)
			part = ""
		case part == beginOld:
			current.old += line + "\n"
		case part == beginNew:
			current.new += line + "\n"
		case line == beginOld && file != "":
			part, current = beginOld, edit{file: file}
		case isFile:
			file = next
		case isFind && file == "":
			f, err := parseFind(words)
			if err != nil {
				return bug{}, fmt.Errorf("%s, line %d: %w", name, n+1, err)
			}
			b.finds = append(b.finds, f)
		case file == "" && len(b.finds) == 0:
			b.about = strings.TrimSpace(b.about + " " + line)
		default:
			return bug{}, fmt.Errorf("%s, line %d: unexpected text %q", name, n+1, line)
		}
	}
	if b.about == "" || len(b.finds) == 0 || len(b.edits) == 0 || part != "" {
		return bug{}, fmt.Errorf("%s: a bug needs a description, a line with \"find:\" and complete edits", name)
	}
	return b, nil
}

func parseFind(text string) (find, error) {
	switch words := strings.Fields(text); {
	case len(words) == 1 && words[0] == "simulate":
		return shop, nil
	case len(words) == 3 && (words[0] == "test" || words[0] == "simulate"):
		return find{words[0] == "simulate", words[1], words[2]}, nil
	}
	return find{}, fmt.Errorf("%q is neither simulate nor test PACKAGE PATTERN nor simulate PACKAGE PATTERN", text)
}

var errNotOnce = errors.New("the old text does not occur exactly once in the file: update the bug")

// changed returns the files that a bug changes, by their paths below root.
func (b bug) changed(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range b.edits {
		text, ok := files[e.file]
		if !ok {
			whole, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if err != nil {
				return nil, err
			}
			text = string(whole)
		}
		if strings.Count(text, e.old) != 1 {
			return nil, fmt.Errorf("%s: %w:\n%s", e.file, errNotOnce, e.old)
		}
		files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return files, nil
}

// overlay writes the changed files and the overlay that puts them in place of those
// of the module at root, and returns the overlay's path.
func (b bug) overlay(root, dir string) (string, error) {
	files, err := b.changed(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(name, "/", "__"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(name))] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace}, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, "overlay.json")
	return at, os.WriteFile(at, text, 0o600)
}
