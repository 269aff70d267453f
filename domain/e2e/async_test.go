package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
	"uuid"
)

// status is the outcome of a queued command.
type status struct {
	CommandID string  `json:"commandId"`
	ID        string  `json:"id"`
	Status    string  `json:"status"`
	Version   int64   `json:"version"`
	Token     string  `json:"token"`
	Started   bool    `json:"started"`
	Problem   problem `json:"problem"`
}

// later sends a command to be handled later, and returns the path of its status.
func (c *client) later(name, id string, payload any, key string) (path string, a answer) {
	c.t.Helper()
	a = c.try(name, id, payload, "Idempotency-Key", key, "Prefer", "respond-async")
	if a.status != http.StatusAccepted || a.header.Get("Preference-Applied") != "respond-async" || a.header.Get("Retry-After") == "" {
		c.t.Fatalf("%s %s: %d %s %v", name, id, a.status, a.body, a.header)
	}
	if got := decode[status](c, a); got.CommandID != key || got.ID != id {
		c.t.Errorf("%s %s under %s: %s", name, id, key, a.body)
	}
	return c.below("/commands/"+name, a.header.Get("Location")), a
}

// below is the path, below the target's URL, of what an answer to path refers to.
func (c *client) below(path, reference string) string {
	c.t.Helper()
	base, err := url.Parse(c.url + path)
	if err != nil {
		c.t.Fatal(err)
	}
	found, err := base.Parse(reference)
	if err != nil || reference == "" {
		c.t.Fatalf("%q is not a path of a status: %v", reference, err)
	}
	below, ok := strings.CutPrefix(found.String(), c.url)
	if !ok {
		c.t.Fatalf("%q behind %s leads to %s", reference, base, found)
	}
	return below
}

// outcome asks for a status until it is no longer pending.
func (c *client) outcome(path string) status {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		a := c.get(path)
		if a.status != http.StatusOK {
			c.t.Fatalf("GET %s: %d %s", path, a.status, a.body)
		}
		s := decode[status](c, a)
		if s.Status != "pending" {
			return s
		}
		if s.Version != 0 || s.Problem.Code != "" || a.header.Get("Retry-After") == "" {
			c.t.Errorf("a pending command: %s %v", a.body, a.header)
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s is pending for %s", path, patience)
		}
	}
}

// TestAsync: a command that is to be handled later is accepted and projected; its
// status says so, and a repeat changes nothing.
func TestAsync(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id, key := fresh("u"), uuid.New().String()
		path, _ := c.later("create-user", id, ada(id), key)
		if s := c.outcome(path); s.Status != "accepted" || s.CommandID != key || s.ID != id || s.Token != "user/"+id+"@1" || s.Version != 1 || !s.Started {
			t.Errorf("status %+v", s)
		}
		if got := decode[user](c, c.get("/users/"+id+"?"+after("user/"+id+"@1"))); got.Name != "Ada" || got.Version != 1 {
			t.Errorf("the row: %+v", got)
		}
		again, a := c.later("create-user", id, ada(id), key)
		if again != path || a.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("a repeat leads to %s, not %s: %v", again, path, a.header)
		}
		if s := c.outcome(path); s.Status != "accepted" || s.Token != "user/"+id+"@1" {
			t.Errorf("status after a repeat %+v", s)
		}
		c.fails(c.try("create-user", id, userPayload{"Eve", id + "@example.com"}, "Idempotency-Key", key, "Prefer", "respond-async"),
			http.StatusUnprocessableEntity, "idempotency-key-reused")
		// Handled at once, it is the command that was handled already.
		if a := c.try("create-user", id, ada(id), "Idempotency-Key", key); a.header.Get("Idempotent-Replayed") != "true" || decode[accepted](c, a).Version != 1 {
			t.Errorf("the same at once: %d %s", a.status, a.body)
		}
	})
}

