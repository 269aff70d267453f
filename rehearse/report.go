package rehearse

import (
	"cmp"
	"encoding/json/jsontext"
	"slices"

	"daybook/events"
	"daybook/view/admin"
)

// Report is what a rehearsal found.
type Report struct {
	Differs bool    `json:"differs"`
	Streams int64   `json:"streams"`
	Commits int64   `json:"commits"`
	Events  int64   `json:"events"`
	Bytes   int64   `json:"bytes"` // of the commits, as billed
	Seconds float64 `json:"seconds"`

	Faults    []EventFault `json:"faults"`
	Views     []View       `json:"views"`
	States    States       `json:"states"`
	Decisions Decisions    `json:"decisions"`
	Processes []Process    `json:"processes,omitempty"`
	// Unread are streams that changed while they were read, of which nothing but
	// their rows was compared.
	Unread int64 `json:"unread,omitzero"`
	// Damaged are streams that can't be read whole, by any code: they are left out.
	Damaged events.Damages `json:"damaged,omitzero"`
}

// EventFault is a kind of event that the code can't decode or fold.
type EventFault struct {
	Event   string   `json:"event"`
	Schema  int      `json:"schema"` // version, as stored
	Error   string   `json:"error"`
	Count   int64    `json:"count"`   // of events
	Samples []string `json:"samples"` // events: user/7@3
}

// View is what changes in a view.
type View struct {
	Name    string `json:"name"`
	Version int    `json:"version"` // declared
	Table   string `json:"table"`   // that answers
	// Differences says how the declaration differs from the one that filled the table.
	Differences []string `json:"differences,omitempty"`
	// NeedsVersion says that the declaration must raise the version of the view.
	NeedsVersion bool `json:"needsVersion,omitzero"`
	// Incomparable says why no row was compared.
	Incomparable string          `json:"incomparable,omitzero"`
	Rows         int64           `json:"rows"` // that were compared
	Changes      admin.Changes   `json:"changes"`
	Samples      []admin.Finding `json:"samples"`
	// Behind counts rows that lack commits, or can't be compared, whatever the code.
	Behind int64 `json:"behind,omitzero"`
	// Rebuild estimates the cost of a rebuild; nil where none is needed.
	Rebuild *Rebuild `json:"rebuild,omitzero"`
}

// Rebuild estimates what a rebuild of a view reads and writes, and its time.
type Rebuild struct {
	ReadUnits  int64   `json:"readUnits"`
	Writes     int64   `json:"writes"`
	WriteUnits int64   `json:"writeUnits"`
	Seconds    float64 `json:"seconds"`
}

// newTableUnits are the write units per second that a new table on demand takes.
const newTableUnits = 4000

// States compares the snapshots in commits with what the code folds to.
type States struct {
	Compared    int64 `json:"compared"`
	Differ      int64 `json:"differ"`
	OtherSchema int64 `json:"otherSchema"` // ignored by the code, so never wrong
	// Erased are of erased persons, taken before, and differ by any code.
	Erased  int64         `json:"erased,omitzero"`
	Samples []StateSample `json:"samples,omitempty"`
}

// StateSample is a snapshot that is not what the code folds to.
type StateSample struct {
	At       string         `json:"at"`              // user/7@3
	Stored   jsontext.Value `json:"stored,omitzero"` // as the code reads it
	Expected jsontext.Value `json:"expected,omitzero"`
	Error    string         `json:"error,omitzero"` // why it can't be read
}

// clone copies what a run changes.
func (r Report) clone() Report {
	r.Faults = slices.Clone(r.Faults)
	r.Damaged.Streams = slices.Clone(r.Damaged.Streams)
	for i := range r.Faults {
		r.Faults[i].Samples = slices.Clone(r.Faults[i].Samples)
	}
	r.Views = slices.Clone(r.Views)
	r.States.Samples = slices.Clone(r.States.Samples)
	r.Decisions = r.Decisions.clone()
	r.Processes = cloneProcesses(r.Processes)
	return r
}

// Partial is what the parts that are done have found.
func (s State) Partial() Report {
	r := s.Report.clone()
	r.take(s.Views.Report)
	return r
}

// take takes in what the check of the tables found.
func (r *Report) take(found admin.VerifyReport) {
	r.Streams, r.Commits, r.Events, r.Unread, r.Damaged = found.Streams, found.Commits, found.Events, found.Torn, found.Damaged
	r.takeViews(found.Views)
}

func (r *Report) takeViews(found []admin.ViewReport) {
	for i := range r.Views {
		v := &r.Views[i]
		at := slices.IndexFunc(found, func(f admin.ViewReport) bool { return f.Name == v.Name })
		v.Samples = []admin.Finding{}
		if at < 0 {
			continue
		}
		f := found[at]
		v.Rows, v.Changes = f.Rows, *f.Changes
		changed := int64(0)
		for _, n := range f.Changes.Rows {
			changed += n
		}
		v.Behind = f.Found() - changed
		for _, one := range f.Findings {
			if one.Change != "" {
				v.Samples = append(v.Samples, one)
			}
		}
	}
}

// Differs reports whether deploying the code changes the view's table.
func (v View) Differs() bool {
	return v.Changes.Any() || len(v.Differences) > 0 || v.Incomparable != ""
}

// finish derives Differs and the estimates of rebuilds, and sorts the faults.
func (r *Report) finish() {
	slices.SortFunc(r.Faults, func(a, b EventFault) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Error, b.Error))
	})
	r.Differs = len(r.Faults) > 0 || r.States.Differ > 0 || r.Decisions.Differ > 0
	for i := range r.Views {
		v := &r.Views[i]
		if !v.Differs() {
			continue
		}
		r.Differs = true
		rebuild := Rebuild{ReadUnits: (r.Bytes + 4095) / 4096, Writes: v.Changes.Writes, WriteUnits: v.Changes.WriteUnits}
		rebuild.Seconds = max(r.Seconds, float64(rebuild.WriteUnits)/newTableUnits)
		v.Rebuild = &rebuild
	}
	for _, p := range r.Processes {
		r.Differs = r.Differs || p.Differs()
	}
	if r.Faults == nil {
		r.Faults = []EventFault{}
	}
}

// addFault counts an event that can't be decoded or folded.
func (r *Report) addFault(f EventFault, samples int) {
	for i := range r.Faults {
		old := &r.Faults[i]
		if old.Event == f.Event && old.Schema == f.Schema && old.Error == f.Error {
			old.Count += f.Count
			old.Samples = append(old.Samples, f.Samples[:max(0, min(len(f.Samples), samples-len(old.Samples)))]...)
			return
		}
	}
	if len(r.Faults) == maxFaults {
		last := &r.Faults[maxFaults-1]
		*last = EventFault{Error: "other faults", Count: last.Count + f.Count, Samples: last.Samples}
		return
	}
	r.Faults = append(r.Faults, f)
}

// maxFaults bounds the kinds of faults that are told apart.
const maxFaults = 200
