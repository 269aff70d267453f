package eventstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"uuid"

	"daybook/events"
)

// newValue is a claim of a value that no other test has.
func newValue() events.Claim { return events.Claim{Name: "value", Value: uuid.New().String()} }

// claiming returns a commit of one event that claims and releases.
func claiming(claims, releases []events.Claim) events.Commit {
	c := newCommit(1)
	c.Commands[0].Version = 1
	c.Claims, c.Releases = claims, releases
	return c
}

func values(vs ...events.Claim) []events.Claim { return vs }

// holds wants exactly this holder of a value.
func holds(ctx context.Context, s events.Store, v events.Claim, want events.Stream) error {
	got, err := s.Holders(ctx, []string{v.Key("")})
	if err != nil {
		return fmt.Errorf("holders: %w", err)
	}
	if len(got) != 1 || got[0].Stream != want || (want != "" && got[0].Key != v.Key("")) {
		return fmt.Errorf("%.80s is held by %+v, want %q", v.Key(""), got, want)
	}
	return nil
}

// checkRefused wants an append refused for exactly these claims.
func checkRefused(what string, err error, claims ...events.Claim) error {
	if err := wantCode(what, err, events.CodeAlreadyTaken); err != nil {
		return err
	}
	taken, ok := events.TakenOf(err)
	if !ok || !slices.Equal(taken.Claims, claims) || len(taken.Spent) > 0 {
		return fmt.Errorf("%s: taken is %+v, want %v", what, taken, claims)
	}
	return nil
}

// claimsExclude follows some values from stream to stream.
func claimsExclude(ctx context.Context, s events.Store) error {
	ann, bob := newStream(), newStream()
	v, w, free := newValue(), newValue(), newValue()
	first, err := s.Append(ctx, events.Start(ann), claiming(values(v, w), nil))
	if err != nil {
		return err
	}
	_, err = s.Append(ctx, events.Start(bob), claiming(values(free, w, v), nil))
	if err := checkRefused("a claim of taken values", err, w, v); err != nil {
		return err
	}
	if err := firstError(checkStored(ctx, s, bob, nil), holds(ctx, s, free, ""), holds(ctx, s, v, ann)); err != nil {
		return fmt.Errorf("after a refused claim: %w", err)
	}
	theirs, err := s.Append(ctx, events.Start(bob), claiming(values(free), values(v)))
	if err := firstError(err, holds(ctx, s, v, ann)); err != nil {
		return fmt.Errorf("release of what another holds: %w", err)
	}
	second, err := s.Append(ctx, events.After(&first), claiming(values(v), values(w)))
	if err != nil {
		return fmt.Errorf("claim of an own value: %w", err)
	}
	if err := firstError(holds(ctx, s, v, ann), holds(ctx, s, w, ""), holds(ctx, s, free, bob)); err != nil {
		return err
	}
	third, err := s.Append(ctx, events.After(&theirs), claiming(values(w), values(free, free)))
	if err != nil {
		return fmt.Errorf("claim of a value that was released: %w", err)
	}
	return firstError(holds(ctx, s, w, bob), holds(ctx, s, free, ""),
		checkStored(ctx, s, ann, []events.Commit{first, second}), checkStored(ctx, s, bob, []events.Commit{theirs, third}))
}

// oneClaimant lets streams race for a value: exactly one gets it.
func oneClaimant(ctx context.Context, s events.Store) error {
	const claimants = 12
	v := newValue()
	streams := make([]events.Stream, claimants)
	errs := make([]error, claimants)
	var wg sync.WaitGroup
	for i := range streams {
		streams[i] = newStream()
		wg.Go(func() {
			for { // a store may answer contention with busy: nothing is decided then
				_, errs[i] = s.Append(ctx, events.Start(streams[i]), claiming(values(v), nil))
				if events.CodeOf(errs[i]) != events.CodeBusy {
					return
				}
			}
		})
	}
	wg.Wait()
	winner := events.Stream("")
	for i, err := range errs {
		switch {
		case err == nil && winner != "":
			return errors.New("two streams hold one value")
		case err == nil:
			winner = streams[i]
		default:
			if err := firstError(checkRefused("a loser", err, v), checkStored(ctx, s, streams[i], nil)); err != nil {
				return err
			}
		}
	}
	if winner == "" {
		return errors.New("nobody got the value")
	}
	return holds(ctx, s, v, winner)
}

