package eventstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"daybook/events"
)

// oneWinner lets writers race for one position after the other: exactly one
// append succeeds, the others fail with conflict, and the stream holds the
// winners only.
func oneWinner(ctx context.Context, s events.Store) error {
	const writers, positions = 12, 4
	stream := newStream()
	at := events.Start(stream)
	var won []events.Commit
	for range positions {
		commits, errs := race(ctx, s, at, writers)
		var winner *events.Commit
		for i := range errs {
			if errs[i] == nil && winner != nil {
				return fmt.Errorf("commit %d was stored twice", at.Number()+1)
			}
			if errs[i] == nil {
				winner = &commits[i]
			} else if err := wantCode("a loser", errs[i], events.CodeConflict); err != nil {
				return err
			}
		}
		if winner == nil {
			return fmt.Errorf("nobody stored commit %d", at.Number()+1)
		}
		won = append(won, *winner)
		at = events.After(winner)
	}
	return checkStored(ctx, s, stream, won)
}

// race appends different commits at one position at the same time.
func race(ctx context.Context, s events.Store, at events.Position, writers int) ([]events.Commit, []error) {
	commits, errs := make([]events.Commit, writers), make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { commits[i], errs[i] = s.Append(ctx, at, newCommit(1+i%3)) })
	}
	wg.Wait()
	return commits, errs
}

// conflictHandsOverWinner wants the whole commit that took the position, also
// when the stream has gone on since.
func conflictHandsOverWinner(ctx context.Context, s events.Store) error {
	stream := newStream()
	cs, err := fill(ctx, s, events.Start(stream), 3, func(c *events.Commit, number int64) {
		if number == 2 {
			c.Snapshot = &events.Snapshot{Schema: 1, State: []byte(`{"n":2}`), Commands: remembered(3)}
		}
	})
	if err != nil {
		return err
	}
	at := events.Start(stream)
	for i := range cs {
		_, err := s.Append(ctx, at, newCommit(2))
		if err := wantCode("append at a taken position", err, events.CodeConflict); err != nil {
			return err
		}
		winner, ok := events.WinnerOf(err)
		if !ok {
			return errors.New("a conflict does not say who won")
		}
		if err := same(&cs[i], winner); err != nil {
			return fmt.Errorf("winner: %w", err)
		}
		at = events.After(&cs[i])
	}
	return checkStored(ctx, s, stream, cs)
}

// atomicAppend wants all events of a commit or none.
func atomicAppend(ctx context.Context, s events.Store) error {
	stream := newStream()
	want, err := s.Append(ctx, events.Start(stream), newCommit(7))
	if err != nil {
		return err
	}
	if want.Version != 7 || want.Number != 1 || len(want.Events) != 7 {
		return fmt.Errorf("7 events gave commit %d, version %d, %d events", want.Number, want.Version, len(want.Events))
	}
	if _, err := s.Append(ctx, events.Start(stream), newCommit(5)); err == nil {
		return errors.New("a second commit took the same position")
	}
	next, err := s.Append(ctx, events.After(&want), newCommit(10))
	if err != nil {
		return err
	}
	if next.Version != 17 || next.Number != 2 {
		return fmt.Errorf("10 events more gave commit %d, version %d", next.Number, next.Version)
	}
	return checkStored(ctx, s, stream, []events.Commit{want, next})
}

// positionDecides wants stream, number and version from the position, whatever
// the commit says.
func positionDecides(ctx context.Context, s events.Store) error {
	stream, other := newStream(), newStream()
	c := newCommit(2)
	c.Stream, c.Number, c.Version, c.Size = other, 40, 90, 12345
	got, err := s.Append(ctx, events.Start(stream), c)
	if err != nil {
		return err
	}
	if got.Stream != stream || got.Number != 1 || got.Version != 2 {
		return fmt.Errorf("stored as commit %d of %s at version %d", got.Number, got.Stream, got.Version)
	}
	return firstError(checkStored(ctx, s, stream, []events.Commit{got}), checkStored(ctx, s, other, nil))
}

// ownLostAnswer appends the same commits again, as after an answer that was
// lost: success, and nothing is written.
func ownLostAnswer(ctx context.Context, s events.Store) error {
	stream := newStream()
	at := events.Start(stream)
	var want []events.Commit
	var sent []events.Commit
	for range 3 {
		c := newCommit(2)
		sent = append(sent, c)
		for range 2 {
			got, err := s.Append(ctx, at, c)
			if err != nil {
				return fmt.Errorf("append of a commit that is there: %w", err)
			}
			if len(want) < len(sent) {
				want = append(want, got)
			}
			if err := same(&want[len(want)-1], &got); err != nil {
				return err
			}
		}
		at = events.After(&want[len(want)-1])
	}
	if _, err := s.Append(ctx, events.Start(stream), sent[0]); err != nil {
		return fmt.Errorf("append of a commit behind which others are: %w", err)
	}
	return checkStored(ctx, s, stream, want)
}

