package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"daybook/events"
	"daybook/events/eventstest"
)

// disagreeing is a store whose held values are not what its commits say.
type disagreeing struct {
	events.Store
	held map[string]events.Stream // by key; "" for free
}

func (d *disagreeing) Holders(ctx context.Context, keys []string) ([]events.Held, error) {
	hs, err := d.Store.Holders(ctx, keys)
	for i, key := range keys {
		if stream, ok := d.held[key]; ok {
			hs[i] = events.Held{Key: key, Stream: stream}
		}
	}
	return hs, err
}

func (d *disagreeing) ScanHeld(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
	page, next, err := d.Store.ScanHeld(ctx, segment, segments, cursor)
	page = slices.DeleteFunc(slices.Clone(page), func(h events.Held) bool { _, ok := d.held[h.Key]; return ok })
	if segment == 0 && cursor == "" {
		for key, stream := range d.held {
			if stream != "" {
				page = append(page, events.Held{Key: key, Stream: stream})
			}
		}
	}
	return page, next, err
}

// verified returns the faults in the order in which they are reported.
func verified(t *testing.T, s events.Store) (events.ClaimCheck, []string) {
	t.Helper()
	var faults []string
	check, err := events.VerifyClaims(t.Context(), s, 4, func(f events.ClaimFault) error {
		faults = append(faults, fmt.Sprintf("%s: %q by its commits, %q in the store", f.Key, f.Owner, f.Holder))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return check, faults
}

func TestVerifyClaims(t *testing.T) {
	t.Parallel()
	store := &eventstest.Memory{}
	at := map[int]events.Position{}
	do := func(n int, claims, releases []events.Claim) {
		t.Helper()
		if at[n].Stream() == "" {
			at[n] = events.Start(events.StreamOf("user", fmt.Sprint(n)))
		}
		c, err := store.Append(t.Context(), at[n], events.Commit{
			ID: fmt.Sprint(n, "-", at[n].Number()), Events: []events.Event{{Name: "e", Schema: 1, Data: []byte(`{}`)}}, Claims: claims, Releases: releases,
		})
		if err != nil {
			t.Fatal(err)
		}
		at[n] = events.After(&c)
	}
	email := func(n int) []events.Claim { return []events.Claim{{Name: "email", Value: fmt.Sprint(n)}} }
	for n := range 50 {
		do(n, email(n), nil)
		if n%3 == 0 {
			do(n, email(1000+n), email(n))
		}
		if n%6 == 0 {
			do(1+n, email(n), nil) // a value that changed hands
		}
	}
	do(7, email(5000), email(5000))
	check, faults := verified(t, store)
	if len(faults) > 0 || check.Faults != 0 || check.Held != 59 || check.Commits < 70 {
		t.Errorf("checked %+v, faults %q", check, faults)
	}
	check, faults = verified(t, &disagreeing{store, map[string]events.Stream{
		"email=1": "", "email=2": "user/9", "email=7777": "user/9", "email=0": "user/0",
	}})
	want := []string{
		`email=0: "user/1" by its commits, "user/0" in the store`,
		`email=1: "user/1" by its commits, "" in the store`,
		`email=2: "user/2" by its commits, "user/9" in the store`,
		`email=7777: "" by its commits, "user/9" in the store`,
	}
	if !slices.Equal(faults, want) || check.Faults != 4 {
		t.Errorf("checked %+v, faults %q", check, faults)
	}
	stop := errors.New("enough")
	if _, err := events.VerifyClaims(t.Context(), &disagreeing{store, map[string]events.Stream{"email=1": ""}}, 1, func(events.ClaimFault) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("report's error is lost: %v", err)
	}
}
