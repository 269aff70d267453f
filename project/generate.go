package project

import (
	"context"
	"embed"
	"fmt"
	"go/format"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"
)

//go:embed all:templates
var templates embed.FS

// rendered fills in the templates of a kind: a file each, by the path that the
// map says.
func rendered(kind string, paths map[string]string, data any) (files []file, err error) {
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		t, err := template.ParseFS(templates, path.Join("templates", kind, name+".tmpl"))
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if err := t.Execute(&b, data); err != nil {
			return nil, err
		}
		text := []byte(b.String())
		if strings.HasSuffix(name, ".go") {
			if text, err = format.Source(text); err != nil {
				return nil, fmt.Errorf("%s: %w", paths[name], err)
			}
		}
		files = append(files, file{paths[name], text})
	}
	return files, nil
}

// NewAggregate adds a folder with an aggregate, its events and commands, tests and
// golden files, and its line in register.go. When the aggregate is there already
// only what is missing of that is added. Nothing is written when it fails, unless
// its tests do.
func (p Project) NewAggregate(ctx context.Context, name string) (Report, error) {
	w, err := packageOf("aggregate", name)
	if err != nil {
		return Report{}, err
	}
	if slices.Contains([]string{"State", "Created", "Renamed", "Create", "Rename"}, w.Type) {
		return Report{}, fmt.Errorf("aggregate %q: the new folder has a Go type %s of its own; choose another name, such as %s-record", name, w.Type, name)
	}
	all, err := p.folders()
	if err != nil {
		return Report{}, err
	}
	if one, plural := strings.CutSuffix(name, "s"); plural && hasAggregate(all, one) && !hasAggregate(all, name) {
		return Report{}, fmt.Errorf("aggregate %q: there is an aggregate %q, and a list of them is a view: %s new view %s -of %s", name, one, p.Command(), name, one)
	}
	dir := path.Join("domain", w.Package)
	there, variable, err := declared(all, "aggregate", w, dir)
	if err != nil {
		return Report{}, err
	}
	var files []file
	if !there {
		files, err = rendered("aggregate", map[string]string{
			"commands.go":       path.Join(dir, "commands.go"),
			"events.go":         path.Join(dir, "events.go"),
			"aggregate.go":      path.Join(dir, w.Package+".go"),
			"aggregate_test.go": path.Join(dir, w.Package+"_test.go"),
		}, struct {
			words
			Module string
		}{w, p.Module})
		if err != nil {
			return Report{}, err
		}
	}
	return p.add(ctx, files, path.Join(dir, w.Package+".go"), entry{aggregates, p.Module + "/" + dir, variable}, []string{
		fmt.Sprintf("rename and add events in %s/events.go, commands in %s/commands.go: stored names can't change later", dir, dir),
		fmt.Sprintf("%s new view %ss -of %s", p.Command(), w.Name, w.Name),
	})
}

func hasAggregate(all []folder, name string) bool {
	return slices.ContainsFunc(all, func(f folder) bool {
		return slices.ContainsFunc(f.declarations, func(d declaration) bool { return d.Kind == "aggregate" && d.Name == name })
	})
}

// NewView adds a view of an aggregate to the aggregate's folder, with test and
// shape file, and its line in register.go. Without of there must be one aggregate.
func (p Project) NewView(ctx context.Context, name, of string) (Report, error) {
	w, err := nameOf("view", name)
	if err != nil {
		return Report{}, err
	}
	if err := checkView(name); err != nil {
		return Report{}, err
	}
	all, err := p.folders()
	if err != nil {
		return Report{}, err
	}
	follows, in, err := aggregateOf(all, "view", of)
	if err != nil {
		return Report{}, err
	}
	dir := path.Join("domain", in.name)
	there, variable, err := declared(all, "view", w, dir)
	if err != nil {
		return Report{}, err
	}
	base := path.Join(dir, w.Package+"_view")
	var files []file
	if !there {
		for _, id := range []string{w.Type, w.Type + "Row"} {
			if slices.Contains(in.identifiers, id) {
				return Report{}, fmt.Errorf("view %q: %s declares %s already; choose another name", name, dir, id)
			}
		}
		files, err = rendered("view", map[string]string{"view.go": base + ".go", "view_test.go": base + "_test.go"},
			followerOf(w, p, in, follows))
		if err != nil {
			return Report{}, err
		}
	}
	return p.add(ctx, files, base+".go", entry{views, p.Module + "/" + dir, variable}, []string{
		fmt.Sprintf("declare fields, events and indexes in %s.go; before the first deployment delete its shape file and run GOTOOLCHAIN=auto go test ./domain -update, later raise Version", base),
		fmt.Sprintf("GOTOOLCHAIN=auto go run ./localstack, and GET /%s", name),
	})
}

