// Package durable brings names of files to the disk. It imports only the standard library.
package durable
