package view_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// thing is a row with a field of each kind; the event "thing-set" holds it.
type thing struct {
	Group string    `json:"group"`
	Flag  bool      `json:"flag"`
	Name  string    `json:"name"`
	Price int64     `json:"price"`
	Score float64   `json:"score"`
	At    time.Time `json:"at"`
	Nick  *string   `json:"nick"`
	Note  string    `json:"note,omitzero"`
	Small uint8     `json:"small"`
	Big   uint64    `json:"big"`
	Tags  []string  `json:"tags"`
	Limit int       `json:"limit"`
	Off   bool      `json:"off,omitzero"`
	Gone  int64     `json:"gone,omitzero"`
	Mail  string    `json:"mail,omitempty"`
	Outer
}

func (thing) EventName() string { return "thing-set" }

// Outer is embedded.
type Outer struct {
	Depth int8 `json:"depth"`
}

func newThings() *view.RowView[thing] {
	return view.New[thing]("things", "thing").
		On(func(_ thing, e thing, _ view.Meta) thing { return e }).
		Index("by-group", view.By("group").Then("price")).
		Index("by-flag", view.By("flag").Then("name").Shards(4)).
		Index("by-price", view.By("price")).
		Index("by-at", view.By("at").Then("at")).
		Index("nick", view.By("nick").Then("score")).
		Index("all", view.All().Then("at").Shards(3)).
		Index("all-name", view.All().Then("name")).
		Index("all-nick", view.All().Then("nick")).
		Index("all-big", view.All().Then("big")).
		Index("by-score", view.By("score").Then("id")).
		Index("by-off", view.By("off").Then("gone")).
		Index("all-gone", view.All().Then("gone")).
		Index("by-mail", view.By("mail").Fold("lower", strings.ToLower)).
		Index("all-mail", view.All().Then("mail").Fold("lower", strings.ToLower))
}

// asking is a bench with queries.
type asking struct {
	*bench
	qs *query.Queries
}

func ask(t testing.TB, opts *query.Options, views ...view.View) *asking {
	t.Helper()
	codec, err := events.NewCodec(append(newCodec().Types(), events.Type{Name: "thing-set"})...)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, codec: codec, store: &eventstest.Memory{}, tables: viewtest.NewMemory(views...)}
	if b.p, err = projection.New(b.store, codec, b.tables, views, nil); err != nil {
		t.Fatal(err)
	}
	qs, err := query.New(b.store, codec, b.tables, views, opts)
	if err != nil {
		t.Fatal(err)
	}
	return &asking{b, qs}
}

// set stores things and projects them.
func (a *asking) set(things map[string]thing) {
	a.t.Helper()
	var ds []follow.Delivery
	for key, th := range things {
		ds = append(ds, a.append(events.StreamOf("thing", key), th)...)
	}
	a.clean(a.p.Project(context.Background(), ds))
}

// params reads "a=b&c=d" without any escapes; spaces separate.
func params(text string) map[string][]string {
	p := map[string][]string{}
	for _, one := range strings.Fields(text) {
		name, value, _ := strings.Cut(one, "=")
		p[name] = append(p[name], value)
	}
	return p
}

func ids(t testing.TB, page query.Page) string {
	t.Helper()
	var all []string
	for _, item := range page.Items {
		var row struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(item, &row); err != nil {
			t.Fatal(err)
		}
		all = append(all, row.ID)
	}
	return strings.Join(all, " ")
}

func ptr[T any](v T) *T { return &v }

