// Package report turns the results of a run into docs/benchmarks.md, the README's
// table, the plots, and lines of ratios.
package report
