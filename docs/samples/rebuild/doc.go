// Package rebuild has the sample of docs/rebuild.md: a view at its second version.
package rebuild