func shopThings() map[string]thing {
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return t
	}
	return map[string]thing{
		"1": {Group: "a", Flag: true, Name: "Ann", Price: 10, Score: 0.1, At: at("2026-01-01T00:00:05Z"), Nick: ptr("x"), Big: 1, Off: true, Mail: "Ann@X"},
		"2": {Group: "a", Flag: true, Name: "Anna", Price: 9, Score: 1.5, At: at("2026-01-01T00:00:05.5Z"), Note: "n", Big: math.MaxUint64, Mail: "ann@x"},
		"3": {Group: "a", Name: "Bob", Price: math.MaxInt64, Score: -2, At: at("2026-01-01T02:00:04+02:00"), Nick: ptr(""), Big: 2, Limit: 3, Gone: 5, Mail: "BOB@x"},
		"4": {Group: "b", Name: "", Price: math.MaxInt64 - 1, Score: 1e20, At: at("2026-01-02T00:00:00Z"), Big: 10, Gone: -1},
		"5": {Group: "", Name: "ann", Price: -1, At: at("2025-01-01T00:00:00Z"), Nick: ptr("x"), Big: 3},
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newThings())
	a.set(shopThings())
	for request, want := range map[string]string{
		"":                                  "4 1 2 3 5", // by-… none; all-name has no shards: by name
		"group=a":                           "2 1 3",
		"group=a sort=-price":               "3 1 2",
		"group=a price.gte=10":              "1 3",
		"group=a price.gt=10":               "3",
		"group=a price.lt=10":               "2",
		"group=a price.gt=9 price.lte=10":   "1",
		"group=a price.gt=10 price.lt=9":    "",
		"group=a price.gt=10 price.lte=10":  "",
		"group=a price=9223372036854775807": "3",
		"group=a price=9223372036854775806": "",
		"price=9223372036854775806":         "4",
		"group=":                            "5",
		"group.in=b,":                       "5 4",
		"group.in=a,b sort=-price limit=3":  "3 4 1",
		"group.in=a group.ne=a":             "",
		"group=a name.prefix=Ann":           "2 1",
		"name.prefix=Ann":                   "1 2",
		"name.prefix=Ann name.ne=Ann":       "2",
		"name=":                             "4",
		"flag=true":                         "1 2",
		"flag=false":                        "4 3 5",
		"flag=false sort=-name":             "5 3 4",
		"flag.in=true,false sort=name":      "4 1 2 3 5",
		"sort=at":                           "5 3 1 2 4",
		"sort=-at limit=2":                  "4 2",
		"at.gte=2026-01-01T01:00:05+01:00":  "1 2 4",
		"at.lt=2026-01-01T00:00:05Z":        "5 3",
		"at=2026-01-01T00:00:05.500Z":       "2",
		"nick=x":                            "5 1",
		"nick=":                             "3",
		"sort=nick":                         "3 1 5",
		"sort=nick nick.ne=x":               "3",
		"nick.exists=false sort=at":         "2 4",
		"nick.exists=true sort=at":          "5 3 1",
		"nick.ne=x sort=at":                 "3 2 4",
		"note.exists=true sort=at":          "5 3 1 2 4", // zero is a value, though the row leaves it out
		"note.exists=false":                 "",
		"note=n":                            "2",
		"note=":                             "4 1 3 5",
		"note.ne=":                          "2",
		"note.in=,x":                        "4 1 3 5",
		"note.lt=a":                         "4 1 3 5",
		"off=true":                          "1",
		"off=false":                         "4 2 5 3", // by gone
		"off=false gone=0":                  "2 5",
		"off=false gone.gt=-1":              "2 5 3",
		"off=false gone.lte=0":              "4 2 5",
		"off=false gone.ne=0":               "4 3",
		"off.in=true,false sort=-gone":      "3 5 2 1 4",
		"sort=gone limit=2":                 "4 1",
		"off.ne=true sort=at":               "5 3 2 4",
		"group=a off=false":                 "2 3",
		"id.in=1,2,3,4 off=false sort=gone": "4 2 3",
		"mail=ANN@x":                        "1 2",
		"mail.in=ANN@x,BOB@X":               "1 2 3",
		"mail.prefix=aN":                    "1 2",
		"mail=":                             "4 5",
		"mail.ne=ann@X sort=-mail":          "3 5 4",
		"sort=mail":                         "4 5 1 2 3",
		"group=a mail=ann@x sort=price":     "2 1",
		"id.in=1,2,3,4 sort=-mail":          "3 2 1 4",
		"mail.gte=B":                        "3",
		"mail.lt=B mail.gt=":                "1 2",
		"tags.exists=true sort=at":          "5 3 1 2 4",
		"score=0.10":                        "1",
		"score=1e20":                        "4",
		"score.in=1.5,-2e0":                 "2 3",
		"sort=-big":                         "2 4 5 3 1",
		"big.gt=2 sort=big":                 "5 4 2",
		"limit.eq=3":                        "3",
		"version=1 sort=at":                 "5 3 1 2 4",
		"version.gt=1":                      "",
		"small.lte=0 sort=at limit=1":       "5",
		"id=3":                              "3",
		"id=9":                              "",
		"id=3 group=b":                      "",
		"id.in=3,1,1,9,2":                   "1 2 3",
		"id.in=3,1,2 sort=-price":           "3 1 2",
		"id.in=3,1,2 sort=nick":             "3 1",
		"id.in=1,2,3,4,5 sort=-at limit=2":  "4 2",
		"id.in=1,2,3 sort=-version":         "3 2 1",
		"id.gt=2 sort=at":                   "5 3 4",
		"score=1.5 id.gt=1":                 "2",
		"score=1.5 sort=id":                 "2",
		"id.in=1 id.in=3":                   "1 3",
		"after=user/1@3":                    "4 1 2 3 5",
	} {
		page, err := a.qs.List(t.Context(), "", "things", params(request))
		if err != nil {
			t.Errorf("%q: %v", request, err)
			continue
		}
		if got := ids(t, page); got != want || page.Stale || (page.Next != "") != strings.Contains(request, "limit=") {
			t.Errorf("%q: got %q, want %q; next %q", request, got, want, page.Next)
		}
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newThings(), view.New[thing]("bare", "thing").On(func(_ thing, e thing, _ view.Meta) thing { return e }))
	for request, want := range map[string]string{
		"bogus=1":                      "malformed bogus",
		"bogus.gte=1":                  "malformed bogus.gte",
		"name.like=x":                  "malformed name.like",
		"flag.gt=true":                 "malformed flag.gt",
		"flag=yes":                     "malformed flag",
		"price.gte=abc":                "malformed price.gte",
		"price=1.5":                    "malformed price",
		"price=01":                     "malformed price",
		"price=9223372036854775808":    "malformed price",
		"price=-9223372036854775809":   "malformed price",
		"price=1e999999999":            "malformed price",
		"price.prefix=1":               "malformed price.prefix",
		"depth=128":                    "malformed depth",
		"small=256":                    "malformed small",
		"small=-1":                     "malformed small",
		"score=1e999":                  "malformed score",
		"score=NaN":                    "malformed score",
		"at=yesterday":                 "malformed at",
		"at.prefix=2026":               "malformed at.prefix",
		"tags=x":                       "malformed tags",
		"nick.exists=maybe":            "malformed nick.exists",
		"name=a name=b":                "malformed name",
		"name=a name.eq=b":             "malformed name.eq",
		"limit=0":                      "malformed limit",
		"limit=1001":                   "malformed limit",
		"limit=x":                      "malformed limit",
		"limit=1 limit=2":              "malformed limit",
		"sort=bogus":                   "malformed sort",
		"sort=tags":                    "malformed sort",
		"sort=flag":                    "malformed sort",
		"sort=--name":                  "malformed sort",
		"after=x":                      "malformed after",
		"cursor=x":                     "malformed cursor",
		"name=\xff":                    "malformed name",
		"bogus=1 price=x":              "malformed bogus price",
		"sort=price":                   "no-index",
		"sort=score":                   "no-index",
		"sort=id":                      "no-index",
		"group=a sort=name flag=true":  "",
		"group=a sort=score":           "no-index",
		"price.in=" + numbers(64):      "",
		"price.in=" + numbers(65):      "malformed price.in",
		"price.in=" + numbers(101):     "malformed price.in",
		"flag.in=true,false sort=name": "",
		"name.in=" + numbers(101):      "malformed name.in",
	} {
		_, err := a.qs.List(t.Context(), "", "things", params(request))
		got := string(events.CodeOf(err))
		var e *events.Error
		if ok := asError(err, &e); ok {
			for _, f := range e.Fields {
				got += " " + f.Path
			}
		}
		if got != want {
			t.Errorf("%q: got %q (%v), want %q", request, got, err, want)
		}
	}
	if _, err := a.qs.List(t.Context(), "", "nothing", nil); events.CodeOf(err) != events.CodeUnknownView {
		t.Errorf("an unknown view: %v", err)
	}
	_, err := a.qs.List(t.Context(), "", "things", params("sort=price"))
	if err == nil || !strings.Contains(err.Error(), "by-group (group compared with eq or in, sorted by price)") || !strings.Contains(err.Error(), "all (all rows, sorted by at)") {
		t.Errorf("a refusal does not name the indexes: %v", err)
	}
	if _, err := a.qs.List(t.Context(), "", "bare", nil); events.CodeOf(err) != events.CodeNoIndex {
		t.Errorf("a view without an index: %v", err)
	}
}

