package driver

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"daybook/events"
)

// Target names one table of a view: the view's version, and how often that
// version was built: generation 1 is the table that comes with the version.
type Target struct {
	View       string `json:"view,omitzero"`
	Version    int    `json:"version"`
	Generation int    `json:"generation"`
}

// String writes the target without its view: "v2", or "v2-g3" for a later
// generation.
func (t Target) String() string {
	s := "v" + strconv.Itoa(t.Version)
	if t.Generation > 1 {
		s += "-g" + strconv.Itoa(t.Generation)
	}
	return s
}

// ParseTarget reads what String writes. Its error has code malformed.
func ParseTarget(view, text string) (Target, error) {
	t := Target{View: view, Generation: 1}
	version, generation, later := strings.Cut(text, "-g")
	t.Version, _ = strconv.Atoi(strings.TrimPrefix(version, "v"))
	if later {
		t.Generation, _ = strconv.Atoi(generation)
	}
	if t.Version < 1 || t.Generation < 1 || t.String() != text {
		return Target{}, events.Malformed("version", "must be a version such as v2, or v2-g3 for its third table")
	}
	return t, nil
}

// Compare orders the targets of one view from old to new.
func (t Target) Compare(o Target) int {
	return cmp.Or(cmp.Compare(t.Version, o.Version), cmp.Compare(t.Generation, o.Generation))
}

// RoutedTables opens every table that a view may have, and the one that says
// which of them answers. Every implementation passes viewtest.RunRouted.
type RoutedTables interface {
	Tables

	// Open opens the table of a target; generation 1 is that of Tables.Table.
	Open(t Target) Table

	// Control opens the table of control records: items without a Row and
	// without an index. It is not the table of a view.
	Control() Table
}

// AdminTables makes and drops tables, for operators of an installation. All
// methods may be called again after an error.
type AdminTables interface {
	RoutedTables

	// Create makes sure that the table of t exists, with the given
	// indexes (Description.TableIndexes), and
	// can be used. Generation 1 is not made but looked for: it belongs to the
	// deployment, and unavailable says that it is missing.
	Create(ctx context.Context, t Target, indexes []IndexDescription) error

	// Drop deletes the table of t with all its items; a table that is not there
	// is fine.
	Drop(ctx context.Context, t Target) error
}

// Mismatch is a table of a view that was filled by another declaration than this
// program's.
type Mismatch struct {
	Target
	// Text says in one line what differs and what to do about it.
	Text string
}

// IndexedTables are RoutedTables that can look at the indexes of a table.
type IndexedTables interface {
	RoutedTables

	// CompareIndexes says how the indexes of the table of t differ from those
	// declared (Description.TableIndexes), one sentence without a full stop each. It is nil for a table that does
	// not exist, and where the caller may not look.
	CompareIndexes(ctx context.Context, t Target, declared []IndexDescription) ([]string, error)
}