// claimsGoWithTheCommit wants nothing claimed or released by a commit that lost
// its position, whatever else is taken, and everything by a repeated one.
func claimsGoWithTheCommit(ctx context.Context, s events.Store) error {
	ann, bob := newStream(), newStream()
	v, w, free := newValue(), newValue(), newValue()
	c := claiming(values(v), nil)
	first, err := s.Append(ctx, events.Start(ann), c)
	if err != nil {
		return err
	}
	if again, err := s.Append(ctx, events.Start(ann), c); err != nil || same(&first, &again) != nil {
		return fmt.Errorf("a repeated claim: %w", errors.Join(err, same(&first, &again)))
	}
	theirs, err := s.Append(ctx, events.Start(bob), claiming(values(w), nil))
	if err != nil {
		return err
	}
	_, err = s.Append(ctx, events.Start(ann), claiming(values(w, free), values(v)))
	winner, ok := events.WinnerOf(err)
	if err := wantCode("a lost position with a taken claim", err, events.CodeConflict); err != nil || !ok || same(&first, winner) != nil {
		return fmt.Errorf("%w: winner %v", err, winner)
	}
	if err := firstError(holds(ctx, s, v, ann), holds(ctx, s, w, bob), holds(ctx, s, free, "")); err != nil {
		return err
	}
	// Another may have the value by the time that a lost answer is repeated.
	gone := claiming(nil, values(v))
	second, err := s.Append(ctx, events.After(&first), gone)
	if err != nil {
		return err
	}
	if _, err := s.Append(ctx, events.After(&theirs), claiming(values(v), nil)); err != nil {
		return err
	}
	for at, c := range map[events.Position]events.Commit{events.Start(ann): c, events.After(&first): gone} {
		if _, err := s.Append(ctx, at, c); err != nil {
			return fmt.Errorf("a commit repeated later: %w", err)
		}
	}
	return firstError(holds(ctx, s, v, bob), checkStored(ctx, s, ann, []events.Commit{first, second}))
}

// passingClaims claims and releases a value in one commit: it must be free.
func passingClaims(ctx context.Context, s events.Store) error {
	ann, bob := newStream(), newStream()
	v, w := newValue(), newValue()
	first, err := s.Append(ctx, events.Start(ann), claiming(values(v, w), values(v)))
	if err != nil {
		return err
	}
	if err := firstError(holds(ctx, s, v, ""), holds(ctx, s, w, ann)); err != nil {
		return err
	}
	_, err = s.Append(ctx, events.Start(bob), claiming(values(w), values(w)))
	if err := checkRefused("a taken value in passing", err, w); err != nil {
		return err
	}
	if _, err := s.Append(ctx, events.After(&first), claiming(values(w), values(w))); err != nil {
		return err
	}
	return holds(ctx, s, w, "")
}

