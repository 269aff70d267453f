// Package quickjson reads JSON as programs write it: compact, without white space.
// It declines everything out of the ordinary, which is left to encoding/json. Texts
// without escapes are parts of what is read, not copies.
package quickjson
