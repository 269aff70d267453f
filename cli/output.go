package cli

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// output writes what a subcommand has to say: JSON, one value per line; a table
// with a header on a terminal; otherwise the same cells with tabs between them
// and no header, for other programs.
type output struct {
	w        io.Writer
	json     bool
	terminal bool
	err      error // the first of writing
}

func newOutput(w io.Writer, asJSON bool) *output {
	return &output{w: w, json: asJSON, terminal: isTerminal(w)}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// value writes one JSON value.
func (o *output) value(v any) {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.PreserveRawStrings(true))
	if err == nil {
		_, err = o.w.Write(append(b, '\n'))
	}
	o.fail(err)
}

// indented writes one JSON value over several lines.
func (o *output) indented(v any) {
	b, err := json.Marshal(v, json.Deterministic(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
	if err == nil {
		_, err = o.w.Write(append(b, '\n'))
	}
	o.fail(err)
}

// printf writes text.
func (o *output) printf(format string, args ...any) {
	_, err := fmt.Fprintf(o.w, format, args...)
	o.fail(err)
}

func (o *output) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// result is the error that a command ends with: of writing, or that its check
// found something.
func (o *output) result(some bool) error {
	if o.err == nil && some {
		return found()
	}
	return o.err
}

// table is a table being written. Columns are aligned over tablePage rows at a
// time, so that a long one needs little memory and shows while it grows.
type table struct {
	o      *output
	tabs   *tabwriter.Writer
	header []string
	rows   int
}

const tablePage = 100

func (o *output) table(header ...string) *table {
	t := &table{o: o, header: header}
	if o.terminal {
		t.tabs = tabwriter.NewWriter(o.w, 0, 8, 2, ' ', 0)
	}
	return t
}

// row writes a row: v as it is in JSON, cells as text.
func (t *table) row(v any, cells ...any) {
	if t.o.json {
		t.o.value(v)
		return
	}
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = cell(c)
	}
	if t.tabs == nil {
		t.o.printf("%s\n", strings.Join(texts, "\t"))
		return
	}
	if t.rows == 0 {
		fmt.Fprintln(t.tabs, strings.Join(t.header, "\t"))
	}
	_, err := fmt.Fprintln(t.tabs, strings.Join(texts, "\t"))
	t.o.fail(err)
	if t.rows++; t.rows%tablePage == 0 {
		t.flush()
	}
}

// flush shows the rows that were written.
func (t *table) flush() {
	if t.tabs != nil {
		t.o.fail(t.tabs.Flush())
	}
}

// end ends the table. On a terminal it says none where there was no row: a person
// must not wonder whether the command did anything.
func (t *table) end(none string) {
	t.flush()
	if t.tabs != nil && t.rows == 0 && !t.o.json {
		t.o.printf("%s\n", none)
	}
}

// cell writes a value for people: what would disturb a terminal or a table is
// left out.
func cell(v any) string {
	var s string
	switch v := v.(type) {
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		s = v.UTC().Format("2006-01-02T15:04:05.000Z")
	case time.Duration:
		s = v.Round(time.Millisecond).String()
	case jsontext.Value:
		s = string(v)
	default:
		s = fmt.Sprint(v)
	}
	if s == "" {
		return "-"
	}
	return clean(s)
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
