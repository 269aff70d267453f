package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// verdict says who is right where two engines differ.
type verdict string

const (
	// ours: our engine does as AWS documents, the other does not.
	ours verdict = "ours"
	// both: AWS documents neither, or its regions differ.
	both verdict = "both"
	// scope: our engine says in clear words that it does not have what the case
	// asks for, as its documentation promises.
	scope verdict = "scope"
	// absent: the other engine does not have the operation or feature. The only
	// verdict whose name may be a pattern.
	absent verdict = "absent"
)

// allowance explains the difference of a case, or of the cases of a pattern.
type allowance struct {
	pattern string
	verdict verdict
	reason  string
	used    bool
}

// allowances are the explained differences with one engine.
type allowances []*allowance

// parseAllowances reads a file of lines "name: verdict: reason". Empty lines and
// those that start with # are passed over.
func parseAllowances(r io.Reader) (allowances, error) {
	var list allowances
	scanner := bufio.NewScanner(r)
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		parts := strings.SplitN(line, ": ", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("line %d: want name: verdict: reason", number)
		}
		a := &allowance{pattern: parts[0], verdict: verdict(parts[1]), reason: parts[2]}
		switch a.verdict {
		case ours, both, scope:
			if strings.ContainsAny(a.pattern, "*?[") {
				return nil, fmt.Errorf("line %d: a pattern for %q: only absent takes one", number, a.verdict)
			}
		case absent:
		default:
			return nil, fmt.Errorf("line %d: the verdict %q is not ours, both, scope or absent", number, a.verdict)
		}
		if _, err := path.Match(a.pattern, ""); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		list = append(list, a)
	}
	return list, scanner.Err()
}

// find returns the allowance for a case, an exact name before a pattern.
func (list allowances) find(name string) *allowance {
	for _, a := range list {
		if a.pattern == name {
			return a
		}
	}
	for _, a := range list {
		if ok, err := path.Match(a.pattern, name); err == nil && ok {
			return a
		}
	}
	return nil
}
