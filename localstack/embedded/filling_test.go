package embedded

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"daybook/localstack/embedded/attr"
)

// TestFillingAgainstATable makes the same changes to a table while it is loaded and to
// one that is not: rows, sizes, index, order of expiry and what the arena holds are the
// same in the end.
func TestFillingAgainstATable(t *testing.T) {
	t.Parallel()
	def := definition{
		ID: 1, Name: "things", TTL: "t",
		Attributes: []attributeDefinition{{"pk", "S"}, {"sk", "N"}, {"x", "S"}},
		Key:        []keyElement{{"pk", keyHash}, {"sk", keyRange}},
		Indexes: []indexDefinition{{
			IndexName: "by-x", KeySchema: []keyElement{{"x", keyHash}, {"sk", keyRange}}, Projection: projection{ProjectionType: "KEYS_ONLY"},
		}},
	}
	rapid.Check(t, func(rt *rapid.T) {
		loaded, applied := newTable(def), newTable(def)
		f := newFilling(loaded)
		items := map[string]bool{}
		for range rapid.IntRange(0, 1000).Draw(rt, "changes") {
			it := attr.Item{
				"pk": attr.S(fmt.Sprint(rapid.IntRange(0, 40).Draw(rt, "pk"))),
				"sk": attr.Int(int64(rapid.IntRange(0, 9).Draw(rt, "sk"))),
			}
			key, err := applied.schema.keyOf(it)
			if err != nil {
				rt.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(rt, "delete") == 0 {
				old := f.remove([]byte(key))
				if (old != 0) != items[key] {
					rt.Fatalf("removed %d, and there is one: %t", old, items[key])
				}
				loaded.arena.release(old)
				applied.apply(change{t: applied, key: key, old: applied.get(key)}, 0)
				delete(items, key)
				continue
			}
			if rapid.Bool().Draw(rt, "indexed") {
				it["x"] = attr.S(rapid.StringN(1, 3, -1).Draw(rt, "x"))
			}
			if rapid.Bool().Draw(rt, "expires") {
				it["t"] = attr.Int(int64(rapid.IntRange(0, 5).Draw(rt, "t")))
			}
			r := newRow(key, it, it.Size())
			old, _ := f.put([]byte(r))
			if (old != 0) != items[key] {
				rt.Fatalf("replaced %d, and there was one: %t", old, items[key])
			}
			loaded.arena.release(old)
			applied.apply(change{t: applied, key: key, old: applied.get(key), new: r}, 0)
			items[key] = true
		}
		for key := range items {
			if string(loaded.arena.rowKey(f.find([]byte(key)))) != key {
				rt.Fatalf("%q is not found", key)
			}
		}
		if err := f.finish(); err != nil {
			rt.Fatal(err)
		}
		if got, want := contents(loaded), contents(applied); got != want {
			rt.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if len(items) != loaded.rows.Len() {
			rt.Fatalf("%d rows, want %d", loaded.rows.Len(), len(items))
		}
	})
}

// contents is all that a table and what is derived from it hold, as text.
func contents(t *table) string {
	var b bytes.Buffer
	fmt.Fprintln(&b, t.size, t.arena.live)
	t.rows.Scan(func(r ref) bool {
		fmt.Fprintf(&b, "%q\n", t.arena.row(r))
		return true
	})
	for _, x := range t.indexes {
		fmt.Fprintln(&b, x.def.IndexName, x.size, x.building)
		x.entries.Scan(func(e entry) bool {
			fmt.Fprintf(&b, "%q %q\n", t.arena.text(e.key), t.arena.row(e.row))
			return true
		})
	}
	t.expiry.entries.Scan(func(e expiryEntry) bool {
		fmt.Fprintf(&b, "%d %q\n", e.at, t.arena.row(e.row))
		return true
	})
	return b.String()
}
