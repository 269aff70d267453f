// Package sleep waits, or ends with a context. It imports the standard library only.
package sleep
