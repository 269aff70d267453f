package view_test

import (
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
	"daybook/view/viewtest"
)

type userCreated struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (userCreated) EventName() string { return "user-created" }

type userNoted struct{}

func (userNoted) EventName() string { return "user-noted" }

type badlyNamed struct{}

func (badlyNamed) EventName() string { return "UserCreated" }

type userRenamed struct {
	Name string `json:"name"`
}

func (userRenamed) EventName() string { return "user-renamed" }

type userToggled struct {
	Active bool `json:"active"`
}

func (userToggled) EventName() string { return "user-toggled" }

type userRow struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Active bool   `json:"active"`
}

func newUsers() *view.RowView[userRow] {
	return view.New[userRow]("users", "user").
		On(func(r userRow, e userCreated, _ view.Meta) userRow {
			return userRow{Name: e.Name, Email: e.Email, Active: true}
		}).
		On(func(r userRow, e userRenamed, _ view.Meta) userRow {
			r.Name = e.Name
			return r
		}).
		On(func(r userRow, e userToggled, _ view.Meta) userRow {
			r.Active = e.Active
			return r
		}).
		Index("by-email", view.By("email")).
		Index("active", view.By("active").Then("name")).
		Index("all", view.All().Then("name").Shards(3))
}

type productAdded struct {
	Category string `json:"category"`
	Stock    int64  `json:"stock"`
}

func (productAdded) EventName() string { return "product-added" }

type productMoved struct {
	Category string `json:"category"`
}

func (productMoved) EventName() string { return "product-moved" }

type productRetired struct{}

func (productRetired) EventName() string { return "product-retired" }

type categoryRow struct {
	Products int64 `json:"products"`
	Units    int64 `json:"units"`
}
type productMemo struct {
	Category string `json:"category"`
	Stock    int64  `json:"stock"`
}

func newCategories() *view.KeyedView[categoryRow, productMemo] {
	return newKeyed("categories", func(m productMemo) []string {
		if m.Category == "" {
			return nil
		}
		return []string{m.Category}
	})
}

func newKeyed(name string, keys func(productMemo) []string) *view.KeyedView[categoryRow, productMemo] {
	return newUnindexed(name, keys).Index("all", view.All().Then("products"))
}

func newUnindexed(name string, keys func(productMemo) []string) *view.KeyedView[categoryRow, productMemo] {
	return view.NewKeyed[categoryRow, productMemo](name, "product").
		On(func(m productMemo, e productAdded, _ view.Meta) productMemo {
			return productMemo{Category: e.Category, Stock: e.Stock}
		}).
		On(func(m productMemo, e productMoved, _ view.Meta) productMemo {
			m.Category = e.Category
			return m
		}).
		On(func(productMemo, productRetired, view.Meta) productMemo { return productMemo{} }).
		Keys(keys).
		Put(func(r categoryRow, _ string, m productMemo) categoryRow {
			return categoryRow{r.Products + 1, r.Units + m.Stock}
		}).
		Take(func(r categoryRow, _ string, m productMemo) categoryRow {
			return categoryRow{r.Products - 1, r.Units - m.Stock}
		})
}

func newCodec() *events.Codec {
	types := []events.Type{}
	for _, name := range []string{"user-created", "user-renamed", "user-toggled", "user-noted", "product-added", "product-moved", "product-retired"} {
		types = append(types, events.Type{Name: name})
	}
	c, err := events.NewCodec(types...)
	if err != nil {
		panic(err)
	}
	return c
}

