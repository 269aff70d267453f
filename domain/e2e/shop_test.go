package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"uuid"
)

type user struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	Active  bool   `json:"active"`
	Version int64  `json:"version"`
}

type userPayload struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type name struct {
	Name string `json:"name"`
}

func ada(id string) userPayload { return userPayload{Name: "Ada", Email: id + "@example.com"} }

func TestCreateAndRead(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("u")
		a := c.try("create-user", id, ada(id))
		if a.status != http.StatusCreated || a.header.Get("ETag") != `"1"` {
			t.Errorf("create: %d, ETag %s", a.status, a.header.Get("ETag"))
		}
		r := decode[accepted](c, a)
		if r.ID != id || r.Version != 1 || r.CommandID == "" || r.Token != "user/"+id+"@1" {
			t.Errorf("create: %+v", r)
		}

		path := "/users/" + id + "?" + after(r.Token)
		a = c.get(path)
		want := user{ID: id, Name: "Ada", Email: id + "@example.com", Active: true, Version: 1}
		if got := decode[user](c, a); a.status != http.StatusOK || got != want || a.header.Get("ETag") != `"1"` {
			t.Errorf("row: %d %+v, ETag %s", a.status, got, a.header.Get("ETag"))
		}
		if a := c.get(path, "If-None-Match", `"1"`); a.status != http.StatusNotModified || len(a.body) != 0 {
			t.Errorf("If-None-Match: %d %s", a.status, a.body)
		}
		if a := c.do(http.MethodHead, path, ""); !c.unrouted(a) && (a.status != http.StatusOK || len(a.body) != 0 || a.header.Get("ETag") != `"1"`) {
			t.Errorf("HEAD: %d %q", a.status, a.body)
		}

		r = c.command("rename-user", id, name{"Ada Lovelace"})
		if got := decode[user](c, c.get("/users/"+id+"?"+after(r.Token))); got.Name != "Ada Lovelace" || got.Version != 2 {
			t.Errorf("after the rename: %+v", got)
		}
	})
}

// Ids that a path carries as it is, merely percent-encoded; see
// TestEveryIDHasAnAddress for all others.
func TestOddIDs(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for _, odd := range []string{"ü ñ 日本", "a+b&c=d;e", "hash#tag", `quote"`, "at@1", "a/b"} {
			id := fresh(odd)
			r := c.command("create-user", id, userPayload{Name: odd, Email: fresh("odd") + "@example.com"})
			a := c.get("/users/" + escape(id) + "?" + after(r.Token))
			if got := decode[user](c, a); a.status != http.StatusOK || got.ID != id || got.Name != odd {
				t.Errorf("%q: %d %s", id, a.status, a.body)
			}
			if a := c.get("/streams/user/" + escape(id)); a.status != http.StatusOK {
				t.Errorf("history of %q: %d %s", id, a.status, a.body)
			}
		}
	})
}

func TestCreateWithoutAnID(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		key, person := uuid.New().String(), ada(fresh("u"))
		first := c.command("create-user", "", person, "Idempotency-Key", key)
		again := c.try("create-user", "", person, "Idempotency-Key", key)
		if r := decode[accepted](c, again); r != first || r.ID == "" || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the same create again: %+v, first %+v", r, first)
		}
	})
}

func TestIdempotency(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id, key := fresh("u"), uuid.New().String()
		c.command("create-user", id, ada(id))
		first := c.command("rename-user", id, name{"B"}, "Idempotency-Key", key)
		c.command("rename-user", id, name{"C"})
		again := c.try("rename-user", id, name{"B"}, "Idempotency-Key", key)
		if r := decode[accepted](c, again); r != first || again.status != http.StatusOK || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("repeat: %d %+v, first %+v, %v", again.status, r, first, again.header)
		}
		c.fails(c.try("rename-user", id, name{"D"}, "Idempotency-Key", key), http.StatusUnprocessableEntity, "idempotency-key-reused")
		if got := decode[user](c, c.get("/users/"+id+"?"+after("user/"+id+"@3"))); got.Name != "C" || got.Version != 3 {
			t.Errorf("after the repeats: %+v", got)
		}
	})
}

// TestTakenEmail: a unique value is refused with its field, and without telling
// whose it is; it is free again when its holder gives it up.
func TestTakenEmail(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		first, second := fresh("u"), fresh("u")
		c.command("create-user", first, ada(first))
		taken := c.try("create-user", second, ada(first))
		c.fails(taken, http.StatusConflict, "already-taken")
		if body := string(taken.body); !strings.Contains(body, `"/payload/email"`) || strings.Contains(body, first) {
			t.Errorf("the field is not named, or its holder is: %s", body)
		}
		c.command("change-user-email", first, map[string]string{"email": fresh("u") + "@example.com"})
		c.command("create-user", second, ada(first))
	})
}

