package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Differences says, one sentence without a full stop each, how a table that was
// filled by the shape s differs from a declaration; nil when it does not.
func (s Shape) Differences(declared Shape) []string {
	if s.Digest() == declared.Digest() {
		return nil
	}
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	table := s.name()
	if s.name() != declared.name() || s.Kind != declared.Kind {
		add("the table is of the %s view %s, not of the %s view %s", s.Kind, table, declared.Kind, declared.name())
	}
	eachChange(s.Row, declared.Row, func(name, have, want string) {
		switch {
		case have == "":
			add("the rows of %s have no field %s", table, name)
		case want == "":
			add("the rows of %s have a field %s, which is not declared", table, name)
		default:
			add("field %s of the rows of %s is %q, not %q", name, table, have, want)
		}
	})
	if s.Memory != declared.Memory {
		add("%s remembers %q of a stream, not %q", table, s.Memory, declared.Memory)
	}
	eachChange(s.Indexes, declared.Indexes, func(name string, have, want IndexShape) {
		switch {
		case have.Sort == "":
			add("the table of %s has no index %s", table, name)
		case want.Sort == "":
			add("the table of %s has an index %s, which is not declared", table, name)
		default:
			all = append(all, have.differences("index "+name+" of "+table, want)...)
		}
	})
	s.sources(declared, add)
	if s.Spread != declared.Spread {
		add("the rows of %s are %s, not %s", table, partsText(s.Spread), partsText(declared.Spread))
	}
	if s.Hides != declared.Hides {
		add("%s was filled %s Hide", table, map[bool]string{true: "with", false: "without"}[s.Hides])
	}
	return all
}

func (s Shape) name() string { return fmt.Sprintf("%s v%d", s.View, s.Version) }

// sources adds the differences in what feeds the view.
func (s Shape) sources(declared Shape, add func(format string, args ...any)) {
	for _, c := range []struct {
		what       string
		have, want []string
	}{{"events", s.Events, declared.Events}, {"streams of", s.Aggregates, declared.Aggregates}} {
		if more := without(c.want, c.have); len(more) > 0 {
			add("%s was filled without the %s %s", s.name(), c.what, strings.Join(more, ", "))
		}
		if less := without(c.have, c.want); len(less) > 0 {
			add("%s was filled by the %s %s too, which it does not handle any more", s.name(), c.what, strings.Join(less, ", "))
		}
	}
}

// differences says how an index that rows stand in so differs from what is
// declared.
func (x IndexShape) differences(what string, want IndexShape) (all []string) {
	add := func(format string, args ...any) { all = append(all, what+" "+fmt.Sprintf(format, args...)) }
	if x.Partition != want.Partition {
		add("is %s, not %s", byText(x.Partition), byText(want.Partition))
	} else if x.PartitionForm != want.PartitionForm {
		add("holds %s %s, not %s", x.Partition, formText(x.PartitionForm), formText(want.PartitionForm))
	}
	if x.Sort != want.Sort {
		add("is sorted by %s, not by %s", x.Sort, want.Sort)
	} else if x.SortForm != want.SortForm {
		add("is sorted by %s %s, not %s", x.Sort, formText(x.SortForm), formText(want.SortForm))
	}
	if x.Shards != want.Shards {
		add("has shards: %d, not %d", x.Shards, want.Shards)
	}
	if !slices.Equal(x.Zeros, want.Zeros) && x.Partition == want.Partition && x.Sort == want.Sort {
		fields := strings.Join(append(without(want.Zeros, x.Zeros), without(x.Zeros, want.Zeros)...), " or ")
		if len(x.Zeros) < len(want.Zeros) {
			add("lacks the rows that leave out %s because it is zero", fields)
		} else {
			add("holds rows that leave out %s because it is zero", fields)
		}
	}
	return all
}

func byText(partition string) string {
	if partition == "" {
		return "over all rows"
	}
	return "by " + partition
}

func formText(form string) string {
	if form == "" {
		return "as it is"
	}
	return "in the form " + form
}

func partsText(spread int) string {
	if spread == 0 {
		return "in one piece"
	}
	return fmt.Sprintf("in %d parts", spread)
}

// eachChange calls f for each name whose values differ, sorted; the zero value
// stands for none.
func eachChange[V any](have, want map[string]V, f func(name string, have, want V)) {
	names := append(slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(want))...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if fmt.Sprint(have[name]) != fmt.Sprint(want[name]) {
			f(name, have[name], want[name])
		}
	}
}

// without returns what is in all and not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}

// Remedy says what to do about differences, as the rest of their sentence. newest
// tells that declared is the view's newest declared version.
func (s Shape) Remedy(newest bool) string {
	if !newest {
		return fmt.Sprintf("take the change of v%d in Previous back", s.Version)
	}
	return fmt.Sprintf("raise Version(%d), keep v%d as it was in Previous, and run the subcommand rebuild %s; or take the change back",
		s.Version+1, s.Version, s.View)
}

// Explain returns one line that says how a table of the shape s differs from the
// declaration and what to do about it; "" when it does not differ. newest tells
// that the declaration is the view's newest version, not one in Previous.
func (s Shape) Explain(declared Shape, newest bool) string {
	differences := s.Differences(declared)
	if len(differences) == 0 {
		return ""
	}
	return strings.Join(differences, "; ") + ": " + declared.Remedy(newest)
}