// TestAsyncRefused: what can't be right is refused at once and leaves no status;
// what the domain rejects is rejected in the status, as it would have been answered.
func TestAsyncRefused(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		path, _ := c.later("rename-user", fresh("nobody"), name{"B"}, uuid.New().String())
		if s := c.outcome(path); s.Status != "rejected" || s.Problem.Code != "user-not-found" || s.Problem.Status != http.StatusUnprocessableEntity || s.Problem.Title == "" || s.Version != 0 {
			t.Errorf("status %+v", s)
		}
		key := uuid.New().String()
		async := []string{"Idempotency-Key", key, "Prefer", "respond-async"}
		c.fails(c.try("rename-user", fresh("u"), name{""}, async...), http.StatusBadRequest, "malformed")
		if a := c.try("fly", fresh("u"), name{"B"}, async...); !c.unrouted(a) {
			c.fails(a, http.StatusNotFound, "unknown-command")
		}
		c.fails(c.get("/commands/"+key), http.StatusNotFound, "not-found")
	})
}

// TestAsyncBatch: the commands of a batch have a status each; those on one stream
// are handled in order.
func TestAsyncBatch(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id, other := fresh("u"), fresh("u")
		element := func(command, id, payload string) string {
			return fmt.Sprintf(`{"command":%q,"id":%q,"payload":%s,"commandId":%q}`, command, id, payload, uuid.New())
		}
		created := func(id string) string { return `{"name":"A","email":"` + id + `@example.com"}` }
		elements := []string{element("create-user", id, created(id)), element("create-user", other, created(other)), element("rename-user", id, `{"name":""}`)}
		for i := range 8 {
			elements = append(elements, element("rename-user", id, fmt.Sprintf(`{"name":"B%d"}`, i)))
		}
		a := c.do(http.MethodPost, "/commands", "["+strings.Join(elements, ",")+"]", "Prefer", "respond-async")
		type result struct {
			Status   int     `json:"status"`
			Location string  `json:"location"`
			Problem  problem `json:"problem"`
		}
		got := decode[[]result](c, a)
		if a.status != http.StatusAccepted || len(got) != len(elements) {
			t.Fatalf("batch: %d %s", a.status, a.body)
		}
		for i, r := range got {
			if i == 2 {
				if r.Status != http.StatusBadRequest || r.Problem.Code != "malformed" {
					t.Errorf("the malformed command: %+v", r)
				}
				continue
			}
			if r.Status != http.StatusAccepted {
				t.Fatalf("command %d: %+v", i, r)
			}
			if s := c.outcome(c.below("/commands", r.Location)); s.Status != "accepted" || i > 2 && s.Version != int64(i-1) {
				t.Errorf("command %d: %+v", i, s)
			}
		}
		if got := decode[user](c, c.get("/users/"+id+"?"+after("user/"+id+"@9"))); got.Name != "B7" {
			t.Errorf("the row: %+v", got)
		}
	})
}

// TestAsyncOfAnother: nobody learns the outcome of another's command.
func TestAsyncOfAnother(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		other := func(r *http.Request) { r.Header.Set("X-Daybook-Actor", "eve") }
		if policy := os.Getenv("DAYBOOK_READ_POLICY"); policy != "" {
			caller := newUser(t, policy)
			other = func(r *http.Request) { caller.sign(t, r) }
		} else if c.given {
			t.Skip("left out: DAYBOOK_URL asks nobody who they are, or there is nobody else; with DAYBOOK_READ_POLICY another caller is made")
		}
		id := fresh("u")
		path, _ := c.later("create-user", id, ada(id), uuid.New().String())
		c.outcome(path)
		for deadline := time.Now().Add(patience); ; {
			r := c.request(http.MethodGet, path, "")
			other(r)
			a := c.roundTrip(r)
			if a.status == http.StatusServiceUnavailable && time.Now().Before(deadline) {
				continue
			}
			c.fails(a, http.StatusNotFound, "not-found")
			return
		}
	})
}