// TestNoIndexSaysWhatToDeclare: the index that a refusal names serves the query.
func TestNoIndexSaysWhatToDeclare(t *testing.T) {
	t.Parallel()
	bare := func() *view.RowView[thing] {
		return view.New[thing]("bare", "thing").On(func(_ thing, e thing, _ view.Meta) thing { return e })
	}
	advice := regexp.MustCompile(`declare Index\("([a-z0-9-]+)", view\.(All\(\)|By\("(\w+)"\))(?:\.Then\("(\w+)"\))?\) and raise the view's Version$`)
	for request, name := range map[string]string{
		"":                                 "all",
		"sort=id":                          "all",
		"sort=-price":                      "all-by-price",
		"name.prefix=An":                   "all-by-name",
		"price.ne=1 tags.exists=true":      "all",
		"group=a sort=score":               "by-group-score",
		"group=a score.gte=1":              "by-group-score",
		"flag=true name.prefix=A big.lt=9": "by-flag-big",
		"name=x nick.in=a,b":               "by-name",
		"group=a sort=group":               "by-group",
		"version=1 group=a":                "by-group",
	} {
		_, err := ask(t, nil, bare()).qs.List(t.Context(), "", "bare", params(request))
		if events.CodeOf(err) != events.CodeNoIndex {
			t.Errorf("%q: %v", request, err)
			continue
		}
		said := advice.FindStringSubmatch(err.Error())
		if said == nil || said[1] != name {
			t.Errorf("%q: %v, want an index %s", request, err, name)
			continue
		}
		by := view.All()
		if said[3] != "" {
			by = view.By(said[3])
		}
		if said[4] != "" {
			by = by.Then(said[4])
		}
		if _, err := ask(t, nil, bare().Index(said[1], by)).qs.List(t.Context(), "", "bare", params(request)); err != nil {
			t.Errorf("%q: the index that was advised, %s: %v", request, said[0], err)
		}
	}
	_, err := ask(t, nil, bare()).qs.List(t.Context(), "", "bare", params("sort=version"))
	if events.CodeOf(err) != events.CodeNoIndex || strings.Contains(err.Error(), "declare") {
		t.Errorf("an index can't be declared by version: %v", err)
	}
	_, err = ask(t, nil, bare().Index("by-group", view.By("group").Then("at"))).qs.List(t.Context(), "", "bare", params("group=a sort=group"))
	if err == nil || !strings.Contains(err.Error(), `declare Index("by-group-2", view.By("group").Then("group"))`) {
		t.Errorf("a name that is taken is advised: %v", err)
	}
}

