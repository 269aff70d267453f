package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Recipe makes a run: its seed, and what is left of it when a failure was shrunk.
type Recipe struct {
	Seed uint64
	// Steps are the names of the steps that are done, and Faults the ids of the faults
	// that happen; nil for all that the seed draws.
	Steps  []string
	Faults []uint32
	// Orderly lets the stream of commits be in order, on time and without duplicates.
	Orderly bool
}

// String writes the recipe as ParseRecipe reads it.
func (r Recipe) String() string {
	text := fmt.Sprintf("seed=%d", r.Seed)
	if r.Steps != nil {
		text += " steps=" + strings.Join(r.Steps, ",")
	}
	if r.Faults != nil {
		ids := make([]string, len(r.Faults))
		for i, id := range r.Faults {
			ids[i] = strconv.FormatUint(uint64(id), 16)
		}
		text += " faults=" + strings.Join(ids, ",")
	}
	if r.Orderly {
		text += " orderly"
	}
	return text
}

// ParseRecipe reads what Recipe.String wrote, or a seed alone.
func ParseRecipe(text string) (r Recipe, err error) {
	seeded := false
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		ok := true
		switch name {
		case "seed":
			r.Seed, err = strconv.ParseUint(value, 10, 64)
			seeded = true
		case "steps":
			r.Steps = list(value)
		case "faults":
			r.Faults = []uint32{}
			for _, id := range list(value) {
				n, bad := strconv.ParseUint(id, 16, 32)
				ok = ok && bad == nil
				r.Faults = append(r.Faults, uint32(n))
			}
		case "orderly":
			r.Orderly, ok = true, word == "orderly"
		default:
			r.Seed, err = strconv.ParseUint(word, 10, 64)
			seeded = true
		}
		if err != nil || !ok {
			return r, fmt.Errorf("recipe %q: %q can't be read: a recipe is seed=N steps=a1,b2 faults=ids orderly, all but the seed optional, as a failure prints it", text, word)
		}
	}
	if !seeded {
		return r, fmt.Errorf("recipe %q has no seed: a recipe is seed=N steps=a1,b2 faults=ids orderly, all but the seed optional, as a failure prints it", text)
	}
	return r, nil
}

// list reads texts between commas: an empty list for none.
func list(text string) []string {
	all := strings.FieldsFunc(text, func(c rune) bool { return c == ',' })
	if all == nil {
		return []string{}
	}
	return all
}
