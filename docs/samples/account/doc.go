// Package account has samples of docs/domain.md and docs/rebuild.md: commands whose
// repeats are recognised for longer, a normal form, shapes kept in files.
package account
