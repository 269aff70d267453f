package routing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// MaxRecordAttempts bounds how often a change of the control record that lost
// against another is made again.
const MaxRecordAttempts = 8

// Mismatches compares the tables that the record lists, by view.
func (r *Routes) Mismatches(ctx context.Context, rec *Record) ([]driver.Mismatch, error) {
	indexed, _ := r.tables.(driver.IndexedTables)
	var all []driver.Mismatch
	for _, name := range r.Names {
		for _, s := range rec.Views[name].Tables {
			v := r.Views[name][s.Version]
			switch {
			case v == nil:
			case !r.shapes().fits(v.Definition(), s):
				all = append(all, r.explain(ctx, v, s))
			case indexed != nil:
				differences, err := indexed.CompareIndexes(ctx, s.Target, v.Describe().TableIndexes())
				if err != nil {
					return nil, err
				}
				if len(differences) > 0 {
					text := strings.Join(differences, "; ") + ": " + view.ShapeOf(v).Remedy(s.Version == r.Newest(name))
					all = append(all, driver.Mismatch{Target: s.Target, Text: text})
				}
			}
		}
	}
	return all, nil
}

// shapes are the shapes of declared views, by their digests.
type shapes struct {
	of         map[*definition.Definition]string // the digest of what a table of the view is filled by
	unrecorded map[*definition.Definition]string // and of one whose shape nobody recorded
	all        map[string]view.Shape
}

func newShapes(views map[string]map[int]view.View) shapes {
	s := shapes{of: map[*definition.Definition]string{}, unrecorded: map[*definition.Definition]string{}, all: map[string]view.Shape{}}
	for _, versions := range views {
		for _, v := range versions {
			d, shape := v.Definition(), view.ShapeOf(v)
			old := unrecorded(shape)
			s.of[d], s.unrecorded[d] = shape.Digest(), old.Digest()
			s.all[s.of[d]], s.all[s.unrecorded[d]] = shape, old
		}
	}
	return s
}

// unrecorded is the shape that a table has, as far as can be known, if programs
// filled it that recorded none: they put no row into an index by a zero that its
// JSON leaves out, and knew no normal forms. In everything else it can only be
// taken to be as declared.
func unrecorded(s view.Shape) view.Shape {
	indexes := s.Indexes
	s.Indexes = nil
	for name, ix := range indexes {
		if s.Indexes == nil {
			s.Indexes = map[string]view.IndexShape{}
		}
		ix.PartitionForm, ix.SortForm, ix.Zeros = "", "", nil
		s.Indexes[name] = ix
	}
	return s
}

// ShapeOf is the digest of what a new table of the view is filled by.
func (r *Routes) ShapeOf(v view.View) string { return r.shapes().of[v.Definition()] }

// fits reports whether a table was filled by the view's declaration.
func (s shapes) fits(d *definition.Definition, t TableState) bool { return t.Shape == s.of[d] }

// Knows reports whether a table's view is declared here as the table was filled.
func (r *Routes) Knows(s TableState) bool {
	v := r.Views[s.View][s.Version]
	return v != nil && r.shapes().fits(v.Definition(), s)
}

// shapeKey is the key of the control record of a shape. It never changes once it
// is written: the first to fill a table writes it.
func shapeKey(view, digest string) string { return "shape/" + view + "/" + digest }

// Write stores the record, and before it the shapes that it names and no one
// stored.
func (r *Routes) Write(ctx context.Context, rec *Record) error {
	for _, name := range slices.Sorted(maps.Keys(rec.Views)) {
		for _, s := range rec.Views[name].Tables {
			shape, known := r.shapes().all[s.Shape]
			if !known || !rec.NewShapes[s.Target] {
				continue
			}
			item := driver.Item{Key: shapeKey(name, s.Shape), Version: 1, Memo: shape.JSON()}
			if err := r.Control.Put(ctx, driver.Write{Item: item}); err != nil && events.CodeOf(err) != events.CodeConflict {
				return err
			}
		}
	}
	return rec.write(ctx, r.Control)
}

// mismatchTexts remembers texts of mismatches, which cost a read each.
type mismatchTexts struct {
	mu    sync.Mutex
	texts map[string]string // by shapeKey of what filled the table, and the version
}

func (m *mismatchTexts) get(key string) (text string, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok = m.texts[key]
	return text, ok
}

func (m *mismatchTexts) set(key, text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts[key] = text
	return text
}

// explain says how a table differs from its declaration.
func (r *Routes) explain(ctx context.Context, v view.View, s TableState) driver.Mismatch {
	d := v.Definition()
	key := fmt.Sprint(shapeKey(d.Name, s.Shape), " ", d.Version)
	if text, ok := r.explained.get(key); ok {
		return driver.Mismatch{Target: s.Target, Text: text}
	}
	stored, known := r.StoredShape(ctx, s)
	declared, newest := view.ShapeOf(v), d.Version == r.Newest(d.Name)
	if !known {
		return driver.Mismatch{Target: s.Target, Text: fmt.Sprintf("the table of %s v%d was filled by another declaration: %s", d.Name, d.Version, declared.Remedy(newest))}
	}
	return driver.Mismatch{Target: s.Target, Text: r.explained.set(key, stored.Explain(declared, newest))}
}

// StoredShape returns the shape that filled a table, if it is known or readable.
func (r *Routes) StoredShape(ctx context.Context, s TableState) (view.Shape, bool) {
	if shape, ok := r.shapes().all[s.Shape]; ok {
		return shape, true
	}
	item, err := GetItem(ctx, r.Control, shapeKey(s.View, s.Shape))
	if err != nil || item == nil {
		return view.Shape{}, false
	}
	shape, err := view.ParseShape(item.Memo)
	return shape, err == nil
}

// ErrMismatch says that a view's table was filled by another declaration.
var ErrMismatch = errors.New("the declaration does not fit the table")

// mismatched refuses to answer from a table: its text is for the log only.
func (r *Routes) mismatched(ctx context.Context, v view.View, s TableState) error {
	cause := fmt.Errorf("%w: %s", ErrMismatch, r.explain(ctx, v, s).Text)
	e := events.Wrap(events.CodeUnavailable, cause, "the view can't answer: the deployed declaration does not fit its table")
	e.RetryAfter = RouteAge
	return e
}
