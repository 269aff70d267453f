package project

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// The lists of register.go, by the types of their elements.
const (
	aggregates = "aggregate.Aggregate"
	views      = "view.View"
	processes  = "process.Reactor"
)

// entry is a line of a list in register.go: account.Account.
type entry struct {
	list, pkg, name string // pkg is an import path
}

// registered returns register.go with an entry, and whether it had it before.
func (p Project) registered(e entry) (file, bool, error) {
	source, err := os.ReadFile(filepath.Join(p.Dir, register))
	if err != nil {
		return file{}, false, err
	}
	text, there, err := insert(source, e)
	if err != nil {
		return file{}, false, fmt.Errorf("%s: %w", register, err)
	}
	return file{register, text}, there, nil
}

// insert adds an entry to its list, and the import that it needs. Text that is
// there stays as it is, but for gofmt's form.
func insert(source []byte, e entry) (text []byte, there bool, err error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, "", source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return nil, false, fmt.Errorf("it is not valid Go: %w", err)
	}
	list, err := listOf(parsed, e)
	if err != nil {
		return nil, false, err
	}
	local, imported, err := localName(parsed, e.pkg)
	if err != nil {
		return nil, false, err
	}
	if imported {
		for _, x := range list.Elts {
			if s, ok := x.(*ast.SelectorExpr); ok && isIdent(s.X, local) && s.Sel.Name == e.name {
				return source, true, nil
			}
		}
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	edits := []edit{lineIn(source, list, at, local+"."+e.name)}
	if !imported {
		edits = append(edits, importOf(parsed, at, e.pkg))
	}
	for _, edit := range edits { // the list stands behind the imports
		source = bytes.Join([][]byte{source[:edit.at], source[edit.at:]}, []byte(edit.text))
	}
	text, err = format.Source(source)
	return text, false, err
}

type edit struct {
	at   int
	text string
}

// listOf finds the one list of an entry's kind.
func listOf(parsed *ast.File, e entry) (list *ast.CompositeLit, err error) {
	found := 0
	ast.Inspect(parsed, func(n ast.Node) bool {
		if c, ok := n.(*ast.CompositeLit); ok {
			if a, ok := c.Type.(*ast.ArrayType); ok && typeText(a.Elt) == e.list {
				list, found = c, found+1
			}
		}
		return true
	})
	if found != 1 {
		return nil, fmt.Errorf("it has %d lists []%s{…}, and one is needed; nothing was written: add %s.%s and its import to your list, or restore the list", found, e.list, path.Base(e.pkg), e.name)
	}
	return list, nil
}

func typeText(x ast.Expr) string {
	if s, ok := x.(*ast.SelectorExpr); ok {
		if of, ok := s.X.(*ast.Ident); ok {
			return of.Name + "." + s.Sel.Name
		}
	}
	return ""
}

func isIdent(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

// localName is what a file calls a package, and whether it imports it.
func localName(parsed *ast.File, pkg string) (name string, imported bool, err error) {
	name = path.Base(pkg)
	for _, i := range parsed.Imports {
		imports, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return "", false, err
		}
		local := path.Base(imports)
		if i.Name != nil {
			local = i.Name.Name
		}
		if imports == pkg {
			return local, true, nil
		}
		if local == name {
			return "", false, fmt.Errorf("it imports %s, which has the name that package %s needs; choose another name", imports, pkg)
		}
	}
	return name, false, nil
}

// lineIn puts an element behind the others of a list.
func lineIn(source []byte, list *ast.CompositeLit, at func(token.Pos) int, element string) edit {
	end := at(list.Rbrace)
	if n := len(list.Elts); n > 0 {
		last := at(list.Elts[n-1].End())
		if !bytes.Contains(source[last:end], []byte("\n")) { // the brace is on the element's line
			return edit{last, ",\n" + element}
		}
		return edit{end, element + ",\n"}
	}
	return edit{end, "\n" + element + ",\n"}
}

// importOf puts an import behind the last of the project's domain, or of all.
func importOf(parsed *ast.File, at func(token.Pos) int, pkg string) edit {
	text := "\n" + strconv.Quote(pkg)
	last := -1
	for i, spec := range parsed.Imports {
		if strings.HasPrefix(spec.Path.Value, `"`+path.Dir(pkg)+"/") || last < 0 {
			last = i
		}
	}
	for _, d := range parsed.Decls {
		g, ok := d.(*ast.GenDecl)
		if ok && g.Tok == token.IMPORT && g.Lparen.IsValid() && last >= 0 &&
			g.Lparen < parsed.Imports[last].Pos() && parsed.Imports[last].Pos() < g.Rparen {
			return edit{at(parsed.Imports[last].End()), text}
		}
	}
	return edit{at(parsed.Name.End()), "\n\nimport " + strconv.Quote(pkg)}
}
