package view

import (
	"fmt"
	"slices"
)

// Previous keeps the declarations of older versions while the view moves to
// this one: live commits reach their tables too, and queries are answered from
// them until reads are switched, and again when they are switched back. It is
// taken out when the old tables are dropped.
func (v *RowView[Row]) Previous(older ...View) *RowView[Row] {
	v.setPrevious(older)
	return v
}

// Previous keeps the declarations of older versions: see RowView.Previous.
func (v *KeyedView[Row, Memo]) Previous(older ...View) *KeyedView[Row, Memo] {
	v.setPrevious(older)
	return v
}

func (d *def) setPrevious(older []View) {
	for _, v := range older {
		d.previous = append(d.previous, v.definition())
	}
}

// previousErrs says what is wrong with the older versions.
func (d *def) previousErrs() (errs []error) {
	seen := map[int]bool{}
	for _, p := range d.previous {
		errs = append(errs, p.declared())
		switch {
		case p.name != d.name:
			errs = append(errs, fmt.Errorf("view %q: %q is not an earlier version of it", d.name, p.name))
		case p.version >= d.version:
			errs = append(errs, fmt.Errorf("view %q: Previous has version %d, which is not older than version %d: raise Version(%d)", d.name, p.version, d.version, p.version+1))
		case seen[p.version]:
			errs = append(errs, fmt.Errorf("view %q: Previous has version %d twice: remove one", d.name, p.version))
		case len(p.previous) > 0:
			errs = append(errs, fmt.Errorf("view %q: version %d in Previous has previous versions of its own: list all of them in the Previous of version %d", d.name, p.version, d.version))
		}
		seen[p.version] = true
	}
	return errs
}

// versions returns all declared versions, the oldest first.
func (d *def) versions() []*def {
	all := append(slices.Clone(d.previous), d)
	slices.SortFunc(all, func(a, b *def) int { return a.version - b.version })
	return all
}

// Versions returns the views in all their declared versions, the oldest of each
// first: what needs a table.
func Versions(views []View) []View {
	var all []View
	for _, v := range views {
		for _, d := range v.definition().versions() {
			all = append(all, d)
		}
	}
	return all
}
