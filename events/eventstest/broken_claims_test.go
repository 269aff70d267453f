package eventstest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"daybook/events"
)

// changing plants a change into every commit that is appended, alone or with
// others.
func changing(change func(m *Memory, c *events.Commit)) func(*broken, *Memory) {
	return func(b *broken, m *Memory) {
		b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
			change(m, &c)
			return m.Append(ctx, at, c)
		}
		b.appendAll = func(ctx context.Context, as []events.Append) ([]events.Commit, error) {
			as = slices.Clone(as)
			for i := range as {
				change(m, &as[i].Commit)
			}
			return m.AppendAll(ctx, as)
		}
	}
}

// ignoring turns what is taken into something else.
func ignoring(answer func(m *Memory, at events.Position, c events.Commit, taken *events.TakenError, err error) (events.Commit, error)) func(*broken, *Memory) {
	return func(b *broken, m *Memory) {
		b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
			got, err := m.Append(ctx, at, c)
			if taken, ok := events.TakenOf(err); ok {
				return answer(m, at, c, taken, err)
			}
			return got, err
		}
	}
}

func claimFaults() []fault {
	ctx := context.Background()
	bare := func(m *Memory, at events.Position, c events.Commit, _ *events.TakenError, _ error) (events.Commit, error) {
		c.Claims, c.Releases = nil, nil
		return m.Append(ctx, at, c)
	}
	const exclude, goes = "claims exclude", "claims go with the commit"
	return []fault{
		{"claims are not kept", exclude, changing(func(_ *Memory, c *events.Commit) { c.Claims = nil })},
		{"releases are not done", exclude, changing(func(_ *Memory, c *events.Commit) { c.Releases = nil })},
		{"a taken claim is passed over", exclude, ignoring(bare)},
		{"one of the taken claims is told", exclude, ignoring(func(_ *Memory, _ events.Position, _ events.Commit, taken *events.TakenError, _ error) (events.Commit, error) {
			return events.Commit{}, events.Taken(&events.TakenError{Claims: taken.Claims[:1]})
		})},
		{"taken is a conflict", exclude, ignoring(func(*Memory, events.Position, events.Commit, *events.TakenError, error) (events.Commit, error) {
			return events.Commit{}, events.Errorf(events.CodeConflict, "taken")
		})},
		{"an own value is taken", exclude, func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				for _, v := range c.Claims {
					if h, _ := m.Holders(ctx, []string{v.Key("")}); h[0].Stream != "" {
						return events.Commit{}, events.Taken(&events.TakenError{Claims: []events.Claim{v}})
					}
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"anyone may release", exclude, changing(func(m *Memory, c *events.Commit) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, v := range c.Releases {
				delete(m.held, v.Key(""))
			}
		})},
		{"looks before it claims", "one claimant", func(b *broken, m *Memory) {
			var all sync.WaitGroup
			all.Add(12)
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				free := c
				free.Claims = nil
				h, _ := m.Holders(ctx, []string{c.Claims[0].Key("")})
				all.Done()
				all.Wait()
				if h[0].Stream == "" {
					return m.Append(ctx, at, free)
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"a taken claim before a lost position", goes, func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				if _, err := m.Append(ctx, events.Start(at.Stream()+"'"), events.Commit{ID: c.ID, Claims: c.Claims, Events: c.Events}); events.CodeOf(err) == events.CodeAlreadyTaken {
					return events.Commit{}, err
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"releases without the commit", goes, changing(func(m *Memory, c *events.Commit) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, v := range c.Releases {
				delete(m.held, v.Key(""))
			}
		})},
		{"what is claimed in passing is not looked at", "claims in passing", changing(func(_ *Memory, c *events.Commit) {
			c.Claims = slices.DeleteFunc(slices.Clone(c.Claims), func(v events.Claim) bool { return slices.Contains(c.Releases, v) })
		})},
		{"what is claimed in passing stays", "claims in passing", changing(func(_ *Memory, c *events.Commit) {
			c.Releases = slices.DeleteFunc(slices.Clone(c.Releases), func(v events.Claim) bool { return slices.Contains(c.Claims, v) })
		})},
		{"values in lower case", "any value can be claimed", changing(func(_ *Memory, c *events.Commit) {
			c.Claims = slices.Clone(c.Claims)
			for i := range c.Claims {
				c.Claims[i].Value = strings.ToLower(c.Claims[i].Value)
			}
		})},
		{"values cut at 2,000 bytes", "any value can be claimed", changing(func(_ *Memory, c *events.Commit) {
			c.Claims = slices.Clone(c.Claims)
			for i := range c.Claims {
				c.Claims[i].Value = c.Claims[i].Value[:min(2000, len(c.Claims[i].Value))]
			}
		})},
		{"long values refused", "any value can be claimed", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				if slices.ContainsFunc(c.Claims, func(v events.Claim) bool { return len(v.Value) > 2048 }) {
					return events.Commit{}, events.Errorf(events.CodeTooLarge, "too large")
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"holders in another order", "any value can be claimed", func(b *broken, m *Memory) {
			b.holders = func(ctx context.Context, keys []string) ([]events.Held, error) {
				return m.Holders(ctx, slices.Sorted(slices.Values(keys)))
			}
		}},
		{"held values are left out", "held values are scanned", func(b *broken, m *Memory) {
			b.scanHeld = func(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
				page, next, err := m.ScanHeld(ctx, segment, segments, cursor)
				return page[:max(0, len(page)-1)], next, err
			}
		}},
		{"held values come in every segment", "held values are scanned", func(b *broken, m *Memory) {
			b.scanHeld = func(ctx context.Context, _, _ int, cursor string) ([]events.Held, string, error) {
				return m.ScanHeld(ctx, 0, 1, cursor)
			}
		}},
		{"the first commit claimed all", "held values are scanned", func(b *broken, m *Memory) {
			b.scanHeld = func(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
				page, next, err := m.ScanHeld(ctx, segment, segments, cursor)
				for i := range page {
					page[i].Commit = 0
				}
				return page, next, err
			}
		}},
	}
}

func onceFaults() []fault {
	const rule = "once-only"
	spent := func(change func(now *time.Time, s *events.Spent)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.spent = func(ctx context.Context, now time.Time, tenant string, ids []string) ([]*events.Spent, error) {
				change(&now, nil)
				got, err := m.Spent(ctx, now, tenant, ids)
				for _, s := range got {
					if s != nil {
						change(&now, s)
					}
				}
				return got, err
			}
		}
	}
	return []fault{
		{"ids are not spent", rule, changing(func(_ *Memory, c *events.Commit) {
			c.Commands = slices.Clone(c.Commands)
			for i := range c.Commands {
				c.Commands[i].Once = false
			}
		})},
		{"every id is spent", rule, changing(func(_ *Memory, c *events.Commit) {
			c.Commands = slices.Clone(c.Commands)
			for i := range c.Commands {
				c.Commands[i].Once = true
			}
		})},
		{"an id is never forgotten", rule, spent(func(now *time.Time, _ *events.Spent) { *now = time.Time{} })},
		{"an append does not forget by time", rule, func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				for _, s := range c.Spends() {
					if there, _ := m.Spent(ctx, time.Time{}, "", []string{s.ID}); there[0] != nil && there[0].Stream != at.Stream() {
						return events.Commit{}, events.Taken(&events.TakenError{Spent: []events.Spent{*there[0]}})
					}
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"an id is spent for a stream", rule, ignoring(func(m *Memory, at events.Position, c events.Commit, taken *events.TakenError, err error) (events.Commit, error) {
			if len(taken.Spent) == 1 && taken.Spent[0].Stream != at.Stream() {
				c.Commands = nil
				return m.Append(context.Background(), at, c)
			}
			return events.Commit{}, err
		})},
		{"an id is spent for all tenants", "tenants share no value and no id", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				for _, s := range c.Spends() {
					for _, tenant := range []string{"", "acme", "once"} {
						if there, _ := m.Spent(ctx, c.Time, tenant, []string{s.ID}); there[0] != nil {
							return events.Commit{}, events.Taken(&events.TakenError{Spent: []events.Spent{*there[0]}})
						}
					}
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"a value is held for all tenants", "tenants share no value and no id", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				for _, v := range c.Claims {
					if h, _ := m.Holders(ctx, []string{v.Key(""), v.Key("acme"), v.Key("once")}); slices.ContainsFunc(h, func(h events.Held) bool { return h.Stream != "" }) {
						return events.Commit{}, events.Taken(&events.TakenError{Claims: []events.Claim{v}})
					}
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"the answer to a spent id goes", rule, spent(func(_ *time.Time, s *events.Spent) {
			if s != nil {
				s.Version = 0
			}
		})},
	}
}

func severalFaults() []fault {
	const rule = "all or none"
	all := func(f func(m *Memory, as []events.Append) ([]events.Commit, error)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.appendAll = func(_ context.Context, as []events.Append) ([]events.Commit, error) { return f(m, as) }
		}
	}
	ctx := context.Background()
	oneByOne := func(m *Memory, as []events.Append) ([]events.Commit, error) {
		var stored []events.Commit
		for _, a := range as {
			c, err := m.Append(ctx, a.At, a.Commit)
			if err != nil {
				return nil, err
			}
			stored = append(stored, c)
		}
		return stored, nil
	}
	unguarded := func(as []events.Append) []events.Append {
		return slices.DeleteFunc(slices.Clone(as), func(a events.Append) bool { return len(a.Commit.Events) == 0 })
	}
	return []fault{
		{"one after the other", rule, all(oneByOne)},
		{"one after the other, side by side", "several at once", all(oneByOne)},
		{"the first stream only", rule, all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			_, err := m.AppendAll(ctx, as[:1])
			stored := make([]events.Commit, len(as))
			for i := range as {
				stored[i] = as[i].Commit
				stored[i].Stream, stored[i].Version, stored[i].Size = as[i].At.Stream(), int64(len(as[i].Commit.Events)), 1
			}
			return stored, err
		})},
		{"a conflict names no winner", rule, all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			stored, err := m.AppendAll(ctx, as)
			if events.CodeOf(err) == events.CodeConflict {
				err = events.Errorf(events.CodeConflict, "somewhere")
			}
			return stored, err
		})},
		{"an own lost answer of several is a conflict", "own lost answer of several", func(b *broken, m *Memory) {
			b.appendAll = func(ctx context.Context, as []events.Append) ([]events.Commit, error) {
				for _, a := range as {
					if there, _ := m.Read(ctx, a.At.Stream(), a.At.Number()+1, 1); len(there) > 0 {
						return nil, events.Conflict(there[0])
					}
				}
				return m.AppendAll(ctx, as)
			}
		}},
		{"a guard does not hold", "guards", all(func(m *Memory, as []events.Append) ([]events.Commit, error) { return m.AppendAll(ctx, unguarded(as)) })},
		{"a guard is written", "guards", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			as = slices.Clone(as)
			for i := range as {
				if len(as[i].Commit.Events) == 0 {
					as[i].Commit.Events = newCommit(1).Events
				}
			}
			return m.AppendAll(ctx, as)
		})},
		{"a value can't change hands", "a value changes hands", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			for _, a := range as {
				for _, v := range a.Commit.Claims {
					if h, _ := m.Holders(ctx, []string{v.Key("")}); h[0].Stream != "" && h[0].Stream != a.At.Stream() {
						return nil, events.Taken(&events.TakenError{Claims: []events.Claim{v}})
					}
				}
			}
			return m.AppendAll(ctx, as)
		})},
		{"a value changes hands without its holder", "a value changes hands", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			m.mu.Lock()
			for _, a := range as {
				for _, v := range a.Commit.Releases {
					delete(m.held, v.Key(""))
				}
			}
			m.mu.Unlock()
			return m.AppendAll(ctx, as)
		})},
		{"the last of two claimants gets it", "a value changes hands", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			stored, err := m.AppendAll(ctx, as)
			if events.CodeOf(err) == events.CodeAlreadyTaken && len(as[0].Commit.Claims) > 0 && len(as[1].Commit.Claims) > 0 {
				as = slices.Clone(as)
				as[0].Commit.Claims = nil
				return m.AppendAll(ctx, as)
			}
			return stored, err
		})},
		{"items are not counted", "limits of several", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			if len(as) <= events.MaxWrites {
				return m.AppendAll(ctx, as)
			}
			return oneByOne(m, as)
		})},
		{"values are not counted", "limits of several", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			stored, err := m.AppendAll(ctx, as)
			if events.CodeOf(err) == events.CodeTooLarge && len(as) < events.MaxWrites {
				return oneByOne(m, as)
			}
			return stored, err
		})},
		{"99 items are too many", "limits of several", all(func(m *Memory, as []events.Append) ([]events.Commit, error) {
			if events.Writes(as) >= events.MaxWrites {
				return nil, events.Errorf(events.CodeTooLarge, "too much")
			}
			return m.AppendAll(ctx, as)
		})},
	}
}