func asError(err error, to **events.Error) bool {
	e, ok := err.(*events.Error)
	*to = e
	return ok
}

func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return strings.Join(all, ",")
}

func TestListReadsWithinBounds(t *testing.T) {
	t.Parallel()
	a := ask(t, &query.Options{ReadBudget: 250}, newThings())
	things := map[string]thing{}
	for i := range 1000 {
		things[fmt.Sprintf("%04d", i)] = thing{Group: "g", Price: int64(i), Flag: i%2 == 0, Score: float64(i % 500)}
	}
	a.set(things)
	ranges := func() int { return a.tables.Calls()["Range"] }
	before := ranges()
	page, err := a.qs.List(t.Context(), "", "things", params("group=g"))
	if err != nil || len(page.Items) != query.DefaultLimit || page.Next == "" || ranges() != before+1 {
		t.Fatalf("a page cost %d ranges: %d items, %v", ranges()-before, len(page.Items), err)
	}
	// One row in 500 matches: pages come short and go on.
	var found []string
	p := params("group=g score.gt=498 sort=price limit=5")
	for pages := 1; ; pages++ {
		before := ranges()
		page, err := a.qs.List(t.Context(), "", "things", p)
		if err != nil || ranges()-before > 4 {
			t.Fatalf("page %d cost %d ranges, %v", pages, ranges()-before, err)
		}
		found = append(found, strings.Fields(ids(t, page))...)
		if page.Next == "" {
			if !slices.Equal(found, []string{"0499", "0999"}) || pages < 4 {
				t.Fatalf("found %q on %d pages", found, pages)
			}
			return
		}
		p["cursor"] = []string{page.Next}
	}
}

func TestPagesAreBoundedInBytes(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newThings())
	things := map[string]thing{}
	for i := range 30 {
		things[fmt.Sprintf("%02d", i)] = thing{Group: "g", Price: int64(i), Tags: []string{strings.Repeat("x", 300_000)}}
	}
	a.set(things)
	p, total := params("group=g limit=100"), 0
	for pages := 1; ; pages++ {
		page, err := a.qs.List(t.Context(), "", "things", p)
		if err != nil {
			t.Fatal(err)
		}
		if total += len(page.Items); page.Next == "" {
			if total != 30 || pages != 3 {
				t.Fatalf("%d rows on %d pages", total, pages)
			}
			return
		}
		p["cursor"] = []string{page.Next}
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newThings(), newThings2())
	a.set(shopThings())
	page, err := a.qs.List(t.Context(), "", "things", params("group=a limit=1"))
	if err != nil || page.Next == "" {
		t.Fatal(page, err)
	}
	next := func(view, request, cursor string) (string, error) {
		p := params(request)
		p["cursor"] = []string{cursor}
		page, err := a.qs.List(t.Context(), "", view, p)
		return ids(t, page), err
	}
	if got, err := next("things", "limit=2 group.eq=a", page.Next); got != "1 3" || err != nil {
		t.Errorf("the next page is %q, %v", got, err)
	}
	for _, other := range []string{"group=b", "group=a sort=-price", "group=a sort=price", "group=a price.gt=1", "", "id.in=1,2"} {
		if _, err := next("things", other, page.Next); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("query %q takes another one's cursor: %v", other, err)
		}
	}
	if _, err := next("things-too", "group=a", page.Next); events.CodeOf(err) != events.CodeMalformed {
		t.Errorf("another view takes the cursor: %v", err)
	}
	for i := range len(page.Next) {
		for _, bad := range []string{page.Next[:i], page.Next[:i] + "_" + page.Next[i+1:], page.Next[:i] + "A" + page.Next[i:], page.Next + page.Next[:i] + "A"} {
			if bad == page.Next || bad == "" {
				continue
			}
			if _, err := next("things", "group=a", bad); events.CodeOf(err) != events.CodeMalformed {
				t.Fatalf("cursor %q is taken: %v", bad, err)
			}
		}
	}
}

func newThings2() view.View {
	return view.New[thing]("things-too", "thing").
		On(func(_ thing, e thing, _ view.Meta) thing { return e }).
		Index("by-group", view.By("group").Then("price"))
}

