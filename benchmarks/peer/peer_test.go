package peer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/benchmarks/meter"
)

const entry = `{"line":1,"product":"p","name":"Lamp","category":"home","quantity":2,"price":50,"currency":"EUR",` +
	`"customer":{"id":"c","name":"Ann","email":"a@example.org"},"address":{"street":"s","city":"c","postcode":"1","country":"DE"},"note":"n"}`

// newClient is the client of a name on a store of its own.
func newClient(t *testing.T, name string) (*client, *meter.Store) {
	t.Helper()
	store, err := meter.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	file := filepath.Join(t.TempDir(), "payloads")
	if err := os.WriteFile(file, []byte(entry+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := readPayloads(file)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := newInstances(name, store.URL, p)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{fresh: fresh}
	if c.warm, err = fresh(); err != nil {
		t.Fatal(err)
	}
	return c, store
}

// TestClientsAgree: after the same requests every client in Go has the same state.
func TestClientsAgree(t *testing.T) {
	t.Parallel()
	for _, name := range []string{NameDaybook, NameBare, NameAdapter} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newClient(t, name)
			ids := []string{"a", "b"}
			for _, r := range []Request{
				{Op: Fill, IDs: ids, Events: 20},
				{Op: Append, IDs: ids, Events: 1, Cold: true},
				{Op: Append, IDs: ids, Events: 1},
				{Op: Create, IDs: []string{"c"}},
				{Op: Contend, IDs: []string{"a"}, Writers: 3, Each: 2},
			} {
				if reply, err := c.run(t.Context(), r); err != nil || reply.Error != "" && r.Op != Contend || reply.Ops == 0 {
					t.Fatalf("%s: %+v, error %v", r.Op, reply, err)
				}
			}
			// The bare loop counts commits, which have one event each here.
			for id, want := range map[string]int64{"a": 28, "b": 22, "c": 1} {
				reply, err := c.run(t.Context(), Request{Op: Load, IDs: []string{id}, Events: int(want), Cold: true})
				if err != nil || reply.Seen != want || reply.Error != "" {
					t.Errorf("%s: got %d entries, want %d: %s, error %v", id, reply.Seen, want, reply.Error, err)
				}
			}
			if again, err := c.run(t.Context(), Request{Op: Create, IDs: []string{"c"}}); err != nil || again.Refused != 1 {
				t.Errorf("a second create: %+v, error %v", again, err)
			}
		})
	}
}

// TestRepeat: Daybook's repeat writes nothing; the others say that they have none.
func TestRepeat(t *testing.T) {
	t.Parallel()
	c, store := newClient(t, NameDaybook)
	for range 2 {
		store.Take()
		if reply, err := c.run(t.Context(), Request{Op: Repeat, IDs: []string{"a"}, Cold: true}); err != nil || reply.Error != "" {
			t.Fatalf("%+v, error %v", reply, err)
		}
	}
	if used := store.Take(); used.WriteUnits != 0 || used.Requests != 1 {
		t.Errorf("a repeat: %+v", used)
	}
	bare, _ := newClient(t, NameBare)
	if reply, err := bare.run(t.Context(), Request{Op: Repeat, IDs: []string{"a"}}); err != nil || !reply.Unsupported {
		t.Errorf("the bare loop: %+v, error %v", reply, err)
	}
}

// TestServe: a client speaks the protocol, and tells an operation that it does not know.
func TestServe(t *testing.T) {
	t.Parallel()
	_, store := newClient(t, NameBare)
	file := filepath.Join(t.TempDir(), "payloads")
	if err := os.WriteFile(file, []byte(entry+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	in := strings.NewReader(`{"op":"create","ids":["x"]}` + "\n" + `{"op":"dance","ids":["x"]}` + "\n")
	if err := Serve(context.Background(), NameBare, store.URL, file, in, &out); err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(out.String(), "\n")
	if !strings.Contains(first, `"ops":1`) || !strings.Contains(second, `no operation \"dance\"`) {
		t.Errorf("got %s", out.String())
	}
	if err := Serve(context.Background(), "nobody", store.URL, file, in, &out); err == nil {
		t.Error("a client that there is not was served")
	}
}
