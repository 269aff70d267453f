package sealed_test

import (
	"strings"
	"testing"

	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/personal/personaltest"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/viewtest"
)

// Every way into a table seals, and every way out opens.
func TestRowsAreSealed(t *testing.T) {
	t.Parallel()
	row, err := personal.Marshal(peopledomain.Row{Name: personal.About("person/7", "Ann"), Email: personal.About("person/8", "ann@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	under := viewtest.NewMemory(view.View(peopledomain.People))
	table := with(sealer(new(personaltest.Keys))).Tables(under).Table("people", 1)
	item := func(key string) driver.Item {
		return driver.Item{Key: key, Row: row, Memo: row, Commit: 1, Version: 1}
	}
	if err := table.Put(t.Context(), driver.Write{Item: item("put")}); err != nil {
		t.Fatal(err)
	}
	if err := table.Transact(t.Context(), []driver.Write{{Item: item("transact")}}); err != nil {
		t.Fatal(err)
	}
	for _, err := range table.(driver.Inserter).Insert(t.Context(), []driver.Item{item("a"), item("b")}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	stored := under.Items("people", 1)
	if len(stored) != 4 {
		t.Fatalf("%d items", len(stored))
	}
	for _, i := range stored {
		if text := string(i.Row) + string(i.Memo); personal.Carries(i.Row) || strings.Contains(text, "Ann") || strings.Contains(text, "ann@") {
			t.Errorf("%s is readable: %s", i.Key, text)
		}
	}
	plainly := func(i *driver.Item) {
		if got := string(personal.Plain(i.Row)); got != `{"name":"Ann","email":"ann@example.com"}` || got != string(personal.Plain(i.Memo)) {
			t.Errorf("%s: %s, %s", i.Key, got, personal.Plain(i.Memo))
		}
	}
	got, err := table.Get(t.Context(), []string{"put", "a"})
	if err != nil {
		t.Fatal(err)
	}
	plainly(got[0])
	plainly(got[1])
	page, _, err := table.Scan(t.Context(), 0, 1, "")
	if err != nil || len(page) != 4 {
		t.Fatalf("%d items, %v", len(page), err)
	}
	for i := range page {
		plainly(&page[i].Item)
	}
}
