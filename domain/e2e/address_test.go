package e2e

import (
	"encoding/json/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"daybook/api"
)

// oddEnds are ends of ids that a path can't hold as they are, or not through every
// kind of API.
var oddEnds = []string{
	"/", "//b", "/..", "/./c", "/a b", "%", " 50% off", "%25", "%2525", "%2F", "?", "%3F", "#", "\\", ";", ";x=1", "+", " + ", "&=", ",", "'\"", "~",
	"@1", ":", "|^`{}[]<>", "é", "e\u0301", "ß日本", "😀", "\u200d", "\u00a0",
}

// Every id that a command accepts has an address: the Location of its stream, its
// row, a filter and a consistency token carry it, on every kind of API.
func TestEveryIDHasAnAddress(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for _, end := range oddEnds {
			for _, id := range []string{fresh("u") + end, end + fresh("u")} {
				r := c.try("create-user", id, ada(fresh("e")))
				if r.status != http.StatusCreated {
					t.Errorf("create %q: %d %s", id, r.status, r.body)
					continue
				}
				token := decode[accepted](c, r).Token
				location := strings.TrimPrefix(r.header.Get("Location"), "..")
				if a := c.get(location); a.status != http.StatusOK || !strings.Contains(string(a.body), `"user-created"`) {
					t.Errorf("history of %q at %s: %d %s", id, location, a.status, a.body)
				}
				a := c.get("/users/" + api.EncodeSegment(id) + "?" + after(token))
				if a.status != http.StatusOK || decode[struct {
					ID string `json:"id"`
				}](c, a).ID != id {
					t.Errorf("row of %q: %d %s", id, a.status, a.body)
				}
			}
		}
	})
}

// So has every id of a command, and a list carries every id and token.
func TestEveryCommandIDHasAnAddress(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		type element struct {
			Command   string      `json:"command"`
			ID        string      `json:"id"`
			CommandID string      `json:"commandId"`
			Payload   userPayload `json:"payload"`
		}
		var batch []element
		for _, end := range oddEnds {
			batch = append(batch, element{"create-user", fresh("u") + end, fresh("c") + end, ada(fresh("e"))})
		}
		body, err := json.Marshal(batch)
		if err != nil {
			t.Fatal(err)
		}
		a := c.do("POST", "/commands", string(body), "Prefer", "respond-async")
		if a.status != http.StatusAccepted {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for i, queued := range decode[[]struct {
			CommandID string `json:"commandId"`
			Location  string `json:"location"`
		}](c, a) {
			type status struct {
				CommandID string `json:"commandId"`
				Status    string `json:"status"`
				Token     string `json:"token"`
			}
			s := waitFor(c, "/"+queued.Location, func(s status) bool { return s.Status != "pending" })
			if s.Status != "accepted" || s.CommandID != batch[i].CommandID || queued.CommandID != s.CommandID {
				t.Errorf("%q at %s: %+v", batch[i].CommandID, queued.Location, s)
			}
			rows, _ := list[user](c, "/users?id="+url.QueryEscape(batch[i].ID)+"&"+after(s.Token))
			if len(rows) != 1 || rows[0].ID != batch[i].ID {
				t.Errorf("the row of %q: %+v", batch[i].ID, rows)
			}
		}
	})
}

// A keyed row has an address too, whatever its key is made of.
func TestEveryRowKeyHasAnAddress(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for _, category := range []string{"Sale 50% off " + fresh("c"), fresh("c") + "/", "What? " + fresh("c"), "a+b;c " + fresh("c")} {
			c.command("add-product", fresh("p"), map[string]any{"name": "Lamp", "category": category, "price": 100, "currency": "EUR", "stock": 1})
			type row struct {
				ID       string `json:"id"`
				Products int    `json:"products"`
			}
			waitFor(c, "/categories/"+api.EncodeSegment(category), func(r row) bool { return r.ID == category && r.Products == 1 })
		}
	})
}

