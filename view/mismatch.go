package view

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"daybook/events"
	"daybook/follow"
)

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

	// CompareIndexes says how the indexes of the table of t differ from those of
	// d, one sentence without a full stop each. It is nil for a table that does
	// not exist, and where the caller may not look.
	CompareIndexes(ctx context.Context, t Target, d Description) ([]string, error)
}

// Mismatches compares the tables of all views, those that the control record lists
// in the versions that are declared, with the declarations: by the shapes that
// were recorded when they were first filled, and by their indexes where tables are
// IndexedTables. A table without a recorded shape was filled by programs that
// recorded none: of those, only that they knew neither normal forms nor zeros
// (IndexShape) is known beside the indexes. It only reads; codes are those of
// Table.
func Mismatches(ctx context.Context, codec *events.Codec, tables RoutedTables, views []View) ([]Mismatch, error) {
	return compareTables(ctx, codec, tables, views, false)
}

// RecordShapes is Mismatches for programs that create tables. It records the shape
// of each table that has none, as a projector would on its first batch, unless the
// table's indexes contradict the declaration.
func RecordShapes(ctx context.Context, codec *events.Codec, tables RoutedTables, views []View) ([]Mismatch, error) {
	return compareTables(ctx, codec, tables, views, true)
}

func compareTables(ctx context.Context, codec *events.Codec, tables RoutedTables, views []View, write bool) ([]Mismatch, error) {
	r, err := newRoutes(codec, tables, views, nil)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		rec, err := readRecord(ctx, r.control)
		if err != nil {
			return nil, err
		}
		adopted := r.adopt(rec)
		all, err := r.mismatches(ctx, rec)
		if err != nil || len(all) > 0 || !adopted || !write {
			return all, err
		}
		err = r.write(ctx, rec)
		if events.CodeOf(err) != events.CodeConflict || attempt == maxRecordAttempts {
			return nil, err
		}
		if err := follow.Pause(ctx, conflictPause, attempt); err != nil {
			return nil, err
		}
	}
}

// maxRecordAttempts bounds how often a change of the control record that lost
// against another is made again.
const maxRecordAttempts = 8

// mismatches compares the tables that the record lists, by view.
func (r *routes) mismatches(ctx context.Context, rec *record) ([]Mismatch, error) {
	indexed, _ := r.tables.(IndexedTables)
	var all []Mismatch
	for _, name := range r.names {
		for _, s := range rec.Views[name].Tables {
			d := r.defs[name][s.Version]
			switch {
			case d == nil:
			case !r.shapes().fits(d, s):
				all = append(all, r.explain(ctx, d, s))
			case indexed != nil:
				differences, err := indexed.CompareIndexes(ctx, s.Target, d.Describe())
				if err != nil {
					return nil, err
				}
				if len(differences) > 0 {
					text := strings.Join(differences, "; ") + ": " + d.shape().remedy(d.version == r.newest(name))
					all = append(all, Mismatch{s.Target, text})
				}
			}
		}
	}
	return all, nil
}

// shapes are the shapes of declared views, by their digests.
type shapes struct {
	of         map[*def]string // the digest of what a table of the view is filled by
	unrecorded map[*def]string // and of one whose shape nobody recorded
	all        map[string]Shape
}

func newShapes(defs map[string]map[int]*def) shapes {
	s := shapes{of: map[*def]string{}, unrecorded: map[*def]string{}, all: map[string]Shape{}}
	for _, versions := range defs {
		for _, d := range versions {
			shape := d.shape()
			old := shape.unrecorded()
			s.of[d], s.unrecorded[d] = shape.Digest(), old.Digest()
			s.all[s.of[d]], s.all[s.unrecorded[d]] = shape, old
		}
	}
	return s
}

// fits reports whether a table was filled by the view's declaration.
func (s shapes) fits(d *def, t TableState) bool { return t.Shape == s.of[d] }

// knows reports whether a table's view is declared here as the table was filled.
func (r *routes) knows(s TableState) bool {
	d := r.defs[s.View][s.Version]
	return d != nil && r.shapes().fits(d, s)
}

// shapeKey is the key of the control record of a shape. It never changes once it
// is written: whoever fills a table first writes it.
func shapeKey(view, digest string) string { return "shape/" + view + "/" + digest }

// write stores the record, and before it the shapes that it names and no one
// stored.
func (r *routes) write(ctx context.Context, rec *record) error {
	for name, route := range rec.Views {
		for i := range route.Tables {
			s := &route.Tables[i]
			shape, known := r.shapes().all[s.Shape]
			if !known || !s.shapeIsNew {
				continue
			}
			item := Item{Key: shapeKey(name, s.Shape), Version: 1, Memo: shape.JSON()}
			if err := r.control.Put(ctx, Write{Item: item}); err != nil && events.CodeOf(err) != events.CodeConflict {
				return err
			}
		}
	}
	return rec.write(ctx, r.control)
}

// mismatchTexts remembers texts of mismatches, which cost a read each.
type mismatchTexts struct {
	mu    sync.Mutex
	texts map[string]string // by shapeKey of what filled the table, and the version
}

// explain says how a table differs from its declaration.
func (r *routes) explain(ctx context.Context, d *def, s TableState) Mismatch {
	key := fmt.Sprint(shapeKey(d.name, s.Shape), " ", d.version)
	r.explained.mu.Lock()
	defer r.explained.mu.Unlock()
	text, ok := r.explained.texts[key]
	if !ok {
		stored, known := r.storedShape(ctx, d, s)
		declared, newest := d.shape(), d.version == r.newest(d.name)
		if known {
			text = stored.Explain(declared, newest)
		} else {
			text = fmt.Sprintf("the table of %s was filled by another declaration: %s", declared.name(), declared.remedy(newest))
		}
		if known {
			r.explained.texts[key] = text
		}
	}
	return Mismatch{s.Target, text}
}

// storedShape returns the shape that filled a table, if it is known or readable.
func (r *routes) storedShape(ctx context.Context, d *def, s TableState) (Shape, bool) {
	if shape, ok := r.shapes().all[s.Shape]; ok {
		return shape, true
	}
	item, err := getItem(ctx, r.control, shapeKey(d.name, s.Shape))
	if err != nil || item == nil {
		return Shape{}, false
	}
	shape, err := ParseShape(item.Memo)
	return shape, err == nil
}

// errMismatch says that a view's table was filled by another declaration.
var errMismatch = errors.New("the declaration does not fit the table")

// mismatched refuses to answer from a table: its text is for the log alone.
func (r *routes) mismatched(ctx context.Context, d *def, s TableState) error {
	cause := fmt.Errorf("%w: %s", errMismatch, r.explain(ctx, d, s).Text)
	e := events.Wrap(events.CodeUnavailable, cause, "the view can't answer: the deployed declaration does not fit its table")
	e.RetryAfter = RouteAge
	return e
}