func TestLongStrings(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newThings())
	long := strings.Repeat("é", 600) // 1,200 bytes
	things := map[string]thing{}
	for i, end := range []string{"", "a", "b", "z"} {
		things[strconv.Itoa(i)] = thing{Group: long + end, Name: long + end}
	}
	a.set(things)
	for i, end := range []string{"", "a", "b", "z"} {
		for _, field := range []string{"group", "name"} {
			page, err := a.qs.List(t.Context(), "", "things", map[string][]string{field: {long + end}})
			if err != nil || ids(t, page) != strconv.Itoa(i) {
				t.Errorf("%s …%q: got %q, %v", field, end, ids(t, page), err)
			}
		}
	}
	for request, want := range map[string]string{
		"gt": "2 3", "gte": "1 2 3", "lt": "0", "lte": "0 1", "prefix": "1", "ne": "0 2 3",
	} {
		page, err := a.qs.List(t.Context(), "", "things", map[string][]string{"name." + request: {long + "a"}})
		if err != nil || ids(t, page) != want {
			t.Errorf("%s: got %q, %v", request, ids(t, page), err)
		}
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newUsers(), newCategories())
	a.clean(a.p.Project(t.Context(), slices.Concat(a.append("user/7", created("Ann"), renamed("Anna")), a.append("product/1", added("books", 3)))))
	row, err := a.qs.Get(t.Context(), "", "users", "7", nil)
	if want := `{"id":"7","name":"Anna","email":"Ann@x","active":true,"version":2}`; err != nil || string(row.JSON) != want || row.Version != 2 || row.Key != "7" || row.Parked {
		t.Errorf("got %+v, %v", row, err)
	}
	row, err = a.qs.Get(t.Context(), "", "categories", "books", nil)
	if want := `{"id":"books","products":1,"units":3}`; err != nil || string(row.JSON) != want || row.Version != 1 {
		t.Errorf("got %+v, %v", row, err)
	}
	for _, key := range []string{"8", "@stream/product/1", "stream/product/1", "", strings.Repeat("x", 2000), "\xff"} {
		for _, name := range []string{"users", "categories"} {
			if _, err := a.qs.Get(t.Context(), "", name, key, nil); events.CodeOf(err) != events.CodeNotFound {
				t.Errorf("%s %q: %v", name, key, err)
			}
		}
	}
	if _, err := a.qs.Get(t.Context(), "", "nothing", "7", nil); events.CodeOf(err) != events.CodeUnknownView {
		t.Errorf("got %v", err)
	}
}

func token(stream events.Stream, version int64) []events.Token {
	return []events.Token{{Stream: stream, Version: version}}
}

func TestGetCatchesUp(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newUsers())
	ds := a.append("user/7", created("Ann"), renamed("B"), noted())
	got := func(after []events.Token) string {
		t.Helper()
		row, err := a.qs.Get(t.Context(), "", "users", "7", after)
		if err != nil {
			return string(events.CodeOf(err))
		}
		return fmt.Sprint(string(row.JSON), row.Version)
	}
	first, whole := `{"id":"7","name":"Ann","email":"Ann@x","active":true,"version":1}1`, `{"id":"7","name":"B","email":"Ann@x","active":true,"version":3}3`
	if got := got(token("user/7", 1)); got != whole {
		t.Errorf("without a row: %s", got)
	}
	a.clean(a.p.Project(t.Context(), ds[:1]))
	for version, want := range []string{first, first, whole, whole, "malformed"} {
		if version > 0 {
			if got := got(token("user/7", int64(version))); got != want {
				t.Errorf("after version %d: %s", version, got)
			}
		} else if got := got(token("user/8", 9)); got != want {
			t.Errorf("after another stream: %s", got)
		}
	}
	reads := 0
	a.store.Before = func(string, events.Stream) error { reads++; return nil }
	got(token("user/7", 1))
	if reads != 0 {
		t.Error("a row that is not behind reads the store")
	}
}

