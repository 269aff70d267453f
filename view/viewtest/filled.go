package viewtest

import (
	"encoding/json/v2"
	"strings"
	"testing"

	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// FilledBy makes the table of a target look as if another declaration had filled
// it: change changes its recorded shape, which must be there. It is for tests of
// what refuses such a table.
func FilledBy(t testing.TB, tables driver.RoutedTables, target driver.Target, change func(*view.Shape)) {
	t.Helper()
	control := tables.Control()
	get := func(key string) *driver.Item {
		items, err := control.Get(t.Context(), []string{key})
		if err != nil || items[0] == nil {
			t.Fatalf("control record %s: %v, %v", key, items, err)
		}
		return items[0]
	}
	put := func(w driver.Write) {
		if err := control.Put(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	routes := get("routes")
	var record struct {
		Views map[string]admin.Route `json:"views"`
	}
	if err := json.Unmarshal(routes.Memo, &record); err != nil {
		t.Fatal(err)
	}
	old := ""
	for _, s := range record.Views[target.View].Tables {
		if s.Version == target.Version && s.Generation == target.Generation {
			old = s.Shape
		}
	}
	shape, err := view.ParseShape(get("shape/" + target.View + "/" + old).Memo)
	if err != nil {
		t.Fatal(err)
	}
	change(&shape)
	put(driver.Write{Item: driver.Item{Key: "shape/" + target.View + "/" + shape.Digest(), Version: 1, Memo: shape.JSON()}})
	next := *routes
	next.Version++
	next.Memo = []byte(strings.ReplaceAll(string(routes.Memo), old, shape.Digest()))
	put(driver.Write{Item: next, Expect: routes.Version})
}