// anyValue claims values that a store might confuse or not be able to keep.
func anyValue(ctx context.Context, s events.Store) error {
	name := "n-" + uuid.New().String()
	long := strings.Repeat("long@", 1000)
	texts := []string{
		"", "a", "A", " a", "a ", "é", "e\u0301", "a=b", "a#b", "=", "#", "\x00", "\U0001F9C0\u2028", long, long + "x",
		strings.Repeat("é", 700), strings.Repeat("x", 1023-len(name)), strings.Repeat("x", 1024-len(name)), strings.Repeat("y", 150_000),
	}
	claims := []events.Claim{{Name: name + "-a", Value: "a"}, {Name: name + "-", Value: "a"}}
	for _, text := range texts {
		claims = append(claims, events.Claim{Name: name, Value: text})
	}
	holders := map[string]events.Stream{}
	for _, v := range claims {
		stream := newStream()
		if _, err := s.Append(ctx, events.Start(stream), claiming(values(v), nil)); err != nil {
			return fmt.Errorf("%.80q: %w", v.Value, err)
		}
		holders[v.Key("")] = stream
	}
	for _, v := range claims {
		if err := holds(ctx, s, v, holders[v.Key("")]); err != nil {
			return err
		}
		_, err := s.Append(ctx, events.Start(newStream()), claiming(values(v), nil))
		if err := checkRefused("a second claim", err, v); err != nil {
			return err
		}
	}
	keys := make([]string, 0, len(holders)+1)
	for key := range holders {
		keys = append(keys, key)
	}
	keys = append(keys, keys[0])
	got, err := s.Holders(ctx, keys)
	if err != nil || len(got) != len(keys) {
		return fmt.Errorf("holders of %d values: %d, error %w", len(keys), len(got), err)
	}
	for i, h := range got {
		if h.Stream != holders[keys[i]] || h.Commit != 1 {
			return fmt.Errorf("%.80s is held by %+v", keys[i], h)
		}
	}
	return nil
}

// once returns a commit of one once-only command.
func once(id string, at time.Time) events.Commit {
	c := newCommit(1)
	c.Time = at
	c.Commands[0] = events.Command{ID: id, Digest: events.Digest{9, 8, 7}, Version: 1, Once: true}
	return c
}

// onceOnly spends command ids and waits, by the commits' time, for them to be
// forgotten.
func onceOnly(ctx context.Context, s events.Store) error {
	id := uuid.New().String()
	ann := newStream()
	c := once(id, instant)
	c.Commands = append(c.Commands, events.Command{ID: uuid.New().String(), Version: 1}) // not once-only
	first, err := s.Append(ctx, events.Start(ann), c)
	if err != nil {
		return err
	}
	until := instant.Add(events.OnceOnlyFor).Truncate(time.Second)
	want := events.Spent{ID: id, Digest: events.Digest{9, 8, 7}, Stream: ann, Version: 1, Started: true, Until: until}
	for _, now := range []time.Time{instant, instant.Add(-time.Hour), until.Add(-time.Millisecond)} {
		got, err := s.Spent(ctx, now, "", []string{"never " + id, id, c.Commands[1].ID, id})
		if err != nil || len(got) != 4 || got[0] != nil || got[1] == nil || *got[1] != want || got[2] != nil || got[3] == nil {
			return fmt.Errorf("at %v: spent %+v, error %w", now, got, err)
		}
		for at, c := range map[events.Position]events.Commit{events.Start(newStream()): once(id, now), events.After(&first): once(id, now)} {
			_, err = s.Append(ctx, at, c)
			taken, ok := events.TakenOf(err)
			if !ok || events.CodeOf(err) != events.CodeAlreadyTaken || len(taken.Spent) != 1 || taken.Spent[0] != want || len(taken.Claims) > 0 {
				return fmt.Errorf("a spent id at %v: %+v, error %w", now, taken, err)
			}
		}
	}
	if again, err := s.Append(ctx, events.Start(ann), c); err != nil || same(&first, &again) != nil {
		return fmt.Errorf("a repeated once-only commit: %w", errors.Join(err, same(&first, &again)))
	}
	if got, err := s.Spent(ctx, until, "", []string{id}); err != nil || got[0] != nil {
		return fmt.Errorf("forgotten, and there: %+v, error %w", got[0], err)
	}
	bob := newStream()
	if _, err := s.Append(ctx, events.Start(bob), once(id, until)); err != nil {
		return fmt.Errorf("an id that is forgotten: %w", err)
	}
	got, err := s.Spent(ctx, until, "", []string{id})
	if err != nil || got[0] == nil || got[0].Stream != bob {
		return fmt.Errorf("an id spent again: %+v, error %w", got[0], err)
	}
	return checkStored(ctx, s, ann, []events.Commit{first})
}

