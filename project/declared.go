package project

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// declaration is a variable of the domain: var Account = aggregate.New[State]("account").
type declaration struct {
	Kind string // New's package: aggregate, view, process
	Name string // stored
	Var  string
	Dir  string // below domain
}

// event is an event's Go type.
type event struct {
	Type   string
	Fields []field
}

// field is a field of a basic type with a plain JSON name.
type field struct{ Name, Type, JSON, Tag string }

// Kebab is the field's JSON name as a part of an index's name.
func (f field) Kebab() string {
	return cmp.Or(proposal(f.JSON), f.JSON)
}

// folder is what a folder of the domain declares.
type folder struct {
	name         string
	pkg          string
	declarations []declaration
	events       []event
	identifiers  []string // of the package
}

// folders reads the folders of the domain, in the order of their names.
func (p Project) folders() (all []folder, err error) {
	entries, err := os.ReadDir(filepath.Join(p.Dir, "domain"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f, err := p.folder(e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// folder reads one; without Go files, or when it is not there, it is empty.
func (p Project) folder(name string) (folder, error) {
	f := folder{name: name}
	dir := filepath.Join(p.Dir, "domain", name)
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	types, named := []*ast.TypeSpec{}, map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return f, fmt.Errorf("repair it first: %w", err)
		}
		f.pkg = parsed.Name.Name
		for _, d := range parsed.Decls {
			types = append(types, f.read(d, named)...)
		}
	}
	for _, t := range types {
		if s, ok := t.Type.(*ast.StructType); ok && named[t.Name.Name] {
			f.events = append(f.events, event{t.Name.Name, fieldsOf(s)})
		}
	}
	return f, nil
}

// read notes what a declaration declares, and returns its types.
func (f *folder) read(d ast.Decl, named map[string]bool) (types []*ast.TypeSpec) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		switch {
		case d.Recv == nil:
			f.identifiers = append(f.identifiers, d.Name.Name)
		case d.Name.Name == "EventName" && len(d.Recv.List) == 1:
			if of, ok := d.Recv.List[0].Type.(*ast.Ident); ok {
				named[of.Name] = true
			}
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				f.identifiers = append(f.identifiers, s.Name.Name)
				types = append(types, s)
			case *ast.ValueSpec:
				for i, n := range s.Names {
					f.identifiers = append(f.identifiers, n.Name)
					if i < len(s.Values) {
						f.declare(n.Name, s.Values[i])
					}
				}
			}
		}
	}
	return types
}

// declare looks for aggregate.New, view.New and the like in a variable's value.
func (f *folder) declare(variable string, value ast.Expr) {
	ast.Inspect(value, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		of, ok := constructor(call.Fun)
		if !ok {
			return true
		}
		if lit, ok := call.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if name, err := strconv.Unquote(lit.Value); err == nil {
				f.declarations = append(f.declarations, declaration{of, name, variable, f.name})
			}
		}
		return true
	})
}

// constructor is the package of aggregate.New[State], view.NewKeyed[…] and so on.
func constructor(fun ast.Expr) (pkg string, ok bool) {
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	pkg, name, _ := strings.Cut(typeText(fun), ".")
	return pkg, slices.Contains([]string{"aggregate", "view", "process"}, pkg) && strings.HasPrefix(name, "New")
}

func fieldsOf(s *ast.StructType) (fields []field) {
	basic := []string{"string", "bool", "int", "int32", "int64", "float64"}
	for _, x := range s.Fields.List {
		id, ok := x.Type.(*ast.Ident)
		if !ok || len(x.Names) != 1 || !slices.Contains(basic, id.Name) || x.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(x.Tag.Value)
		if err != nil {
			continue
		}
		name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if name == "" || name == "-" || !slices.Contains([]string{"", "omitzero", "omitempty"}, options) || name == "id" || name == "version" {
			continue
		}
		fields = append(fields, field{x.Names[0].Name, id.Name, name, fmt.Sprintf("`json:%q`", name)})
	}
	return fields
}

// aggregateOf finds the aggregate that a view or a process is to follow: the named
// one, or the only one.
func aggregateOf(all []folder, kind, of string) (declaration, folder, error) {
	var names []string
	var found []declaration
	for _, f := range all {
		for _, d := range f.declarations {
			if d.Kind == "aggregate" {
				names = append(names, d.Name)
				if of == "" || d.Name == of {
					found = append(found, d)
				}
			}
		}
	}
	switch {
	case len(names) == 0:
		return declaration{}, folder{}, fmt.Errorf("a %s follows an aggregate, and there is none yet; begin with new aggregate NAME", kind)
	case len(found) == 0:
		return declaration{}, folder{}, fmt.Errorf("-of: there is no aggregate %q in domain; there are %s", of, strings.Join(names, ", "))
	case len(found) > 1:
		return declaration{}, folder{}, fmt.Errorf("say which aggregate the %s follows: -of with one of %s", kind, strings.Join(names, ", "))
	}
	i := slices.IndexFunc(all, func(f folder) bool { return f.name == found[0].Dir })
	if len(all[i].events) == 0 {
		return declaration{}, folder{}, fmt.Errorf("aggregate %q has no event in domain/%s: no struct type there has a method EventName; declare one first", found[0].Name, found[0].Dir)
	}
	return found[0], all[i], nil
}
