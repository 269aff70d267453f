package eventstest

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"slices"
	"sync"

	"daybook/events"
)

// appends makes one append of n events at each position.
func appends(n int, at ...events.Position) []events.Append {
	as := make([]events.Append, len(at))
	for i, p := range at {
		c := newCommit(n)
		c.Commands[0].Version = p.Version() + int64(n)
		as[i] = events.Append{At: p, Commit: c}
	}
	return as
}

// allOrNone appends to several streams at once.
func allOrNone(ctx context.Context, s events.Store) error {
	a, b, c := newStream(), newStream(), newStream()
	first, err := s.AppendAll(ctx, appends(2, events.Start(a), events.Start(b)))
	if err != nil {
		return err
	}
	if len(first) != 2 || first[0].Stream != a || first[1].Stream != b || first[1].Version != 2 || first[1].Size == 0 {
		return fmt.Errorf("stored %+v", first)
	}
	_, err = s.AppendAll(ctx, appends(1, events.Start(c), events.Start(a), events.After(&first[1]), events.Start(newStream())))
	winners := events.WinnersOf(err)
	if err := wantCode("a position taken among others", err, events.CodeConflict); err != nil {
		return err
	}
	if len(winners) != 1 || same(&first[0], winners[0]) != nil {
		return fmt.Errorf("the conflict names %v", winners)
	}
	if err := firstError(checkStored(ctx, s, c, nil), checkStored(ctx, s, b, first[1:])); err != nil {
		return fmt.Errorf("after a conflict: %w", err)
	}
	_, err = s.AppendAll(ctx, appends(1, events.Start(b), events.Start(c), events.Start(a)))
	winners = events.WinnersOf(err)
	if len(winners) == 0 || slices.ContainsFunc(winners, func(w *events.Commit) bool {
		return same(&first[0], w) != nil && same(&first[1], w) != nil
	}) {
		return fmt.Errorf("two positions are taken, the conflict names %v", winners)
	}
	one, err := s.AppendAll(ctx, appends(3, events.After(&first[0])))
	if err != nil {
		return fmt.Errorf("all of one: %w", err)
	}
	return firstError(checkStored(ctx, s, a, []events.Commit{first[0], one[0]}), checkStored(ctx, s, c, nil))
}

// allOwnLostAnswer appends the same commits to several streams again.
func allOwnLostAnswer(ctx context.Context, s events.Store) error {
	a, b, guarded := newStream(), newStream(), newStream()
	as := appends(1, events.Start(a), events.Start(b))
	v := newValue()
	as[0].Commit.Claims = values(v)
	as[1].Commit.Commands[0].Once = true
	as = append(as, events.Append{At: events.Start(guarded)})
	first, err := s.AppendAll(ctx, as)
	if err != nil {
		return err
	}
	// Meanwhile others write behind it, and to the stream that was guarded.
	if _, err := fill(ctx, s, events.After(&first[0]), 1, nil); err != nil {
		return err
	}
	if _, err := fill(ctx, s, events.Start(guarded), 1, nil); err != nil {
		return err
	}
	again, err := s.AppendAll(ctx, as)
	if err != nil {
		return fmt.Errorf("append of commits that are there: %w", err)
	}
	for i := range 2 {
		if err := same(&first[i], &again[i]); err != nil {
			return err
		}
	}
	return firstError(checkStored(ctx, s, b, first[1:2]), holds(ctx, s, v, a))
}

// guards wants a stream that is only read to stand still, and nothing stored.
func guards(ctx context.Context, s events.Store) error {
	a, b, empty := newStream(), newStream(), newStream()
	there, err := fill(ctx, s, events.Start(b), 2, nil)
	if err != nil {
		return err
	}
	guard := func(at events.Position) []events.Append {
		return append(appends(1, events.Start(a)), events.Append{At: at}, events.Append{At: events.Start(empty)})
	}
	_, err = s.AppendAll(ctx, guard(events.After(&there[0])))
	winners := events.WinnersOf(err)
	if err := wantCode("a guarded stream that went on", err, events.CodeConflict); err != nil || len(winners) != 1 || same(&there[1], winners[0]) != nil {
		return fmt.Errorf("%w: winners %v", err, winners)
	}
	if err := checkStored(ctx, s, a, nil); err != nil {
		return err
	}
	got, err := s.AppendAll(ctx, guard(events.After(&there[1])))
	if err != nil {
		return err
	}
	return firstError(checkStored(ctx, s, a, got[:1]), checkStored(ctx, s, b, there), checkStored(ctx, s, empty, nil))
}