// endedContext wants code canceled of every method and nothing written.
func endedContext(ctx context.Context, s events.Store) error {
	stream := newStream()
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	expired, cancel := context.WithDeadline(ctx, time.Unix(1, 0))
	defer cancel()
	for _, ended := range []context.Context{canceled, expired} {
		_, appended := s.Append(ended, events.Start(stream), newCommit(1))
		_, loaded := s.Load(ended, stream, 1)
		_, read := s.Read(ended, stream, 1, 10)
		_, started := s.Started(ended, []events.Stream{stream})
		_, _, scanned := s.Scan(ended, 0, 1, "")
		_, all := s.AppendAll(ended, appends(1, events.Start(stream), events.Start(newStream())))
		_, spent := s.Spent(ended, instant, "", []string{"x"})
		_, held := s.Holders(ended, []string{"x=y"})
		_, _, scannedHeld := s.ScanHeld(ended, 0, 1, "")
		err := firstError(
			wantCode("append", appended, events.CodeCanceled),
			wantCode("load", loaded, events.CodeCanceled),
			wantCode("read", read, events.CodeCanceled),
			wantCode("started", started, events.CodeCanceled),
			wantCode("scan", scanned, events.CodeCanceled),
			wantCode("append all", all, events.CodeCanceled),
			wantCode("spent", spent, events.CodeCanceled),
			wantCode("holders", held, events.CodeCanceled),
			wantCode("scan held", scannedHeld, events.CodeCanceled),
		)
		if err != nil {
			return fmt.Errorf("%w: %w", ended.Err(), err)
		}
	}
	return checkStored(ctx, s, stream, nil)
}

// sizeLimit wants a commit over the limit refused, and nothing written.
func sizeLimit(ctx context.Context, s events.Store) error {
	stream := newStream()
	first, err := s.Append(ctx, events.Start(stream), newCommit(1))
	if err != nil {
		return err
	}
	over := newCommit(1)
	over.Events[0].Data = noise(events.MaxCommitSize * 3 / 2) // over it by any encoding
	_, err = s.Append(ctx, events.After(&first), over)
	if err := wantCode("append of a commit over the limit", err, events.CodeTooLarge); err != nil {
		return err
	}
	if err := checkStored(ctx, s, stream, []events.Commit{first}); err != nil {
		return err
	}
	under := newCommit(1)
	under.Events[0].Data = noise(events.MaxCommitSize * 9 / 10)
	next, err := s.Append(ctx, events.After(&first), under)
	if err != nil {
		return fmt.Errorf("append of a commit below the limit: %w", err)
	}
	return checkStored(ctx, s, stream, []events.Commit{first, next})
}

// sizeIsTold wants the same size from each method, and more for more data.
func sizeIsTold(ctx context.Context, s events.Store) error {
	stream := newStream()
	cs, err := fill(ctx, s, events.Start(stream), 2, func(c *events.Commit, number int64) {
		if number == 2 {
			c.Events[0].Data = noise(20_000)
		}
	})
	if err != nil {
		return err
	}
	if cs[0].Size < len(cs[0].Events[0].Data) || cs[1].Size < 12_000 || cs[1].Size > events.MaxCommitSize {
		return fmt.Errorf("sizes %d and %d do not fit what the commits hold", cs[0].Size, cs[1].Size)
	}
	loaded, err := s.Load(ctx, stream, 1)
	if err != nil {
		return err
	}
	read, err := s.Read(ctx, stream, 1, 2)
	if err != nil {
		return err
	}
	_, err = s.Append(ctx, events.Start(stream), newCommit(1))
	winner, ok := events.WinnerOf(err)
	if !ok || len(loaded) != 2 || len(read) != 2 {
		return errors.New("the commits are not there")
	}
	for i, c := range cs {
		if loaded[i].Size != c.Size || read[i].Size != c.Size {
			return fmt.Errorf("size %d when appended, %d when loaded, %d when read", c.Size, loaded[i].Size, read[i].Size)
		}
	}
	if winner.Size != cs[0].Size {
		return fmt.Errorf("size %d when appended, %d as a winner", cs[0].Size, winner.Size)
	}
	return nil
}

// everyField stores commits that use every field and its extremes.
func everyField(ctx context.Context, s events.Store) error {
	stream := events.Stream(string(newStream()) + "/käse 💶 " + strings.Repeat("é", 40))
	at := events.Start(stream)
	var want []events.Commit
	for i, c := range extremes() {
		got, err := s.Append(ctx, at, c)
		if err != nil {
			return fmt.Errorf("commit %d: %w", i+1, err)
		}
		c.Stream, c.Number, c.Version = stream, int64(i+1), at.Version()+int64(len(c.Events))
		if err := same(&c, &got); err != nil {
			return fmt.Errorf("appended: %w", err)
		}
		want = append(want, c)
		at = events.After(&got)
	}
	return checkStored(ctx, s, stream, want)
}

// timeInMilliseconds wants times in UTC, cut to milliseconds.
func timeInMilliseconds(ctx context.Context, s events.Store) error {
	stream := newStream()
	c := newCommit(1)
	c.Time = instant.Add(654_321 * time.Nanosecond).In(time.FixedZone("elsewhere", 5*3600))
	got, err := s.Append(ctx, events.Start(stream), c)
	if err != nil {
		return err
	}
	want := got
	want.Time = instant
	return firstError(same(&want, &got), checkStored(ctx, s, stream, []events.Commit{want}))
}
