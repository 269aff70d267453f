package settings

import (
	"fmt"
	"strings"
)

// Table documents all settings of the application of the name app as a table in Markdown; docs/deploy.md holds it.
func Table(app string) string {
	var b strings.Builder
	b.WriteString("| context | environment | default | values | meaning |\n|---|---|---|---|---|\n")
	for _, f := range fields(app) {
		initial := "–"
		if f.initial != "" {
			initial = "`" + f.initial + "`"
		}
		if f.production != "" {
			initial += "; production: `" + f.production + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", f.name, f.env(), initial, f.allowed, f.meaning)
	}
	return b.String()
}