// NewProcess adds a folder with a process manager that follows an aggregate, its
// test, and its line in register.go. Without of there must be one aggregate.
func (p Project) NewProcess(ctx context.Context, name, of string) (Report, error) {
	w, err := packageOf("process", name)
	if err != nil {
		return Report{}, err
	}
	if w.Type == "Memory" {
		return Report{}, fmt.Errorf("process %q: the new folder has a Go type Memory of its own; choose another name", name)
	}
	all, err := p.folders()
	if err != nil {
		return Report{}, err
	}
	follows, in, err := aggregateOf(all, "process", of)
	if err != nil {
		return Report{}, err
	}
	dir := path.Join("domain", w.Package)
	there, variable, err := declared(all, "process", w, dir)
	if err != nil {
		return Report{}, err
	}
	var files []file
	if !there {
		files, err = rendered("process", map[string]string{
			"process.go": path.Join(dir, w.Package+".go"), "process_test.go": path.Join(dir, w.Package+"_test.go"),
		}, followerOf(w, p, in, follows))
		if err != nil {
			return Report{}, err
		}
	}
	return p.add(ctx, files, path.Join(dir, w.Package+".go"), entry{processes, p.Module + "/" + dir, variable}, []string{
		fmt.Sprintf("say in %s/%s.go what follows from the events: commands, timers", dir, w.Package),
		fmt.Sprintf("write the outcome into %s/%s_test.go, and run GOTOOLCHAIN=auto go test ./domain/...", dir, w.Package),
	})
}

// follower is what the templates of a view and of a process manager need.
type follower struct {
	words
	Module    string
	Of        words
	OfPackage string
	Dir       string  // of the aggregate, below domain
	Row       []field // those of the first event
	Events    []event // with the fields that Row has too
	Index     *field
}

func followerOf(w words, p Project, in folder, follows declaration) follower {
	of, _ := nameOf("aggregate", follows.Name)
	of.Type = follows.Var
	f := follower{words: w, Module: p.Module, Of: of, OfPackage: in.pkg, Dir: in.name, Row: in.events[0].Fields}
	for _, e := range in.events {
		e.Fields = slices.DeleteFunc(slices.Clone(e.Fields), func(x field) bool {
			return !slices.ContainsFunc(f.Row, func(r field) bool { return r.Name == x.Name && r.Type == x.Type })
		})
		if len(f.Events) == 0 || len(e.Fields) > 0 {
			f.Events = append(f.Events, e)
		}
	}
	for i, r := range f.Row {
		if r.Type == "string" {
			f.Index = &f.Row[i]
			break
		}
	}
	return f
}

// Sample is a Go literal of a field's type, which is that in JSON too.
func (f field) Sample() string {
	switch f.Type {
	case "string":
		return `"example"`
	case "bool":
		return "true"
	}
	return "7"
}

// declared reports whether a name is declared already, as that kind and in that
// folder, and by which variable. Its error tells of a clash.
func declared(all []folder, kind string, w words, dir string) (there bool, variable string, err error) {
	for _, f := range all {
		at := path.Join("domain", f.name)
		for _, d := range f.declarations {
			if d.Name == w.Name && d.Kind == kind && at == dir {
				return true, d.Var, nil
			}
			if d.Name == w.Name && (d.Kind == kind || kind != "aggregate" && d.Kind != "aggregate") {
				return false, "", fmt.Errorf("%s %q: %s declares a %s of this name; choose another", kind, w.Name, at, d.Kind)
			}
		}
	}
	if kind == "view" {
		return false, w.Type, nil
	}
	for _, f := range all {
		if path.Join("domain", f.name) == dir && f.pkg != "" && len(f.declarations) > 0 {
			return false, "", fmt.Errorf("%s %q: %s is the folder of %s %q; choose another name", kind, w.Name, dir, f.declarations[0].Kind, f.declarations[0].Name)
		}
	}
	return false, w.Type, nil
}

// add writes what is missing: files, of which the main one comes last, the line in
// register.go, and the golden files.
func (p Project) add(ctx context.Context, files []file, main string, e entry, next []string) (r Report, err error) {
	registered, there, err := p.registered(e)
	if err != nil {
		return r, err
	}
	absent, err := p.missing(files)
	if err != nil {
		return r, err
	}
	if i := slices.IndexFunc(absent, func(f file) bool { return f.path == main }); i >= 0 {
		absent = append(slices.Delete(slices.Clone(absent), i, i+1), absent[i])
	}
	if r.Written, err = p.write(absent); err != nil {
		return r, err
	}
	if !there {
		if r.Changed, err = p.write([]file{registered}); err != nil {
			return r, err
		}
	}
	r.Next = next
	return r, p.golden(ctx, &r)
}
