package viewtest

import (
	"testing"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
)

// RunRouted is the conformance suite of driver.AdminTables, and with it of
// driver.RoutedTables. open returns tables of the given views in all their
// declared versions, empty; RunRouted asks it for new ones in each test. Tests
// run in parallel.
func RunRouted(t *testing.T, open func(t *testing.T, views []view.View) driver.AdminTables) {
	for _, test := range []struct {
		name string
		run  func(s *suite, tables driver.AdminTables)
	}{
		{"control records", testControl},
		{"the first generation is the version's table", testFirstGeneration},
		{"generations are apart", testGenerations},
		{"create again", testCreateAgain},
		{"drop", testDrop},
		{"versions have their own indexes", testVersionIndexes},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			newest := view.New[suiteRow]("suite-things", "thing").
				On(func(r suiteRow, _ suiteEvent, _ view.Meta) suiteRow { return r }).
				Index("new", view.By("name")).Version(2).Previous(suiteView("suite-things", 1))
			tables := open(t, []view.View{newest})
			test.run(&suite{T: t, tables: tables, table: tables.Table("suite-things", 1)}, tables)
		})
	}
}

func things(version, generation int) driver.Target {
	return driver.Target{View: "suite-things", Version: version, Generation: generation}
}

func (s *suite) create(tables driver.AdminTables, t driver.Target) {
	s.Helper()
	if err := tables.Create(s.Context(), t, suiteView(t.View, t.Version).Describe().TableIndexes()); err != nil {
		s.Fatal(err)
	}
}

func testControl(s *suite, tables driver.AdminTables) {
	control := tables.Control()
	record := driver.Item{Key: "routes", Version: 1, Memo: []byte(`{"views":{}}`)}
	for _, want := range []events.Code{"", events.CodeConflict} {
		s.code(control.Put(s.Context(), driver.Write{Item: record}), want)
	}
	next := driver.Item{Key: "routes", Version: 2, Memo: []byte(`{"views":{"a":null}}`)}
	s.code(control.Put(s.Context(), driver.Write{Item: next, Expect: 1}), "")
	got, err := control.Get(s.Context(), []string{"routes", "none"})
	if err != nil || got[1] != nil {
		s.Fatalf("%+v, %v", got, err)
	}
	s.same(got[0], next)
	s.code(control.Put(s.Context(), driver.Write{Item: driver.Item{Key: "routes"}, Expect: 2, Delete: true}), "")
	if got, err := control.Get(s.Context(), []string{"routes"}); err != nil || got[0] != nil {
		s.Fatalf("deleted: %+v, %v", got, err)
	}
}

func testFirstGeneration(s *suite, tables driver.AdminTables) {
	s.create(tables, things(1, 1))
	s.put(item("a", "g", "n", "1", 1))
	got, err := tables.Open(things(1, 1)).Get(s.Context(), []string{"a"})
	if err != nil {
		s.Fatal(err)
	}
	s.same(got[0], item("a", "g", "n", "1", 1))
	missing := driver.Target{View: "suite-things", Version: 9, Generation: 1}
	s.code(tables.Create(s.Context(), missing, suiteView("suite-things", 9).Describe().TableIndexes()), events.CodeUnavailable)
}

func testGenerations(s *suite, tables driver.AdminTables) {
	s.create(tables, things(1, 2))
	s.create(tables, things(1, 3))
	s.put(item("a", "g", "n", "1", 1))
	second := tables.Open(things(1, 2))
	if err := second.Put(s.Context(), driver.Write{Item: item("a", "g", "n", "2", 7)}); err != nil {
		s.Fatal(err)
	}
	s.same(s.get("a"), item("a", "g", "n", "1", 1))
	for generation, want := range map[int]*driver.Item{2: new(item("a", "g", "n", "2", 7)), 3: nil} {
		got, err := tables.Open(things(1, generation)).Get(s.Context(), []string{"a"})
		if err != nil || (got[0] == nil) != (want == nil) {
			s.Fatalf("generation %d: %+v, %v", generation, got, err)
		}
	}
	s.table = second
	s.eventually(driver.Range{Index: "by-price", Partition: "g", Limit: 5}, []string{"a"})
}

func testCreateAgain(s *suite, tables driver.AdminTables) {
	s.create(tables, things(1, 2))
	if err := tables.Open(things(1, 2)).Put(s.Context(), driver.Write{Item: item("a", "g", "n", "1", 1)}); err != nil {
		s.Fatal(err)
	}
	s.create(tables, things(1, 2))
	got, err := tables.Open(things(1, 2)).Get(s.Context(), []string{"a"})
	if err != nil {
		s.Fatal(err)
	}
	s.same(got[0], item("a", "g", "n", "1", 1))
}

func testDrop(s *suite, tables driver.AdminTables) {
	s.create(tables, things(1, 2))
	for range 2 {
		if err := tables.Drop(s.Context(), things(1, 2)); err != nil {
			s.Fatal(err)
		}
	}
	_, err := tables.Open(things(1, 2)).Get(s.Context(), []string{"a"})
	s.code(err, events.CodeUnavailable)
	s.code(tables.Open(things(1, 2)).Put(s.Context(), driver.Write{Item: item("a", "g", "n", "1", 1)}), events.CodeUnavailable)
	s.put(item("a", "g", "n", "1", 1)) // the first is as it was
}

func testVersionIndexes(s *suite, tables driver.AdminTables) {
	it := driver.Item{Key: "a", Row: []byte(`{}`), Commit: 1, Version: 1, Index: map[string]driver.IndexKey{
		"new": {Partition: "=n", Sort: driver.Sort{Kind: driver.SortString, Text: "=a"}},
	}}
	second := tables.Open(things(2, 1))
	s.code(second.Put(s.Context(), driver.Write{Item: it}), "")
	s.table = second
	s.eventually(driver.Range{Index: "new", Partition: "=n", Limit: 5}, []string{"a"})
}
