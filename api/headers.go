package api

import (
	"maps"
	"slices"
	"strings"
)

// RequestHeaders are the names of the headers that a client may send, in lower
// case and sorted: what a web page of another origin must be allowed. They are
// those that OpenAPI describes, and Content-Type.
func RequestHeaders() []string {
	names := []string{"content-type"}
	for _, p := range sharedParameters() {
		if p.In == "header" {
			names = append(names, strings.ToLower(p.Name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ResponseHeaders are the names of the headers of answers that OpenAPI describes,
// in lower case and sorted: what a web page of another origin must be able to read.
func ResponseHeaders() []string {
	var names []string
	for name := range maps.Keys(sharedHeaders()) {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	return names
}
