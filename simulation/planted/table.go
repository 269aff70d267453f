package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// pageFile is the page that has the table, between two marks.
const (
	pageFile   = "docs/testing.md"
	beginTable = "<!-- planted: begin; written by go run ./simulation/planted -write -->\n"
	endTable   = "<!-- planted: end -->\n"
	tableHead  = "| | fault | found by |\n|---|---|---|\n"
	rowBegin   = "| `"
)

var errNoTable = errors.New(pageFile + " has no table between its marks")

// split cuts the page around the table.
func split(page string) (before, table, after string, err error) {
	before, rest, begun := strings.Cut(page, beginTable)
	table, after, ended := strings.Cut(rest, endTable)
	if !begun || !ended {
		return "", "", "", errNoTable
	}
	return before, table, after, nil
}

// rowsOf are the rows of the page's table, by the bugs' names.
func rowsOf(page string) (map[string]string, error) {
	_, table, _, err := split(page)
	if err != nil {
		return nil, err
	}
	rows := map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(table, tableHead)) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, rowBegin), "`")
		if !ok {
			return nil, errNoTable
		}
		rows[name] = line
	}
	return rows, nil
}

// withRows returns the page with these rows.
func withRows(page string, rows map[string]string) (string, error) {
	before, _, after, err := split(page)
	if err != nil {
		return "", err
	}
	table := tableHead
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		table += rows[name]
	}
	return before + beginTable + table + endTable + after, nil
}

// row is the row of a bug and its findings.
func row(b bug, found []string) string {
	return b.begin() + strings.Join(found, "; ") + " |\n"
}

// begin is what the row of a bug begins with.
func (b bug) begin() string { return rowBegin + b.name + "` | " + b.about + " | " }
