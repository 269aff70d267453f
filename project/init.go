package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Options say what project to make.
type Options struct {
	Dir    string // of the project; may exist if no file of it is overwritten
	Module string // path of the Go module
	Name   string // of the application, see daybook.App
	Sample string // "shop" for the sample shop; "" for one small aggregate

	From    string // the current directory
	Daybook string // a checkout of Daybook; "" for the one that the module around From uses
}

// Sample is what Options.Sample may be beside "".
const Sample = "shop"

// Init makes a project. It overwrites nothing.
func Init(ctx context.Context, o Options) (Report, error) {
	if err := checkModule(o.Module); err != nil {
		return Report{}, err
	}
	if err := checkName(o.Name); err != nil {
		return Report{}, err
	}
	if o.Sample != "" && o.Sample != Sample {
		return Report{}, fmt.Errorf("-sample %s: there is one sample, %s", o.Sample, Sample)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return Report{}, err
	}
	from, err := sourceAt(ctx, o.From, o.Daybook)
	if err != nil {
		return Report{}, err
	}
	if err := checkStandard(ctx, from.dir, o.Module); err != nil {
		return Report{}, err
	}
	files, err := filesOf(o, from)
	if err != nil {
		return Report{}, err
	}
	p := Project{Dir: dir, Module: o.Module}
	if err := p.vacant(files); err != nil {
		return Report{}, err
	}
	return p.fill(ctx, o, files)
}

// checkStandard refuses a module that would hide packages of the standard library.
func checkStandard(ctx context.Context, dir, module string) error {
	root, err := goCommand(ctx, dir, "env", "GOROOT")
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(module, "/")
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(root), "src", first)); err == nil {
		return fmt.Errorf("-module %s: Go's standard library has packages of this path; choose another, such as example.com/%s", module, path.Base(module))
	}
	return nil
}

// filesOf are the files of a new project, but for those that NewAggregate and
// NewView add.
func filesOf(o Options, from source) (files []file, err error) {
	mod, err := moduleFile(o, from)
	if err != nil {
		return nil, err
	}
	files = append(files, file{"go.mod", mod})
	for _, shared := range []func(Options, source) ([]file, error){sharedFiles, mains, domainOf} {
		more, err := shared(o, from)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	more, err := rendered("root", map[string]string{"README.md": "README.md", "AGENTS.md": "AGENTS.md", "llms.txt": "llms.txt", "ci.yml": ".github/workflows/ci.yml"}, o)
	return append(files, more...), err
}

// moduleFile is go.mod: Daybook's requirements are listed, so that no network is
// needed beyond what Daybook itself needs.
func moduleFile(o Options, from source) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(from.dir, "go.mod"))
	if err != nil {
		return nil, err
	}
	of, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module %s\n\ngo %s\n\n", o.Module, of.Go.Version)
	b.WriteString("// What npm, the build and the CDK leave behind is not Go code of the project.\nignore (\n")
	for _, i := range of.Ignore {
		fmt.Fprintf(&b, "\t%s\n", i.Path)
	}
	fmt.Fprintf(&b, ")\n\nrequire %s v0.0.0\n\nrequire (\n", itself)
	for _, r := range of.Require {
		fmt.Fprintf(&b, "\t%s %s // indirect\n", r.Mod.Path, r.Mod.Version)
	}
	fmt.Fprintf(&b, `)

// The Daybook that this project uses. To change it, type
//	go mod edit -replace %[1]s=/path/of/a/checkout && go mod tidy
// or, for a version of a fork under any address (its go.mod still says module %[1]s),
//	go mod edit -replace %[1]s=github.com/you/daybook@v0.2.0 && go mod tidy
replace %[1]s => %[2]s
`, itself, from.replacement)
	return []byte(b.String()), nil
}

// sharedFiles are those that are alike in Daybook and in every project.
func sharedFiles(o Options, from source) (files []file, err error) {
	for _, name := range []string{"go.sum", ".gitignore", "cdk.json", "package.json", "package-lock.json"} {
		data, err := os.ReadFile(filepath.Join(from.dir, name))
		if err != nil {
			return nil, err
		}
		switch {
		case name == ".gitignore": // the command line, when it is built here
			data = bytes.ReplaceAll(data, []byte("/"+itself+"\n"), []byte("/"+o.Name+"\n"))
		case strings.HasPrefix(name, "package"): // your name, and a licence of your choice
			data = bytes.ReplaceAll(data, []byte(`"name": "`+itself+`"`), []byte(`"name": "`+o.Name+`"`))
			licence := []byte("\"license\": \"Apache-2.0\",\n")
			if i := bytes.Index(data, licence); i >= 0 {
				start := bytes.LastIndexByte(data[:i], '\n') + 1
				data = slices.Delete(data, start, i+len(licence))
			}
		}
		files = append(files, file{name, data})
	}
	return files, nil
}

