package cost

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Units are DynamoDB's capacity units.
type Units struct {
	Read  float64 `json:"read"`
	Write float64 `json:"write"`
}

// Add returns the sum.
func (u Units) Add(other Units) Units { return Units{u.Read + other.Read, u.Write + other.Write} }

// Times returns a multiple.
func (u Units) Times(n float64) Units { return Units{u.Read * n, u.Write * n} }

// String is for people: "2 write and 0.5 read units".
func (u Units) String() string { return fmt.Sprintf("%g write and %g read units", u.Write, u.Read) }

// Place is a table, or an index of it. Table is the name without the installation's
// prefix: "events", "users-v1". Index is "" for the table itself.
type Place struct {
	Table, Index string
}

// String is the table's name, and the index behind a slash.
func (p Place) String() string {
	if p.Index == "" {
		return p.Table
	}
	return p.Table + "/" + p.Index
}

// MarshalText makes the name a member in JSON.
func (p Place) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Usage is what was consumed where.
type Usage map[Place]Units

// Total is what was consumed altogether.
func (u Usage) Total() (sum Units) {
	for _, place := range u.Places() { // in one order, so that two sums are alike
		sum = sum.Add(u[place])
	}
	return sum
}

// Places are those where something was consumed, sorted.
func (u Usage) Places() []Place {
	return slices.SortedFunc(maps.Keys(u), func(a, b Place) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Index, b.Index))
	})
}

// add adds another usage.
func (u Usage) add(other Usage) {
	for place, units := range other {
		u[place] = u[place].Add(units)
	}
}

// times is a multiple.
func (u Usage) times(n float64) Usage {
	all := make(Usage, len(u))
	for place, units := range u {
		all[place] = units.Times(n)
	}
	return all
}