// Two texts that differ never become one: what can't be carried is refused, on
// every kind of API. Headers and queries that are not UTF-8 or not percent-encoded
// are a gateway's to decode first; one that is not ours may make texts of them that
// the function can't tell from others (MiniStack takes Latin-1 for what it is), so
// those are sent to our own gateways only.
func TestNothingMangledIsTaken(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id := fresh("p")
		added := c.command("add-product", id, map[string]any{"name": "Lamp", "category": "x", "price": 100, "currency": "EUR", "stock": 1})
		restock := c.envelope(id, map[string]any{"quantity": 1})
		tests := []struct {
			name, method, path, body, header string
			values                           []string
		}{
			{"key in Latin-1", "POST", "/commands/restock-product", restock, "Idempotency-Key", []string{"Bestellung-\xe4-1"}},
			{"two keys", "POST", "/commands/restock-product", restock, "Idempotency-Key", []string{"a" + id, "b" + id}},
			{"correlation in Latin-1", "POST", "/commands/restock-product", restock, "X-Correlation-Id", []string{"\xe4"}},
			{"two correlations", "POST", "/commands/restock-product", restock, "X-Correlation-Id", []string{"a", "b"}},
			{"condition in Latin-1", "POST", "/commands/restock-product", restock, "If-Match", []string{"\"\xe4\""}},
			{"preference in Latin-1", "POST", "/commands/restock-product", restock, "Prefer", []string{"wait=\"\xe4\""}},
			{"body in Latin-1", "POST", "/commands/restock-product", strings.Replace(restock, id, "\xe4", 1), "", nil},
			{"id with U+FFFD", "POST", "/commands/restock-product", strings.Replace(restock, id, "\ufffd", 1), "", nil},
			{"batch in Latin-1", "POST", "/commands", "[{\"command\":\"restock-product\",\"commandId\":\"\xe4\"}]", "", nil},
			{"tag in Latin-1", "GET", "/products/" + id, "", "If-None-Match", []string{"\"\xe4\""}},
			{"path in Latin-1", "GET", "/products/%E4", "", "", nil},
			{"status in Latin-1", "GET", "/commands/%E4", "", "", nil},
			{"stream in Latin-1", "GET", "/streams/product/%E4", "", "", nil},
			{"encoded segment that is none", "GET", "/products/~%E4", "", "", nil},
			{"encoded segment of Latin-1", "GET", "/products/~5A", "", "", nil},
			{"value in Latin-1", "GET", "/products?category=%E4", "", "", nil},
			{"name in Latin-1", "GET", "/products?%E4=1", "", "", nil},
			{"token in Latin-1", "GET", "/products/" + id + "?after=product/%E4@1", "", "", nil},
			{"not percent-encoded", "GET", "/products?category=%zz", "", "", nil},
			{"half an escape", "GET", "/products?foo=%", "", "", nil},
			{"semicolons", "GET", "/products?category=x;price=1", "", "", nil},
		}
		gateways := []string{
			"key in Latin-1", "correlation in Latin-1", "condition in Latin-1", "preference in Latin-1", "tag in Latin-1",
			"not percent-encoded", "half an escape", "semicolons",
		}
		for _, test := range tests {
			if c.given && slices.Contains(gateways, test.name) {
				continue
			}
			r := c.request(test.method, test.path, test.body)
			for _, value := range test.values {
				r.Header.Add(test.header, value)
			}
			a := c.send(r)
			if c.given && a.status == http.StatusMultiStatus && strings.Contains(string(a.body), `"code":"malformed"`) {
				continue // a gateway put U+FFFD into the body, and the element is refused for it
			}
			if a.status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", test.name, a.status, a.body)
			}
		}
		r := c.request("POST", "/commands/restock-product", restock)
		r.Header.Del("Content-Type")
		if a := c.send(r); a.status != http.StatusUnsupportedMediaType {
			t.Errorf("no media type: %d %s", a.status, a.body)
		}
		if a := c.get("/products/" + id + "?" + after(added.Token)); !strings.Contains(string(a.body), `"stock":1,`) || !strings.Contains(string(a.body), `"version":1}`) {
			t.Errorf("a refused restock had an effect: %s", a.body)
		}
	})
}