func TestGetCatchesUpWithinBounds(t *testing.T) {
	t.Parallel()
	a := ask(t, &query.Options{CatchUp: 200}, newUsers())
	evs := []events.Data{created("Ann")}
	for range 400 {
		evs = append(evs, noted())
	}
	a.append("user/7", evs...)
	if _, err := a.qs.Get(t.Context(), "", "users", "7", token("user/7", 150)); err != nil {
		t.Error(err)
	}
	if _, err := a.qs.Get(t.Context(), "", "users", "7", token("user/7", 401)); events.CodeOf(err) != events.CodeBusy {
		t.Errorf("got %v", err)
	}
	a.store.Before = func(string, events.Stream) error { return events.Errorf(events.CodeUnavailable, "injected") }
	if _, err := a.qs.Get(t.Context(), "", "users", "7", token("user/7", 2)); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestGetOfAParkedRow(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newBoom(), newBoomKeyed())
	ds := a.append("user/7", created("good"), renamed("ok"), renamed("panic"))
	a.clean(a.p.Project(t.Context(), ds[:1]))
	row, err := a.qs.Get(t.Context(), "", "boom", "7", token("user/7", 3))
	if err != nil || !row.Parked || row.Version != 2 || !strings.Contains(string(row.JSON), `"name":"ok"`) {
		t.Errorf("got %+v, %v", row, err)
	}
	row, err = a.qs.Get(t.Context(), "", "boom-keyed", "ok", token("user/7", 3))
	if err != nil || !row.Parked || !strings.Contains(string(row.JSON), `"score":1`) {
		t.Errorf("got %+v, %v", row, err)
	}
	a.append("user/8", created("hide"))
	if _, err := a.qs.Get(t.Context(), "", "boom", "8", token("user/8", 1)); events.CodeOf(err) != events.CodeNotFound {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"index", "put", "range"} {
		a := ask(t, nil, newBoomKeyed())
		a.clean(a.p.Project(t.Context(), a.append("user/keeper", created("good"))))
		stream := events.StreamOf("user", name)
		a.clean(a.p.Project(t.Context(), a.append(stream, created("good"), renamed(name))[:1]))
		row, err = a.qs.Get(t.Context(), "", "boom-keyed", "good", token(stream, 2))
		if name == "put" && (err != nil || row.Parked) { // the stream leaves this row in good order
			t.Errorf("%s: got %+v, %v", name, row, err)
		}
		if name != "put" && (err != nil || !row.Parked) {
			t.Errorf("%s: got %+v, %v", name, row, err)
		}
	}
}

func TestGetCatchesUpKeyedRows(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newCategories())
	one, two := a.append("product/1", added("books", 3), moved("toys"), noted()), a.append("product/2", added("toys", 4))
	got := func(key string, after ...events.Token) string {
		t.Helper()
		row, err := a.qs.Get(t.Context(), "", "categories", key, after)
		if err != nil {
			return string(events.CodeOf(err))
		}
		return fmt.Sprint(string(row.JSON), row.Version)
	}
	old := events.Token{Stream: "product/1", Version: 1}
	first, second := events.Token{Stream: "product/1", Version: 3}, events.Token{Stream: "product/2", Version: 1}
	for name, test := range map[string][2]string{
		"nothing stored": {got("toys", first, second), `{"id":"toys","products":2,"units":7}0`},
		"left":           {got("books", first), "not-found"},
		"untouched":      {got("other", first), "not-found"},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: got %s", name, test[0])
		}
	}
	a.clean(a.p.Project(t.Context(), one[:1]))
	for name, test := range map[string][2]string{
		"as stored":  {got("books"), `{"id":"books","products":1,"units":3}1`},
		"up to date": {got("books", old), `{"id":"books","products":1,"units":3}1`},
		"moved away": {got("books", first), "not-found"},
		"moved here": {got("toys", first), `{"id":"toys","products":1,"units":3}0`},
		"both":       {got("toys", second, first, old), `{"id":"toys","products":2,"units":7}0`},
		"other one":  {got("books", second), `{"id":"books","products":1,"units":3}1`},
	} {
		if test[0] != test[1] {
			t.Errorf("%s: got %s", name, test[0])
		}
	}
	a.clean(a.p.Project(t.Context(), append(one, two...)))
	if got := got("toys", first, second); got != `{"id":"toys","products":2,"units":7}1` {
		t.Errorf("projected: %s", got)
	}
}

// TestKeyedCatchUpSeesOneMoment: a projection between the reads of checkpoint
// and row is counted once.
func TestKeyedCatchUpSeesOneMoment(t *testing.T) {
	t.Parallel()
	for at := int64(1); at <= 3; at++ {
		a := ask(t, nil, newCategories())
		ds := a.append("product/1", added("books", 3))
		var gets atomic.Int64
		a.tables.Before = func(c viewtest.Call) error {
			if c.Method == "Get" && gets.Add(1) == at {
				a.clean(a.p.Project(context.Background(), ds))
			}
			return nil
		}
		row, err := a.qs.Get(t.Context(), "", "categories", "books", token("product/1", 1))
		if err != nil || string(row.JSON) != `{"id":"books","products":1,"units":3}` {
			t.Errorf("projected before read %d: %s, %v", at, row.JSON, err)
		}
	}
}

func TestListWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		project time.Duration // when the projector gets to it; 0: never
		took    time.Duration // at most
		stale   bool
	}{
		"in time":  {700 * time.Millisecond, 800 * time.Millisecond, false},
		"too late": {0, 1500 * time.Millisecond, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := ask(t, nil, newUsers(), newCategories())
				ds := slices.Concat(a.append("user/7", created("Ann")), a.append("product/1", added("books", 3)))
				a.append("user/8", created("Bob")) // never projected
				if test.project > 0 {
					go func() {
						time.Sleep(test.project)
						a.p.Project(context.Background(), ds)
					}()
				}
				start := time.Now()
				page, err := a.qs.List(t.Context(), "", "users", params("sort=name after=user/7@1 after=product/1@1 after=user/7@1"))
				if took := time.Since(start); err != nil || page.Stale != test.stale || took < test.project || took > test.took || len(page.Items) > 0 == test.stale {
					t.Errorf("got %+v, %v after %v", page, err, took)
				}
				page, err = a.qs.List(t.Context(), "", "categories", params("after=product/1@1"))
				if err != nil || page.Stale != test.stale {
					t.Errorf("got %+v, %v", page, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				if _, err = a.qs.List(ctx, "", "users", params("after=user/8@1")); events.CodeOf(err) != events.CodeCanceled {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestTableErrorsReachTheCaller(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, newUsers(), newCategories())
	a.append("user/1", created("Ann"))
	for _, method := range []string{"Get", "Range"} {
		a.tables.Before = func(c viewtest.Call) error {
			if c.Method == method {
				return events.Errorf(events.CodeThrottled, "injected")
			}
			return nil
		}
		for request, reads := range map[string]string{"": "Range", "flag": "", "id=1": "Get", "active=true": "Range", "after=user/1@1": "both"} {
			if reads == "" {
				continue
			}
			_, err := a.qs.List(t.Context(), "", "users", params(request))
			if want := reads == method || reads == "both"; (events.CodeOf(err) == events.CodeThrottled) != want {
				t.Errorf("%s, query %q: %v", method, request, err)
			}
		}
		for name, stream := range map[string]events.Stream{"users": "user/1", "categories": "product/1"} {
			_, err := a.qs.Get(t.Context(), "", name, "1", token(stream, 1))
			if want := method == "Get"; (events.CodeOf(err) == events.CodeThrottled) != want {
				t.Errorf("%s of %s: %v", method, name, err)
			}
		}
	}
}

// TestSparseIndex: an index leaves out rows without its sort field, so it
// serves only queries that leave them out too.
func TestSparseIndex(t *testing.T) {
	t.Parallel()
	a := ask(t, nil, view.New[thing]("sparse", "thing").
		On(func(_ thing, e thing, _ view.Meta) thing { return e }).
		Index("by-group", view.By("group").Then("nick")))
	a.set(shopThings())
	for _, item := range a.tables.Items("sparse", 1) {
		if has := strings.Contains("1 3 5", item.Key); (len(item.Index) == 1) != has {
			t.Errorf("item %q is in %v", item.Key, item.Index)
		}
	}
	for request, want := range map[string]string{
		"group=a":                   "no-index",
		"group=a nick.ne=x":         "no-index",
		"group=a nick.exists=false": "no-index",
		"group=a nick.exists=true":  "3 1",
		"group=a nick=x":            "1",
		"group=a sort=nick":         "3 1",
		"group=a sort=-nick":        "1 3",
		"group=a nick.prefix=":      "3 1",
	} {
		page, err := a.qs.List(t.Context(), "", "sparse", params(request))
		if got := string(events.CodeOf(err)) + ids(t, page); got != want {
			t.Errorf("%q: got %q (%v), want %q", request, got, err, want)
		}
	}
}

// lagging are tables whose indexes are behind: ranges come from another one.
type lagging struct{ now, old driver.Tables }

func (l lagging) Table(name string, version int) driver.Table {
	return laggingTable{l.now.Table(name, version), l.old.Table(name, version)}
}

type laggingTable struct {
	driver.Table
	old driver.Table
}

func (l laggingTable) Range(ctx context.Context, r driver.Range) ([]driver.Item, bool, error) {
	return l.old.Range(ctx, r)
}

// TestListWaitsForTheIndex: a row that is in the table but not in the index
// yet is waited for, if the answer must show it (or must no longer).
func TestListWaitsForTheIndex(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme"} {
		synctest.Test(t, func(t *testing.T) { testListWaitsForTheIndex(t, tenant) })
	}
}

func testListWaitsForTheIndex(t *testing.T, tenant string) {
	a := ask(t, &query.Options{Tenants: tenant != ""}, newUsers())
	old := viewtest.NewMemory(newUsers())
	behind, err := projection.New(a.store, a.codec, old, []view.View{newUsers()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := query.New(a.store, a.codec, lagging{a.tables, old}, []view.View{newUsers()}, &query.Options{Tenants: tenant != ""})
	if err != nil {
		t.Fatal(err)
	}
	ds := slices.Concat(a.append(events.Stream("user/7").In(tenant), created("Dan"), renamed("Bob")), a.append(events.Stream("user/8").In(tenant), created("Cid")), a.append(events.Stream("user/9").In(tenant), created("Eve")))
	a.clean(a.p.Project(t.Context(), ds))
	a.clean(behind.Project(t.Context(), slices.Concat(ds[:1], ds[2:])))
	list := func(request string) (string, bool, time.Duration) {
		t.Helper()
		start := time.Now()
		page, err := qs.List(t.Context(), tenant, "users", params(request))
		if err != nil {
			t.Fatal(err)
		}
		return ids(t, page), page.Stale, time.Since(start)
	}
	const whole = 1500 * time.Millisecond
	for _, test := range []struct {
		query, want string
		stale       bool
		took        time.Duration
	}{
		{"sort=name after=user/7@2", "8 7 9", true, whole},     // shown as it was
		{"name=Bob after=user/7@2", "", true, whole},           // not shown
		{"name=Dan after=user/7@2", "7", true, whole},          // shown still
		{"name=Cid after=user/7@2", "8", false, 0},             // not asked for
		{"sort=-name limit=1 after=user/7@2", "9", false, 0},   // on a later page
		{"sort=name limit=1 after=user/7@2", "8", true, whole}, // should be on this one
		{"active=false after=user/7@2", "", false, 0},
		{"id=7 after=user/7@2", "7", false, 0}, // from the table
	} {
		if got, stale, took := list(test.query); got != test.want || stale != test.stale || took != test.took {
			t.Errorf("%q: got %q, stale %v after %v", test.query, got, stale, took)
		}
	}
	// The row belongs on a page that was answered before.
	first, err := qs.List(t.Context(), tenant, "users", params("sort=name limit=2"))
	if err != nil {
		t.Fatal(err)
	}
	if got, stale, took := list("sort=name after=user/7@2 cursor=" + first.Next); got != "9" || stale || took != 0 {
		t.Errorf("got %q, stale %v after %v", got, stale, took)
	}
	go func() {
		time.Sleep(200 * time.Millisecond)
		behind.Project(context.Background(), ds)
	}()
	if got, stale, took := list("sort=name after=user/7@2"); got != "7 8 9" || stale || took > 300*time.Millisecond {
		t.Errorf("got %q, stale %v after %v", got, stale, took)
	}
}

// TestKeyedListWaitsForTheIndex: of a keyed view, for the rows that the stream
// contributes to and for those on the page, not for those that others change
// meanwhile.
func TestKeyedListWaitsForTheIndex(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme"} {
		synctest.Test(t, func(t *testing.T) { testKeyedListWaitsForTheIndex(t, tenant) })
	}
}

func testKeyedListWaitsForTheIndex(t *testing.T, tenant string) {
	a := ask(t, &query.Options{Tenants: tenant != ""}, newCategories())
	old := viewtest.NewMemory(newCategories())
	behind, err := projection.New(a.store, a.codec, old, []view.View{newCategories()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := query.New(a.store, a.codec, lagging{a.tables, old}, []view.View{newCategories()}, &query.Options{Tenants: tenant != ""})
	if err != nil {
		t.Fatal(err)
	}
	ds := slices.Concat(a.append(events.Stream("product/1").In(tenant), added("books", 3), moved("toys")), a.append(events.Stream("product/2").In(tenant), added("books", 4)), a.append(events.Stream("product/3").In(tenant), added("games", 1)))
	before := slices.Concat(ds[:1], ds[2:])
	a.clean(behind.Project(t.Context(), before))
	a.clean(a.p.Project(t.Context(), before))
	a.clean(a.p.Project(t.Context(), ds[1:2]))
	for _, test := range []struct {
		query, want string
		stale       bool
	}{
		{"sort=products after=product/1@2", "games books", true}, // toys is missing, books has one too many
		{"sort=-products limit=1 after=product/1@2", "books", true},
		{"sort=products products.gt=1 after=product/1@2", "books", true},  // should not be there
		{"sort=products products.lte=1 after=product/1@2", "games", true}, // toys is missing
		{"sort=products after=product/3@1", "games books", true},          // books is behind, whoever did it
		{"sort=products limit=1 after=product/3@1", "games", false},
		{"sort=products after=user/3@1", "games books", false}, // of another view
		{"id.in=books,toys after=product/1@2", "books toys", false},
	} {
		page, err := qs.List(t.Context(), tenant, "categories", params(test.query))
		if got := ids(t, page); err != nil || got != test.want || page.Stale != test.stale {
			t.Errorf("%q: got %q, stale %v, %v", test.query, got, page.Stale, err)
		}
	}
	go func() {
		time.Sleep(200 * time.Millisecond)
		// While the index catches up, the rows go on changing.
		more := a.append(events.Stream("product/4").In(tenant), added("books", 1))
		a.p.Project(context.Background(), more)
		behind.Project(context.Background(), ds[1:2])
	}()
	start := time.Now()
	page, err := qs.List(t.Context(), tenant, "categories", params("sort=products after=product/1@2"))
	if got := ids(t, page); err != nil || got != "books games toys" || page.Stale || time.Since(start) > 300*time.Millisecond {
		t.Errorf("got %q, stale %v after %v, %v", got, page.Stale, time.Since(start), err)
	}
}
