package admin

import (
	"bytes"
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"

	"daybook/events"
	"daybook/personal"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// FindingKind says what is wrong with an item.
type FindingKind string

// The kinds of findings.
const (
	FoundMissing    FindingKind = "missing"    // the events make an item that is not there
	FoundExtra      FindingKind = "extra"      // no events make the item
	FoundStale      FindingKind = "stale"      // as the events say, but behind its stream
	FoundParked     FindingKind = "parked"     // behind its stream because of a recorded fault
	FoundDifferent  FindingKind = "different"  // not as the events say
	FoundUnreadable FindingKind = "unreadable" // what is stored can't be read
	FoundUnsettled  FindingKind = "unsettled"  // a keyed row that changed too fast to be compared
)

// Finding is one item that is not as it should be.
type Finding struct {
	View    string      `json:"view"`
	Version int         `json:"version"` // of the view
	Kind    FindingKind `json:"kind"`
	// Tenant is whose row or checkpoint it is; "" without tenants.
	Tenant string `json:"tenant,omitzero"`
	// Row is the key of the row; "" for a checkpoint of a keyed view.
	Row string `json:"row,omitzero"`
	// Stream is whose row or checkpoint it is; "" for a row of a keyed view.
	Stream events.Stream `json:"stream,omitzero"`
	// Applied is the commit the item has applied, and Last the last commit of
	// the stream; 0 for a row of a keyed view.
	Applied int64 `json:"applied,omitzero"`
	Last    int64 `json:"last,omitzero"`
	// Change says what a rebuild would do, in a rehearsal; "" for nothing that the
	// declaration is the cause of. Entries says it of index entries, by index.
	Change  ChangeKind            `json:"change,omitzero"`
	Entries map[string]ChangeKind `json:"entries,omitempty"`
	// Fields says what differs, sorted by name.
	Fields []FieldFinding `json:"fields,omitzero"`
	// Text says more, for operators.
	Text string `json:"text,omitzero"`
}

// FieldFinding is one difference between an item and what the events say.
// Members of a row go by their names, the rest by names in parentheses:
// "(version)", "(index by-name)".
type FieldFinding struct {
	Name     string         `json:"name"`
	Stored   jsontext.Value `json:"stored,omitzero"`   // absent when it is not stored
	Expected jsontext.Value `json:"expected,omitzero"` // absent when the events make none
}

// VerifyReport is what a check found.
type VerifyReport struct {
	Fraction float64      `json:"fraction"` // of the tables that was checked
	Seed     uint64       `json:"seed"`     // of the choice, when Fraction is below 1
	Streams  int64        `json:"streams"`  // that were folded
	Commits  int64        `json:"commits"`
	Events   int64        `json:"events"`
	Views    []ViewReport `json:"views"`
	// Damaged are streams that can't be read whole: nothing of them was compared.
	Damaged events.Damages `json:"damaged,omitzero"`
	// Torn counts streams that changed while they were scanned, so that they were read
	// again.
	Torn int64 `json:"torn,omitzero"`
}

// ViewReport is what a check found in one view.
type ViewReport struct {
	Name     string                `json:"name"`
	Version  int                   `json:"version"`
	Table    string                `json:"table"`   // as Target writes it: v2, or v1-g2
	Rows     int64                 `json:"rows"`    // items that were compared, checkpoints left out
	Streams  int64                 `json:"streams"` // whose row or checkpoint was compared
	Counts   map[FindingKind]int64 `json:"counts"`
	Findings []Finding             `json:"findings"`         // as many as the options allow
	Changes  *Changes              `json:"changes,omitzero"` // of a rehearsal
}

// Found is the number of findings of all kinds.
func (r ViewReport) Found() int64 {
	n := int64(0)
	for _, count := range r.Counts {
		n += count
	}
	return n
}

// Clean reports whether no stream is damaged, and everything that was compared is as the
// events say.
func (r VerifyReport) Clean() bool {
	return r.Damaged.Count == 0 && !slices.ContainsFunc(r.Views, func(v ViewReport) bool { return v.Found() > 0 })
}

// VerifyState is how far a check is: plain data, to be kept as JSON.
type VerifyState struct {
	Origin   string       `json:"origin,omitzero"`
	Segments int          `json:"segments"`
	Done     []string     `json:"done"` // names of parts
	Report   VerifyReport `json:"report"`
}

func (v *Verifier) newState() VerifyState {
	s := VerifyState{Origin: v.opts.Origin, Segments: v.opts.Segments, Report: VerifyReport{Fraction: v.opts.Fraction}}
	if v.opts.Fraction < 1 {
		s.Report.Seed = v.opts.Seed
	}
	for _, view := range v.views {
		r := ViewReport{Name: view.Name, Version: view.Version, Table: view.Target().String(), Counts: map[FindingKind]int64{}, Findings: []Finding{}}
		if v.opts.Rehearsal {
			r.Changes = &Changes{}
		}
		s.Report.Views = append(s.Report.Views, r)
	}
	return s
}

// fits reports, as malformed, that a check of other views or parts can't go on
// from s.
func (s VerifyState) fits(now VerifyState) error {
	if s.Origin != now.Origin {
		return events.Malformed("resume", "is the state of another build of the program, or of another installation")
	}
	same := s.Segments == now.Segments && s.Report.Fraction == now.Report.Fraction && s.Report.Seed == now.Report.Seed &&
		slices.EqualFunc(s.Report.Views, now.Report.Views, func(a, b ViewReport) bool { return a.Name == b.Name && a.Table == b.Table })
	if !same {
		return events.Malformed("resume", "is the state of a check of other tables, segments or another fraction")
	}
	return nil
}

func (s VerifyState) clone() VerifyState {
	s.Done = slices.Clone(s.Done)
	s.Report.Damaged.Streams = slices.Clone(s.Report.Damaged.Streams)
	s.Report.Views = slices.Clone(s.Report.Views)
	for i := range s.Report.Views {
		view := &s.Report.Views[i]
		view.Findings = slices.Clone(view.Findings)
		counts := map[FindingKind]int64{}
		maps.Copy(counts, view.Counts)
		view.Counts = counts
		if view.Changes != nil {
			view.Changes = view.Changes.clone()
		}
	}
	return s
}

// tally is what one part found.
type tally struct {
	streams, commits, events int64
	damaged                  events.Damages
	torn                     int64
	views                    map[string]*viewTally
	observer                 Observer // of the part, nil for none
}

type viewTally struct {
	rows, streams int64
	counts        map[FindingKind]int64
	findings      []Finding
	changes       Changes
}

func (t *tally) of(v *verifiedView) *viewTally {
	if t.views == nil {
		t.views = map[string]*viewTally{}
	}
	if t.views[v.Name] == nil {
		t.views[v.Name] = &viewTally{counts: map[FindingKind]int64{}}
	}
	return t.views[v.Name]
}

// found adds a finding, nil for none. Beyond limit it is only counted.
func (t *tally) found(v *verifiedView, f *Finding, limit int) {
	if f == nil {
		return
	}
	vt := t.of(v)
	vt.counts[f.Kind]++
	vt.changes.count(f)
	if len(vt.findings) < limit {
		f.View, f.Version, f.Tenant = v.Name, v.Version, cmp.Or(f.Tenant, f.Stream.Tenant())
		vt.findings = append(vt.findings, *f)
	}
}

func (r *VerifyReport) add(t *tally, limit int) {
	r.Streams += t.streams
	r.Commits += t.commits
	r.Events += t.events
	r.Damaged.AddAll(t.damaged)
	r.Torn += t.torn
	for i := range r.Views {
		view := &r.Views[i]
		vt := t.views[view.Name]
		if vt == nil {
			continue
		}
		view.Rows += vt.rows
		view.Streams += vt.streams
		if view.Changes != nil {
			view.Changes.add(&vt.changes)
		}
		for kind, n := range vt.counts {
			view.Counts[kind] += n
		}
		room := max(limit-len(view.Findings), 0) // a state may list more than are asked for now
		view.Findings = append(view.Findings, vt.findings[:min(room, len(vt.findings))]...)
	}
}

// fieldsOf lists what differs between a stored item and the expected one.
func (v *verifiedView) fieldsOf(stored, expected *driver.Item) []FieldFinding {
	var all []FieldFinding
	have, shown := v.content(stored)
	want, wantShown := v.content(expected)
	names := slices.Sorted(maps.Keys(have))
	for name := range want {
		if _, ok := have[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if !bytes.Equal(have[name], want[name]) {
			all = append(all, FieldFinding{Name: name, Stored: personal.Hide(have[name]), Expected: personal.Hide(want[name])})
		}
	}
	number := func(name string, a, b int64) {
		if a != b {
			all = append(all, FieldFinding{Name: name, Stored: jsontext.Value(fmt.Sprint(a)), Expected: jsontext.Value(fmt.Sprint(b))})
		}
	}
	if shown != wantShown {
		all = append(all, FieldFinding{Name: "(row)", Stored: quoted(shown), Expected: quoted(wantShown)})
	}
	if !v.Keyed || !v.IsRow(stored.Key) {
		number("(commit)", stored.Commit, expected.Commit)
		number("(version)", stored.Version, expected.Version)
	} else {
		a, _ := definition.ReadKeyed(stored)
		b, _ := definition.ReadKeyed(expected)
		number("(streams)", int64(a.Streams), int64(b.Streams))
		number("(parked)", a.Parked, b.Parked)
	}
	for _, ix := range v.Indexes {
		a, b := stored.Index[ix.Name], expected.Index[ix.Name]
		if a != b {
			all = append(all, FieldFinding{Name: "(index " + ix.Name + ")", Stored: placeText(a), Expected: placeText(b)})
		}
	}
	if len(all) == 0 {
		all = append(all, FieldFinding{Name: "(encoding)"})
	}
	return all
}

// content returns the members of a row, hidden or not, or of a memory.
func (v *verifiedView) content(item *driver.Item) (members map[string]jsontext.Value, shown string) {
	state, shown := definition.RowState(item), "shown"
	if item.Row == nil {
		shown = "hidden"
	}
	if v.Keyed && v.IsRow(item.Key) {
		row, err := definition.ReadKeyed(item)
		if err != nil {
			shown = "unreadable"
		}
		state = row.Row
	} else if v.Keyed {
		shown = ""
	}
	if state == nil {
		return nil, shown
	}
	if err := json.Unmarshal(state, &members); err != nil {
		return map[string]jsontext.Value{"(all)": state}, shown
	}
	return members, shown
}

func quoted(s string) jsontext.Value {
	b, _ := jsontext.AppendQuote(nil, s)
	return b
}

func placeText(k driver.IndexKey) jsontext.Value {
	if k == (driver.IndexKey{}) {
		return nil
	}
	return quoted(fmt.Sprintf("%s, %s", k.Partition, k.Sort.Text))
}
