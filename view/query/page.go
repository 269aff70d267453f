package query

import (
	"encoding/json/jsontext"
)

// Page is an answer to List.
type Page struct {
	Items []jsontext.Value // rows as Row.JSON has them
	Next  string           // cursor of the next page; "" after the last
	Stale bool             // the view has not seen the commits asked for in time
	// Parked says that a row of the page is behind (see Row.Parked), that a
	// commit asked for is held back, or, of a keyed view, that any stream of the
	// tenant is parked: each row may lack what it contributes.
	Parked bool
}