func TestConflicts(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("u")
		c.command("create-user", id, ada(id))
		c.command("rename-user", id, name{"B"})
		c.fails(c.try("create-user", id, ada(id)), http.StatusUnprocessableEntity, "user-already-exists")

		body := fmt.Sprintf(`{"id":%q,"payload":{"name":"C"},"expectedVersion":1}`, id)
		if p := c.fails(c.do("POST", "/commands/rename-user", body), http.StatusConflict, "version-conflict"); p.Version != 2 {
			t.Errorf("the conflict names version %d", p.Version)
		}
		if p := c.fails(c.try("rename-user", id, name{"C"}, "If-Match", `"1"`), http.StatusPreconditionFailed, "version-conflict"); p.Version != 2 {
			t.Errorf("the failed precondition names version %d", p.Version)
		}
		if r := c.command("rename-user", id, name{"C"}, "If-Match", `"2"`); r.Version != 3 {
			t.Errorf("with the right version: %+v", r)
		}
	})
}

// Many clients change one stream: all are accepted, none is lost.
func TestContention(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		const clients = 16
		id := fresh("u")
		c.command("create-user", id, ada(id))
		versions := make([]int64, clients)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				a := c.try("rename-user", id, name{fmt.Sprint("name ", i)})
				if a.status != http.StatusOK {
					t.Errorf("client %d: %d %s", i, a.status, a.body)
					return
				}
				versions[i] = decode[accepted](c, a).Version
			})
		}
		all.Wait()
		slices.Sort(versions)
		for i, v := range versions {
			if v != int64(i)+2 {
				t.Fatalf("versions %v", versions)
			}
		}
	})
}

func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("u")
		c.command("create-user", id, ada(id))
		c.command("rename-user", id, name{"B"})
		c.command("deactivate-user", id, nil)
		type history struct {
			Events []struct {
				Version   int64  `json:"version"`
				Name      string `json:"name"`
				Actor     string `json:"actor"`
				CommandID string `json:"commandId"`
			} `json:"events"`
			Next int64 `json:"next"`
		}
		names := func(h history) (all []string) {
			for _, e := range h.Events {
				all = append(all, fmt.Sprint(e.Version, " ", e.Name))
			}
			return all
		}
		h := decode[history](c, c.get("/streams/user/"+id))
		if got := names(h); !slices.Equal(got, []string{"1 user-created", "2 user-renamed", "3 user-deactivated"}) {
			t.Errorf("history %v", got)
		}
		if len(h.Events) > 0 && h.Events[0].CommandID == "" {
			t.Errorf("an event without the command it is of: %+v", h.Events[0])
		}
		h = decode[history](c, c.get("/streams/user/"+id+"?from=2&limit=1"))
		if got := names(h); !slices.Equal(got, []string{"2 user-renamed"}) || h.Next != 3 {
			t.Errorf("page %v, next %d", got, h.Next)
		}
	})
}

// A row as it was: at a version, and at a time.
func TestTimeTravel(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("u")
		c.command("create-user", id, ada(id))
		for _, n := range []string{"B", "C"} {
			c.command("rename-user", id, name{n})
		}
		names := []string{"Ada", "B", "C"}
		for i, want := range names {
			a := c.get(fmt.Sprintf("/users/%s?at=%d", id, i+1))
			if got := decode[user](c, a); a.status != http.StatusOK || got.Name != want || got.Version != int64(i)+1 {
				t.Errorf("at version %d: %d %s", i+1, a.status, a.body)
			}
		}
		h := decode[struct {
			Events []struct {
				Version int64     `json:"version"`
				Time    time.Time `json:"time"`
			} `json:"events"`
		}](c, c.get("/streams/user/"+id))
		for _, e := range h.Events {
			want := e.Version
			for _, later := range h.Events { // commands of one millisecond
				if !later.Time.After(e.Time) {
					want = max(want, later.Version)
				}
			}
			a := c.get("/users/" + id + "?at=" + url.QueryEscape(e.Time.Format(time.RFC3339Nano)))
			if got := decode[user](c, a); a.status != http.StatusOK || got.Name != names[want-1] || got.Version != want {
				t.Errorf("at %s: %d %s", e.Time, a.status, a.body)
			}
		}
		c.fails(c.get("/users/"+id+"?at=4"), http.StatusBadRequest, "malformed")
		c.fails(c.get("/users/"+id+"?at=2000-01-01T00:00:00Z"), http.StatusNotFound, "not-found")
	})
}

type product struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Price    int64  `json:"price"`
	Stock    int64  `json:"stock"`
}

type productPayload struct {
	Name     string `json:"name"`
	Category string `json:"category"`
	Price    int64  `json:"price"`
	Currency string `json:"currency"`
	Stock    int64  `json:"stock"`
}