// mains are the programs, as Daybook has them.
func mains(o Options, from source) (files []file, err error) {
	for _, dir := range []string{"functions/command", "functions/query", "functions/projector", "functions/process", "infra", "localstack", "cmd/" + itself} {
		paths, err := filepath.Glob(filepath.Join(from.dir, dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, name := range paths {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			data, err := os.ReadFile(name)
			if err == nil {
				data, err = moved(data, o.Module)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			files = append(files, file{path.Join(strings.Replace(dir, "cmd/"+itself, "cmd/"+o.Name, 1), filepath.Base(name)), named(data, o.Name)})
		}
	}
	return files, nil
}

// named is the text of a main with the application's name in its comments.
func named(text []byte, name string) []byte {
	return []byte(strings.NewReplacer(
		"Command "+itself+" ", "Command "+name+" ",
		"./cmd/"+itself, "./cmd/"+name,
		"the sample application", "application "+name,
	).Replace(string(text)))
}

// moved is a Go file of Daybook in another module: its imports of the domain are
// that module's.
func moved(source []byte, module string) ([]byte, error) {
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, "", source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, i := range slices.Backward(parsed.Imports) {
		imports, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		below, ok := strings.CutPrefix(imports, itself+"/domain")
		if !ok || below != "" && below[0] != '/' {
			continue
		}
		at, end := fset.Position(i.Path.Pos()).Offset, fset.Position(i.Path.End()).Offset
		source = slices.Concat(source[:at], []byte(strconv.Quote(module+"/domain"+below)), source[end:])
	}
	return format.Source(source)
}

// tools are the folders of the sample that are Daybook's own: they load data into
// its local stack, and test what is deployed of it.
var tools = []string{"domain/catalogue", "domain/e2e"}

// domainOf is the domain: the sample's, or one that is empty as yet.
func domainOf(o Options, from source) (files []file, err error) {
	if o.Sample == "" {
		return rendered("root", map[string]string{
			"doc.go": "domain/doc.go", "register.go": register, "register_test.go": "domain/register_test.go",
			"simulation_test.go": "domain/simulation_test.go", "demo.go": "domain/demo.go",
		}, o)
	}
	root := os.DirFS(from.dir)
	err = fs.WalkDir(root, "domain", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(tools, name):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err == nil && path.Ext(name) == ".go" {
			data, err = moved(data, o.Module)
		}
		if name == register {
			data = bytes.Replace(data, []byte(`Name: "`+itself+`"`), []byte("Name: "+strconv.Quote(o.Name)), 1)
		}
		files = append(files, file{name, data})
		return err
	})
	return files, err
}

// vacant fails if a file is there already.
func (p Project) vacant(files []file) error {
	var there []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(p.Dir, f.path)); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, f.path)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%s has %s already, and init overwrites nothing; choose an empty directory, or move them away", p.Dir, strings.Join(there, ", "))
	}
	return nil
}

// tidy has the go command leave out requirements that only Daybook has. Modules
// that are not in the cache are not fetched for it: then more than is needed stays
// listed, which does no harm.
func (p Project) tidy(ctx context.Context) {
	_, _ = goCommandWith(ctx, p.Dir, []string{"GOPROXY=off", "GOFLAGS=-mod=mod"}, "mod", "tidy")
}

// fill writes the files, and without a sample an aggregate and its view.
func (p Project) fill(ctx context.Context, o Options, files []file) (r Report, err error) {
	if r.Written, err = p.write(files); err != nil {
		return r, err
	}
	p.tidy(ctx)
	if o.Sample == "" {
		a, err := p.NewAggregate(ctx, "account")
		r.Written = append(r.Written, a.Written...)
		if err != nil {
			return r, err
		}
		v, err := p.NewView(ctx, "accounts", "account")
		r.Written = append(r.Written, v.Written...)
		if err != nil {
			return r, err
		}
	}
	r.Next = []string{
		"cd " + o.Dir,
		"GOTOOLCHAIN=auto go run ./localstack",
		"README.md says which request to send first, and how to go on",
	}
	return r, nil
}
