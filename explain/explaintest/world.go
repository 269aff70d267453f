package explaintest

import (
	"cmp"
	"encoding/json/v2"
	"testing"
	"time"

	"daybook"
	"daybook/explain"
	"daybook/inspect/inspecttest"
)

// World is an installation of a small business, an hour after it opened: depot d has
// 5 units.
type World struct{ *inspecttest.World }

// New returns a world in which no job was placed.
func New(t *testing.T) *World {
	t.Helper()
	w := &World{inspecttest.New(t, app(), Opening.Add(time.Hour))}
	w.Send("stock-depot", "d", `{"units":5}`)
	return w
}

// NewOfTenants returns a world with tenants, in which nothing has happened.
func NewOfTenants(t *testing.T) *World {
	t.Helper()
	a := app()
	a.Tenancy = daybook.Tenancy{Claim: "org"}
	return &World{inspecttest.New(t, a, Opening.Add(time.Hour))}
}

// Place places a job, at depot d unless it names another, and returns the id of the
// command.
func (w *World) Place(id string, p Place) string {
	w.Helper()
	p.Depot = cmp.Or(p.Depot, "d")
	payload, err := json.Marshal(p)
	if err != nil {
		w.Fatal(err)
	}
	return w.Send("place-job", id, string(payload))
}

// Explain asks, and fails the test on an error.
func (w *World) Explain(token string) explain.Explanation {
	w.Helper()
	x, err := explain.Explain(w.Context(), w.Installation, token, nil)
	if err != nil {
		w.Fatalf("explain %s: %v", token, err)
	}
	return x
}