func TestListByIndex(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		category := fresh("c")
		var tokens string
		for i, price := range []int64{300, 100, 500, 200, 400} {
			r := c.command("add-product", "", productPayload{fmt.Sprint("P", i), category, price, "EUR", 10})
			tokens += "&" + after(r.Token)
		}
		base := "/products?category=" + category + tokens
		prices := func(query string) (all []int64, next string) {
			items, next := list[product](c, base+query)
			for _, p := range items {
				all = append(all, p.Price)
			}
			return all, next
		}
		if got, _ := prices("&sort=price"); !slices.Equal(got, []int64{100, 200, 300, 400, 500}) {
			t.Errorf("by price: %v", got)
		}
		if got, _ := prices("&sort=-price&price.gte=200&price.lt=500"); !slices.Equal(got, []int64{400, 300, 200}) {
			t.Errorf("a range, descending: %v", got)
		}
		var paged []int64
		for cursor, pages := "", 0; ; pages++ {
			got, next := prices("&sort=-price&limit=2" + cursor)
			paged = append(paged, got...)
			if next == "" || pages > 5 {
				break
			}
			cursor = "&cursor=" + escape(next)
		}
		if !slices.Equal(paged, []int64{500, 400, 300, 200, 100}) {
			t.Errorf("in pages: %v", paged)
		}
		c.fails(c.get(base+"&sort=stock"), http.StatusBadRequest, "no-index")
		c.fails(c.get("/products?category="+category+"&cursor=rubbish"), http.StatusBadRequest, "malformed")
	})
}

// A keyed view: a row fed by many streams, exactly once.
func TestKeyedView(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		type row struct {
			Products int64 `json:"products"`
			Units    int64 `json:"units"`
		}
		category, other := fresh("c"), fresh("c")
		var tokens string
		var last accepted
		for i := range 4 {
			last = c.command("add-product", "", productPayload{fmt.Sprint("P", i), category, 1, "EUR", 10})
			tokens += "&" + after(last.Token)
		}
		moved := c.command("move-product-category", last.ID, map[string]string{"category": other})
		tokens += "&" + after(moved.Token)
		read := func(category string) row {
			return waitFor(c, "/categories/"+category+"?"+tokens[1:], func(r row) bool { return r.Products > 0 })
		}
		if got := read(other); got != (row{1, 10}) {
			t.Errorf("the other category: %+v", got)
		}
		if got := read(category); got != (row{3, 30}) {
			t.Errorf("the category: %+v", got)
		}
	})
}

func TestBatch(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		a, b := fresh("u"), fresh("u")
		element := func(command, id, payload, commandID string) string {
			return fmt.Sprintf(`{"command":%q,"id":%q,"payload":%s,"commandId":%q}`, command, id, payload, commandID)
		}
		created := func(id string) string { return `{"name":"A","email":"` + id + `@example.com"}` }
		keys := []string{uuid.New().String(), uuid.New().String(), uuid.New().String(), uuid.New().String(), uuid.New().String()}
		body := "[" + element("create-user", a, created(a), keys[0]) + "," + element("create-user", b, created(b), keys[1]) + "," +
			element("rename-user", a, `{"name":"B"}`, keys[2]) + "," + element("rename-user", fresh("nobody"), `{"name":"B"}`, keys[3]) + "," +
			element("rename-user", b, `{"name":""}`, keys[4]) + "]"
		type result struct {
			Status  int     `json:"status"`
			ID      string  `json:"id"`
			Version int64   `json:"version"`
			Problem problem `json:"problem"`
		}
		for _, again := range []bool{false, true} { // the batch may be sent again
			answer := c.do("POST", "/commands", body)
			got := decode[[]result](c, answer)
			if answer.status != http.StatusMultiStatus || len(got) != 5 {
				t.Fatalf("batch: %d %s", answer.status, answer.body)
			}
			if slices.ContainsFunc(got, func(r result) bool { return r.Status == http.StatusServiceUnavailable }) {
				continue
			}
			if got[0].Status != 201 || got[1].Status != 201 || got[2].Status != 200 || got[2].Version != 2 ||
				got[3].Problem.Code != "user-not-found" || got[4].Problem.Code != "malformed" {
				t.Errorf("results (again %t) %+v", again, got)
			}
		}
	})
}

func TestDescription(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		if a := c.get("/health"); a.status != http.StatusOK {
			t.Errorf("health: %d %s", a.status, a.body)
		}
		description := decode[struct {
			OpenAPI string                    `json:"openapi"`
			Paths   map[string]map[string]any `json:"paths"`
		}](c, c.get("/openapi.json"))
		if description.OpenAPI == "" || description.Paths["/commands/create-user"]["post"] == nil {
			t.Errorf("openapi %q with %d paths", description.OpenAPI, len(description.Paths))
		}
	})
}