// scanHeld wants each value held once over all segments, whatever pages there
// are, and no command ids among them.
func scanHeld(ctx context.Context, s events.Store) error {
	want := map[string]events.Held{}
	for i := range 40 {
		stream := newStream()
		c := once(uuid.New().String(), instant)
		for range 1 + i%3 {
			c.Claims = append(c.Claims, newValue())
		}
		got, err := s.Append(ctx, events.Start(stream), c)
		if err != nil {
			return err
		}
		for _, v := range c.Claims {
			want[v.Key("")] = events.Held{Key: v.Key(""), Stream: stream, Commit: 1}
		}
		if i%4 == 0 {
			if _, err := s.Append(ctx, events.After(&got), claiming(nil, c.Claims[:1])); err != nil {
				return err
			}
			delete(want, c.Claims[0].Key(""))
		}
	}
	for _, segments := range []int{1, 5} {
		seen := map[string]bool{}
		for segment := range segments {
			for cursor, pages := "", 0; ; pages++ {
				page, next, err := s.ScanHeld(ctx, segment, segments, cursor)
				if err != nil || pages == maxScanPages {
					return fmt.Errorf("%d pages: %w", pages, err)
				}
				for _, h := range page {
					ours := h.Stream.Aggregate() == "conformance" && !seen[h.Key]
					if w, ok := want[h.Key]; ok && (h != w || !ours) || !ok && strings.Contains(strings.TrimPrefix(h.Key, h.Stream.Tenant()+":"), ":") {
						return fmt.Errorf("scanned %+v, want %+v", h, w)
					}
					seen[h.Key] = true
				}
				if cursor = next; next == "" {
					break
				}
			}
		}
		for key := range want {
			if !seen[key] {
				return fmt.Errorf("%d segments: %s is missing", segments, key)
			}
		}
	}
	return nil
}

// tenantsApart claims one value and spends one id for each of two tenants and without
// one, the tenant that is called as the keys of ids begin among them.
func tenantsApart(ctx context.Context, s events.Store) error {
	v, id := newValue(), uuid.New().String()
	var streams []events.Stream
	for _, tenant := range []string{"", "acme", "once"} {
		stream := newStream().In(tenant)
		c := once(id, instant)
		c.Claims = values(v)
		if _, err := s.Append(ctx, events.Start(stream), c); err != nil {
			return fmt.Errorf("a value and an id that another tenant has: %w", err)
		}
		streams = append(streams, stream)
	}
	for _, stream := range streams {
		tenant := stream.Tenant()
		held, err := s.Holders(ctx, []string{v.Key(tenant)})
		if err != nil || held[0] != (events.Held{Key: v.Key(tenant), Stream: stream, Commit: 1}) {
			return fmt.Errorf("the value of tenant %q: %+v, error %w", tenant, held, err)
		}
		spent, err := s.Spent(ctx, instant, tenant, []string{id})
		if err != nil || spent[0] == nil || spent[0].ID != id || spent[0].Stream != stream {
			return fmt.Errorf("the id of tenant %q: %+v, error %w", tenant, spent[0], err)
		}
		second := newStream().In(tenant)
		_, err = s.Append(ctx, events.Start(second), claiming(values(v), nil))
		if err := checkRefused("a second claim of a tenant", err, v); err != nil {
			return err
		}
		if _, err = s.Append(ctx, events.Start(second), once(id, instant)); events.CodeOf(err) != events.CodeAlreadyTaken {
			return fmt.Errorf("a spent id of tenant %q: error %w", tenant, err)
		}
	}
	if spent, err := s.Spent(ctx, instant, "globex", []string{id}); err != nil || spent[0] != nil {
		return fmt.Errorf("the id of a tenant that has none: %+v, error %w", spent[0], err)
	}
	found := 0
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := s.ScanHeld(ctx, 0, 1, cursor)
		if err != nil || pages == maxScanPages {
			return fmt.Errorf("%d pages: %w", pages, err)
		}
		for _, h := range page {
			if slices.Contains(streams, h.Stream) {
				found++
			}
		}
		if cursor = next; next == "" {
			break
		}
	}
	if found != len(streams) {
		return fmt.Errorf("%d values were scanned, want %d: no ids, and all tenants' values", found, len(streams))
	}
	return nil
}
