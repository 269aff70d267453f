package view

import (
	"daybook/view/internal/definition"
)

// Previous keeps the declarations of older versions while the view moves to
// this one: live commits reach their tables too, and queries are answered from
// them until reads are switched, and again when they are switched back. It is
// taken out when the old tables are dropped.
func (v *RowView[Row]) Previous(older ...View) *RowView[Row] {
	setPrevious(v.def, older)
	return v
}

// Previous keeps the declarations of older versions: see RowView.Previous.
func (v *KeyedView[Row, Memo]) Previous(older ...View) *KeyedView[Row, Memo] {
	setPrevious(v.def, older)
	return v
}

func setPrevious(d *definition.Definition, older []View) {
	for _, v := range older {
		d.Previous = append(d.Previous, v.Definition())
	}
}

// Versions returns the views in all their declared versions, the oldest of each
// first: what needs a table.
func Versions(views []View) []View {
	var all []View
	for _, v := range views {
		for _, d := range v.Definition().Versions() {
			all = append(all, declaration{d})
		}
	}
	return all
}
