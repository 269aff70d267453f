package view_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"daybook/events"
	"daybook/follow"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// TestListRefusesVersionsThatAreNotThere at once, for one read of the stream where
// the view has all of it, and waits for those that are.
func TestListRefusesVersionsThatAreNotThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := ask(t, nil, newUsers(), newCategories())
		a.clean(a.p.Project(t.Context(), slices.Concat(a.append("user/7", created("Ann")), a.append("product/1", added("books", 3)))))
		a.append("user/8", created("Bob"), renamed("B"), renamed("C")) // not projected
		var reads atomic.Int64
		a.store.Before = func(string, events.Stream) error { reads.Add(1); return nil }
		begun := time.Now()
		for request, most := range map[string]int64{
			"users after=user/7@2":                              1,
			"users after=user/7@9223372036854775807":            1,
			"users after=user/none@1":                           1,
			"users id=7 after=user/7@2":                         1,
			"users after=user/7@1 after=user/none@1":            1,
			"categories after=product/1@2":                      1,
			"categories after=product/none@4611686018427387904": 1,
			"users after=user/8@4":                              6,
			"users after=user/8@9223372036854775807":            6,
			"users sort=name after=user/8@1 after=user/none@3":  2,
		} {
			var name string
			_, err := fmt.Sscan(request, &name)
			if err != nil {
				t.Fatal(err)
			}
			reads.Store(0)
			_, err = a.qs.List(t.Context(), "", name, params(request[len(name):]))
			if events.CodeOf(err) != events.CodeMalformed || reads.Load() > most || time.Since(begun) > 0 {
				t.Errorf("%s: %v with %d reads after %v", request, err, reads.Load(), time.Since(begun))
			}
		}
		reads.Store(0)
		if _, err := a.qs.List(t.Context(), "", "users", params("after=user/7@1")); err != nil || reads.Load() > 0 {
			t.Errorf("what the view has was read %d times, %v", reads.Load(), err)
		}
		page, err := a.qs.List(t.Context(), "", "users", params("after=user/8@1"))
		if err != nil || !page.Stale || reads.Load() != 1 || time.Since(begun) != 1500*time.Millisecond {
			t.Errorf("%+v, %v with %d reads after %v", page, err, reads.Load(), time.Since(begun))
		}
	})
}

// TestVersionsOfAnyStream: a list refuses a token if and only if the stream has no
// such version, however its events are spread over commits and wherever the view
// is; and it reads little.
func TestVersionsOfAnyStream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			a := ask(t, &query.Options{Wait: time.Nanosecond}, newUsers())
			at := events.Start("user/7")
			commits := rapid.IntRange(1, 70).Draw(rt, "commits")
			applied := rapid.IntRange(0, commits).Draw(rt, "applied")
			most := rapid.IntRange(1, 4).Draw(rt, "events of a commit")
			var ds []follow.Delivery
			for n := range commits {
				c := viewtest.Commits(t, a.codec, "user/7", renamed("x"))[0]
				c.ID = fmt.Sprint(n)
				for range n % most {
					c.Events = append(c.Events, c.Events[0])
				}
				c, err := a.store.Append(context.Background(), at, c)
				if err != nil {
					rt.Fatal(err)
				}
				at = events.After(&c)
				ds = append(ds, follow.Delivery{Stream: "user/7", Number: c.Number, Commit: &c})
			}
			a.clean(a.p.Project(t.Context(), ds[:applied]))
			reads := 0
			a.store.Before = func(string, events.Stream) error { reads++; return nil }
			version := rapid.OneOf(rapid.Int64Range(1, at.Version()+3), rapid.Int64Range(1, math.MaxInt64)).Draw(rt, "version")
			_, err := a.qs.List(t.Context(), "", "users", params(fmt.Sprint("after=user/7@", version)))
			if want := version > at.Version(); (events.CodeOf(err) == events.CodeMalformed) != want || !want && err != nil || reads > 16 {
				rt.Fatalf("version %d of %d: %v with %d reads", version, at.Version(), err, reads)
			}
		})
	})
}

// TestReadersAreBounded: many tokens do not make a query read without end.
func TestReadersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := ask(t, &query.Options{CatchUp: 50, ReadBudget: 300}, newUsers(), newCategories())
		var after []events.Token
		list := map[string][]string{}
		for i := range query.MaxTokens {
			stream := events.StreamOf("product", fmt.Sprint(i))
			a.append(stream, added("books", 1))
			after = append(after, events.Token{Stream: stream, Version: 1})
			list["after"] = append(list["after"], string(stream)+"@1")
		}
		if _, err := a.qs.Get(t.Context(), "", "categories", "books", after); events.CodeOf(err) != events.CodeBusy {
			t.Errorf("got %v", err)
		}
		if row, err := a.qs.Get(t.Context(), "", "categories", "books", after[:50]); err != nil || string(row.JSON) != `{"id":"books","products":50,"units":50}` {
			t.Errorf("got %s, %v", row.JSON, err)
		}
		var read atomic.Int64
		a.tables.Before = func(c viewtest.Call) error { read.Add(int64(len(c.Keys))); return nil }
		page, err := a.qs.List(t.Context(), "", "categories", list)
		if err != nil || !page.Stale || read.Load() > 2*300 {
			t.Errorf("%+v, %v after %d items", page, err, read.Load())
		}
		list["after"] = append(list["after"], "product/0@1")
		if _, err := a.qs.List(t.Context(), "", "categories", list); events.CodeOf(err) != events.CodeMalformed {
			t.Errorf("got %v", err)
		}
	})
}
