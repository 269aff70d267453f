package project

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"daybook"
	"daybook/events"
)

// words are a stored name, and the Go names made of it.
type words struct {
	Name    string // stored: gift-card
	Package string // giftcard
	Type    string // GiftCard
	Words   string // gift card
}

// taken are names that packages of a project can't have: register.go and the
// generated files import packages of these names or have files of them, or the go
// command gives them a meaning.
var taken = []string{
	"aggregate", "view", "process", "daybook", "events", "domain", "testing", "commands",
	"main", "init", "internal", "testdata", "vendor", "documentation",
}

// nameOf makes words of a stored name. kind is what it names, for messages.
func nameOf(kind, name string) (words, error) {
	if name == "" {
		return words{}, fmt.Errorf("name the %s: new %s NAME", kind, kind)
	}
	if err := events.ValidateName(kind, name); err != nil {
		return words{}, fmt.Errorf("%s %q: the name must be lower-case letters, digits and inner hyphens, beginning with a letter%s", kind, name, hint(name))
	}
	w := words{Name: name, Package: strings.ReplaceAll(name, "-", ""), Words: strings.ReplaceAll(name, "-", " ")}
	for _, part := range strings.Split(name, "-") {
		w.Type += strings.ToUpper(part[:1]) + part[1:]
	}
	return w, nil
}

// packageOf is nameOf for what gets a package of its own.
func packageOf(kind, name string) (words, error) {
	w, err := nameOf(kind, name)
	switch {
	case err != nil:
		return words{}, err
	case token.IsKeyword(w.Package):
		return words{}, fmt.Errorf("%s %q: %s is a keyword of Go and can't name its package; choose a longer name, such as %s-request", kind, name, w.Package, name)
	case types.Universe.Lookup(w.Package) != nil || slices.Contains(taken, w.Package):
		return words{}, fmt.Errorf("%s %q: %s has a meaning of its own in Go or in the generated files; choose a longer name, such as %s-request", kind, name, w.Package, name)
	}
	return w, nil
}

// hint proposes a well-formed name for a message.
func hint(name string) string {
	if better := proposal(name); better != "" {
		return ": " + better
	}
	return ""
}

// proposal is the well-formed name next to one that is not, if there is one.
func proposal(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r >= 'A' && r <= 'Z':
			if i > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r - 'A' + 'a')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	parts := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '-' })
	better := strings.Join(parts, "-")
	if better == name || events.ValidateName("name", better) != nil {
		return ""
	}
	return better
}

// checkModule checks the path of a new project's Go module.
func checkModule(path string) error {
	if path == "" {
		return fmt.Errorf("-module is missing: the path of your Go module, such as example.com/bank")
	}
	if err := module.CheckImportPath(path); err != nil {
		return fmt.Errorf("-module: %w", err)
	}
	if first, _, _ := strings.Cut(path, "/"); first == "daybook" {
		return fmt.Errorf("-module %s: packages of this path are Daybook's; choose another, such as example.com/bank", path)
	}
	return nil
}

// checkName checks the name of a new application by the rule of App.
func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("-name is missing: the application's name, such as bank")
	}
	if err := (daybook.App{Name: name}).Check(); err != nil {
		return fmt.Errorf("-name: %w", err)
	}
	return nil
}
