// Package definition is a declared view without its Go types, as all packages of
// views share it: its fields and indexes, how commits change a row, and how rows,
// checkpoints and parked streams are laid out as the items of a table.
//
// It imports packages events and view/driver.
package definition
