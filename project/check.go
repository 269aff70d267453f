package project

import (
	"fmt"

	"daybook/view"
)

// anything is an event of no application.
type anything struct{}

func (anything) EventName() string { return "anything" }

// checkView checks the name of a view: some are reserved for other paths of the API.
func checkView(name string) error {
	type row struct {
		Kind string `json:"kind"`
	}
	v := view.New[row](name, "any").On(func(r row, _ anything, _ view.Meta) row { return r })
	if err := v.Err(); err != nil {
		return fmt.Errorf("%w; choose another name", err)
	}
	return nil
}