// changeHands moves a value from one stream to another in one append, whichever
// stands first.
func changeHands(ctx context.Context, s events.Store) error {
	for _, backwards := range []bool{false, true} {
		a, b, c := newStream(), newStream(), newStream()
		v := newValue()
		first, err := s.Append(ctx, events.Start(a), claiming(values(v), nil))
		if err != nil {
			return err
		}
		as := appends(1, events.After(&first), events.Start(b))
		as[0].Commit.Releases, as[1].Commit.Claims = values(v), values(v)
		if backwards {
			slices.Reverse(as)
		}
		if _, err := s.AppendAll(ctx, as); err != nil {
			return fmt.Errorf("a value that changes hands: %w", err)
		}
		if err := holds(ctx, s, v, b); err != nil {
			return err
		}
		as = appends(1, events.Start(c), events.Start(newStream()))
		as[0].Commit.Claims, as[1].Commit.Releases = values(v), values(v)
		_, err = s.AppendAll(ctx, as)
		if err := firstError(checkRefused("a value that is not the other's to give", err, v), checkStored(ctx, s, c, nil)); err != nil {
			return err
		}
		w := newValue()
		as = appends(1, events.Start(newStream()), events.Start(newStream()))
		as[0].Commit.Claims, as[1].Commit.Claims = values(w), values(w)
		if _, err = s.AppendAll(ctx, as); err != nil {
			err = checkRefused("a value claimed by two streams at once", err, w)
		} else {
			err = fmt.Errorf("two streams claimed a value at once")
		}
		if err := firstError(err, holds(ctx, s, w, "")); err != nil {
			return err
		}
	}
	return nil
}

// allLimits wants the limits of an append over several streams.
func allLimits(ctx context.Context, s events.Store) error {
	positions := make([]events.Position, events.MaxWrites+1)
	for i := range positions {
		positions[i] = events.Start(newStream())
	}
	_, err := s.AppendAll(ctx, appends(1, positions...))
	if err := wantCode("one item too many", err, events.CodeTooLarge); err != nil {
		return err
	}
	as := appends(1, positions[:events.MaxWrites-1]...)
	v, w := newValue(), newValue()
	as[5].Commit.Claims, as[6].Commit.Releases = values(v, w), values(v)
	_, err = s.AppendAll(ctx, as)
	if err := firstError(wantCode("values count", err, events.CodeTooLarge), checkStored(ctx, s, positions[5].Stream(), nil)); err != nil {
		return err
	}
	as[5].Commit.Claims = values(v)
	if _, err := s.AppendAll(ctx, as); err != nil {
		return fmt.Errorf("as many items as may be: %w", err)
	}
	large := appends(1, positions[events.MaxWrites-1:]...)
	for range 14 {
		large = append(large, appends(1, events.Start(newStream()))...)
	}
	fill := func(data jsontext.Value) {
		for i := range large {
			large[i].Commit.Events[0].Data = data
		}
	}
	fill(noise(events.MaxCommitSize * 3 / 2))
	_, err = s.AppendAll(ctx, large[:2])
	if err := firstError(wantCode("a commit over the limit", err, events.CodeTooLarge), checkStored(ctx, s, large[0].At.Stream(), nil)); err != nil {
		return err
	}
	fill(noise(events.MaxCommitSize - 3000))
	_, err = s.AppendAll(ctx, large)
	if err := firstError(wantCode("16 commits of nearly 400 KB", err, events.CodeTooLarge), checkStored(ctx, s, large[0].At.Stream(), nil)); err != nil {
		return err
	}
	twice := appends(1, positions[events.MaxWrites], positions[events.MaxWrites])
	_, err = s.AppendAll(ctx, twice)
	return firstError(wantCode("two appends on one stream", err, events.CodeInternal), checkStored(ctx, s, twice[0].At.Stream(), nil))
}

// allConcurrent lets writers race over overlapping pairs of streams: each append
// is whole, and no position is given twice.
func allConcurrent(ctx context.Context, s events.Store) error {
	const streams, writers = 4, 8
	names := make([]events.Stream, streams)
	for i := range names {
		names[i] = newStream()
	}
	var mu sync.Mutex
	won := map[string][]events.Commit{} // by the correlation that both parts share
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range 3 {
				as := appends(1, events.Start(names[(w+n)%streams]), events.Start(names[(w+2*n+1)%streams]))
				if as[0].At == as[1].At {
					continue
				}
				as[1].Commit.Correlation = as[0].Commit.Correlation
				got, err := s.AppendAll(ctx, as)
				if code := events.CodeOf(err); code != "" && code != events.CodeConflict && code != events.CodeBusy {
					errs[w] = err
				}
				if err == nil {
					mu.Lock()
					won[got[0].Correlation] = got
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := firstError(errs...); err != nil {
		return err
	}
	total := 0
	for _, name := range names {
		cs, err := s.Load(ctx, name, 0)
		if err != nil {
			return err
		}
		total += len(cs)
		for i := range cs {
			pair := won[cs[i].Correlation]
			if !slices.ContainsFunc(pair, func(c events.Commit) bool { return same(&c, &cs[i]) == nil }) {
				return fmt.Errorf("%s holds a commit of an append that failed", name)
			}
		}
	}
	if total != 2*len(won) || total == 0 {
		return fmt.Errorf("%d appends to two streams left %d commits", len(won), total)
	}
	return nil
}
