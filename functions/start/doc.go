// Package start runs a function of an application under Lambda: one function of
// this package for each, so that a main is one line and links what it needs only.
package start
