// Package run is the local stack as a program: flags, the welcome, and the end by a
// signal. A main hands it the application.
package run
