package stack

import (
	"fmt"

	"daybook/dynamo"
	"daybook/view"
)

// Schema is what a deployment stores.
type Schema struct {
	Events dynamo.TableSpec
	Claims dynamo.TableSpec
	// Control says which table of each view answers.
	Control dynamo.TableSpec
	Views   []View
}

// View is a query table and the path that queries find it under.
type View struct {
	Name  string // as in GET /{view}
	Table dynamo.TableSpec
	// Indexes are those that queries use: the declared ones. The table may have
	// others, for operators.
	Indexes []string
}

// SchemaOf is what the declared views need: the events table, the claims table,
// that of control records, and one table for each view at each declared version.
// It fails for a view with a faulty declaration.
func SchemaOf(views []view.View) (Schema, error) {
	s := Schema{Events: dynamo.EventsTable(), Claims: dynamo.ClaimsTable(), Control: dynamo.ControlTable()}
	for _, v := range views {
		if err := v.Err(); err != nil {
			return Schema{}, fmt.Errorf("declared view: %w", err)
		}
	}
	for _, v := range view.Versions(views) {
		d := v.Describe()
		v := View{Name: d.Name, Table: dynamo.ViewTable(d)}
		for _, index := range d.Indexes {
			v.Indexes = append(v.Indexes, index.Name)
		}
		s.Views = append(s.Views, v)
	}
	return s, nil
}