func TestGiven(t *testing.T) {
	t.Parallel()
	codec := newCodec()
	rows := viewtest.Given(t, codec, newUsers(), viewtest.Commits(t, codec, "user/7",
		userCreated{Name: "Ann", Email: "a@x"},
		userRenamed{Name: "Anna"})...)
	if got, want := rows.Row("7"), `{"id":"7","name":"Anna","email":"a@x","active":true,"version":2}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := rows.Row("8"); got != "" {
		t.Errorf("a stream without commits has the row %s", got)
	}
	rows = viewtest.Given(t, codec, newCategories(), append(
		viewtest.Commits(t, codec, "product/1", productAdded{"books", 3}),
		viewtest.Commits(t, codec, "product/2",
			productAdded{"books", 4},
			productMoved{"toys"})...)...)
	if got, want := rows.Row("books")+rows.Row("toys"), `{"id":"books","products":1,"units":3}{"id":"toys","products":1,"units":4}`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDeclarationErrors(t *testing.T) {
	t.Parallel()
	noop := func(r userRow, _ userCreated, _ view.Meta) userRow { return r }
	base := func() *view.RowView[userRow] { return view.New[userRow]("users", "user").On(noop) }
	type withID struct {
		ID string `json:"id"`
	}
	type part struct {
		Name string `json:"name"`
		note string
	}
	type lossy struct {
		Parts []*part `json:"parts"`
	}
	type skipping struct {
		Name string `json:"name"`
		Skip string `json:"-"`
	}
	_ = part{}.note
	type plain struct {
		Name string `json:"name"`
	}
	type unwritable struct {
		F func() `json:"f"`
	}
	for name, test := range map[string]struct {
		v    view.View
		want string
	}{
		"bad name":      {view.New[userRow]("Users", "user").On(noop), "lower-case"},
		"reserved":      {view.New[userRow]("openapi.json", "user").On(noop), "reserved"},
		"aggregate":     {view.New[userRow]("users", "").On(noop), "aggregate"},
		"no handler":    {view.New[userRow]("users", "user"), "handles no event"},
		"twice":         {base().On(noop), "handled twice"},
		"event name":    {base().On(func(r userRow, _ badlyNamed, _ view.Meta) userRow { return r }), "lower-case"},
		"pointer":       {base().On(func(r userRow, _ *userRenamed, _ view.Meta) userRow { return r }), "*view_test.userRenamed is not a value type"},
		"version":       {base().Version(0), "count from 1"},
		"unknown field": {base().Index("x", view.By("nick")), `"nick" to partition by`},
		"unknown sort":  {base().Index("x", view.All().Then("nick")), `"nick" to sort by`},
		"bool sort":     {base().Index("x", view.All().Then("active")), `"active" to sort by`},
		"index twice":   {base().Index("x", view.All()).Index("x", view.All()), "declared twice"},
		"index name":    {base().Index("X", view.All()), "lower-case"},
		"shards":        {base().Index("x", view.All().Shards(33)), "33 shards"},
		"folds no text": {base().Index("x", view.By("active").Fold("lower", strings.ToLower)), `a string, which "active" must be`},
		"folds nothing": {base().Index("x", view.All().Fold("lower", strings.ToLower)), "Fold follows the By or Then"},
		"two forms":     {base().Index("x", view.By("email").Fold("lower", strings.ToLower)).Index("y", view.All().Then("email")), `another normal form, or none, in index "x"`},
		"half a form":   {base().Index("x", view.By("email").Fold("lower", strings.ToLower).Then("email")), `another normal form, or none, in index "x"`},
		"form name":     {base().Index("x", view.By("email").Fold("Lower", strings.ToLower)), "lower-case"},
		"no form":       {base().Index("x", view.By("email").Fold("lower", nil)), "needs a function"},
		"id declared":   {view.New[withID]("users", "user"), `must not declare "id"`},
		"no struct":     {view.New[string]("users", "user"), "a row is a struct"},
		"own JSON":      {view.New[time.Time]("users", "user"), "a row is a struct"},
		"lost field":    {view.New[lossy]("users", "user"), "field Parts.note is not stored"},
		"skipped field": {view.New[skipping]("users", "user"), "field Skip is not stored"},
		"lost memory":   {view.NewKeyed[plain, map[string]lossy]("x", "user"), "memory map[string]view_test.lossy: field Parts.note"},
		"unwritable":    {view.New[unwritable]("users", "user"), "rows have no schema"},
		"no function":   {base().On[userRenamed](nil), "no handler"},
		"hide twice":    {base().Hide(func(userRow) bool { return false }).Hide(func(userRow) bool { return true }), "declared twice"},
		"keyed lacks":   {view.NewKeyed[userRow, string]("x", "user"), "declares Keys, Put and Take"},
		"no aggregates": {view.NewKeyed[userRow, string]("x"), "follows no aggregate"},
		"same twice":    {view.NewKeyed[userRow, string]("x", "a", "a"), "named twice"},
	} {
		if err := test.v.Err(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	for _, v := range []view.View{newUsers(), newCategories()} {
		if err := v.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	d := newUsers().Version(2).Describe()
	if d.Name != "users" || d.Kind.String() != "rows" || d.Version != 2 || strings.Join(d.Aggregates, " ") != "user" ||
		strings.Join(d.Events, " ") != "user-created user-renamed user-toggled" {
		t.Errorf("got %+v", d)
	}
	for _, want := range []string{`"id":{"type":"string"}`, `"version":{"type":"integer","format":"int64","minimum":1}`, `"examples":[{"id":"7","version":1,`, `"active":{"type":"boolean"}`, `"required":["id","name","email","active","version"]`} {
		if !strings.Contains(string(d.Schema()), want) {
			t.Errorf("the schema lacks %s: %s", want, d.Schema())
		}
	}
	if want := (driver.IndexDescription{Name: "all", Sort: "name", SortKind: driver.SortString, Shards: 3}); d.Indexes[2] != want {
		t.Errorf("got index %+v", d.Indexes[2])
	}
	c := newCategories().Describe()
	if want := (driver.IndexDescription{Name: "all", Sort: "products", SortKind: driver.SortNumber, Shards: 1}); c.Kind.String() != "keyed" || c.Indexes[0] != want {
		t.Errorf("got %+v", c)
	}
	if strings.Contains(string(c.Schema()), `"version"`) {
		t.Errorf("a keyed row has a version: %s", c.Schema())
	}
	var fields []string
	for _, f := range newThings().Describe().Fields {
		fields = append(fields, f.Name+":"+f.Type)
	}
	if got, want := strings.Join(fields, " "), "id:string group:string flag:boolean name:string price:integer score:number at:time "+
		"nick:string note:string small:integer big:integer tags:other limit:integer off:boolean gone:integer mail:string depth:integer version:integer"; got != want {
		t.Errorf("got fields %s", got)
	}
}

func TestFoldRefuses(t *testing.T) {
	t.Parallel()
	codec := newCodec()
	fold, err := projection.NewFold(newUsers(), codec)
	if err != nil {
		t.Fatal(err)
	}
	commits := viewtest.Commits(t, codec, "user/7", created("Ann"), renamed("B"))
	if err := fold.Add(commits); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]events.Commit{
		"twice": commits, "none": nil, "gap": commits[1:], "another aggregate": viewtest.Commits(t, codec, "product/1", added("x", 1)),
	} {
		if err := fold.Add(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := projection.NewFold(view.New[userRow]("users", "user"), codec); err == nil {
		t.Error("a view without handlers is taken")
	}
	boom, err := projection.NewFold(newBoom(), codec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boom.Stream(viewtest.Commits(t, codec, "user/7", created("Ann"), renamed("panic"))); err == nil || !strings.Contains(err.Error(), `stream "user/7": commit 2`) {
		t.Errorf("got %v", err)
	}
}
