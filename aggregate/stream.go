package aggregate

import (
	"context"
	"slices"
	"time"

	"daybook/events"
)

// existence is what is known of a stream before it is read.
type existence int

const (
	unknown existence = iota
	absent
	present
)

// handleStream gives every command of ps, all on one stream, its outcome. With
// inOrder, see handleAll.
func (h *Handler) handleStream(ctx context.Context, stream events.Stream, ps []*Attempt, known existence, inOrder bool) {
	e, err := h.cache.acquire(ctx, stream)
	if err != nil {
		failAll(ps, len(ps), err, inOrder)
		return
	}
	e.expire(h.opts.Now())
	sound := false
	defer func() {
		e.warm = e.warm && sound // a panic may have left half of a state
		h.cache.release(stream, e)
	}()
	confirmed := false
	for len(ps) > 0 {
		r := &round{h: h, entry: e, of: ps[0].aggregate, ps: ps, confirmed: confirmed}
		n, err := r.run(ctx, known)
		if err != nil && failAll(ps, n, err, inOrder) {
			break
		}
		ps, known, confirmed = ps[n:], unknown, err == nil && r.confirmed
	}
	sound = true
}

// failAll gives the first n of ps the same error. With inOrder, a transient error
// goes to the first only and holds all others: then it reports true.
func failAll(ps []*Attempt, n int, err error, inOrder bool) (held bool) {
	held = inOrder && events.Transient(err)
	for i, p := range ps {
		switch {
		case held && i > 0:
			p.Hold(err)
		case i < n:
			p.Err = err
		}
	}
	return held
}

// round decides some commands on one stream and makes at most one commit of
// them. Its entry is locked.
type round struct {
	h     *Handler
	entry *entry
	of    Aggregate
	ps    []*Attempt

	// confirmed: the entry's state was the stream's at some moment since the
	// round began, so that a rejection or a no-op decided on it is right.
	confirmed bool
	// presumed: the stream was not read, since a command that creates comes first; the
	// entry knows at most its first commit.
	presumed bool
	most     int  // commands to decide at most; 0 for no limit
	unkept   bool // no kept commands: they made the commit too large
	bare     bool // no snapshot: one made the commit too large

	// taken are claims that other streams held when the stream was at the
	// entry's position.
	taken map[events.Claim]bool
}

// run returns how many commands, from the first on, it gave an outcome; with an
// error, that is their common outcome.
func (r *round) run(ctx context.Context, known existence) (int, error) {
	if err := r.begin(ctx, known); err != nil {
		return len(r.ps), err
	}
	defer func() { r.entry.warm = r.entry.warm && !r.presumed }()
	if err := r.reach(ctx); err != nil {
		return len(r.ps), err
	}
	for conflicts, refusals := 0, 0; ; {
		p := r.plan()
		if len(p.unsure) > 0 {
			if err := r.h.recall(ctx, p.unsure, p.time); err != nil {
				return len(r.ps), err
			}
			continue
		}
		if len(p.events) == 0 {
			if r.confirmed || p.certain {
				return p.assignOutcomes(r.ps), nil
			}
			if err := r.confirm(ctx); err != nil {
				return len(r.ps), err
			}
			continue
		}
		c, err := r.append(ctx, p)
		switch code := events.CodeOf(err); {
		case err == nil:
			r.entry.appended(r.of, &c, p.state)
			r.confirmed, r.presumed = true, false
			return p.assignOutcomes(r.ps), nil
		case code == events.CodeTooLarge && r.smaller(p):
		case code == events.CodeAlreadyTaken:
			if refusals++; refusals > len(r.ps)+r.h.opts.Attempts {
				return p.n, tooBusy(r.entry.position.Stream())
			}
			if err := r.recordRefusal(err, p.n); err != nil {
				return p.n, err
			}
		case code == events.CodeConflict:
			if conflicts++; conflicts >= r.h.opts.Attempts {
				return p.n, tooBusy(r.entry.position.Stream())
			}
			if err := r.catchUp(ctx, err, conflicts); err != nil {
				return len(r.ps), err
			}
		default:
			r.entry.warm = code == events.CodeTooLarge // otherwise, whether it was written is unknown
			return p.n, err
		}
	}
}

func tooBusy(stream events.Stream) error {
	return &events.Error{Code: events.CodeBusy, Message: "too many commands write to " + string(stream.In("")) + " at once", RetryAfter: time.Second}
}

// recordRefusal records what kept the plan's commit from being stored: the next plan
// fails the commands that claim it, answers those that had an answer before, and
// goes on with their neighbours. Whether the refusal is right is confirmed like
// a rejection: by a commit of the neighbours, or by reading newer commits.
func (r *round) recordRefusal(err error, n int) error {
	if r.taken == nil {
		r.taken = map[events.Claim]bool{}
	}
	if !addTaken(err, r.taken, r.ps[:n]) {
		return events.Wrap(events.CodeInternal, err, "the store refused what it had not been asked for")
	}
	r.confirmed = false
	return nil
}

// addTaken adds the claims that err says are taken and reports whether any is new.
func addTaken(err error, taken map[events.Claim]bool, ps []*Attempt) (news bool) {
	e, ok := events.TakenOf(err)
	if !ok {
		return false
	}
	for _, c := range e.Claims {
		news = news || !taken[c]
		taken[c] = true
	}
	for _, s := range e.Spent {
		for _, p := range ps {
			if p.once && p.Command.CommandID == s.ID && p.spent == nil {
				p.spent, news = &s, true
			}
		}
	}
	return news
}

// recall asks the store what is kept of once-only commands of a stream.
func (h *Handler) recall(ctx context.Context, ps []*Attempt, now time.Time) error {
	for chunk := range slices.Chunk(ps, 100) {
		ids := make([]string, len(chunk))
		for i, p := range chunk {
			ids[i] = p.Command.CommandID
		}
		spent, err := h.store.Spent(ctx, now, chunk[0].Command.Tenant, ids)
		if err != nil {
			return err
		}
		for i, p := range chunk {
			p.looked, p.spent = true, spent[i]
		}
	}
	return nil
}

// begin makes the entry warm: without a read for a command that creates, whose
// stream is presumed not to exist. The append verifies it, and what is decided
// without one is confirmed.
func (r *round) begin(ctx context.Context, known existence) error {
	if r.entry.warm || known != unknown || !r.ps[0].creates {
		return r.prepare(ctx, known)
	}
	r.entry.reset(r.of)
	r.entry.warm, r.presumed, r.confirmed = true, true, false
	return nil
}

// confirm brings the entry to the stream's end.
func (r *round) confirm(ctx context.Context) error {
	if !r.presumed {
		return r.refresh(ctx)
	}
	at := r.entry.position.Number()
	if err := r.load(ctx); err != nil {
		return err
	}
	if r.entry.position.Number() != at {
		r.taken = nil
	}
	r.confirmed, r.presumed = true, false
	return r.reach(ctx)
}

// prepare makes the entry warm.
func (r *round) prepare(ctx context.Context, known existence) error {
	switch {
	case r.entry.warm:
		return nil
	case known == absent:
		r.entry.reset(r.of)
		r.entry.warm = true
	default:
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	r.confirmed = true
	return nil
}

// load reads the stream from its newest fitting snapshot on.
func (r *round) load(ctx context.Context) error {
	r.count(func(p *Attempt) { p.loads++ })
	e := r.entry
	e.reset(r.of)
	// Events are mostly what commands say.
	sized := events.WithCommitSize(ctx, storedSize(commitOverhead+len(r.ps[0].Command.Payload)))
	commits, err := r.h.store.Load(sized, e.position.Stream(), r.of.stateSchema())
	if err != nil {
		return err
	}
	if len(commits) > 0 && commits[0].Number > 1 {
		if err := e.restore(r.of, &commits[0]); err != nil {
			return err
		}
		commits = commits[1:]
	}
	for i := range commits {
		if err := e.fold(r.of, &commits[i]); err != nil {
			return err
		}
	}
	e.warm = true
	return nil
}

// refresh folds the commits that others have written since.
func (r *round) refresh(ctx context.Context) error {
	const page = 100
	r.count(func(p *Attempt) { p.loads++ })
	for {
		at := r.entry.position
		commits, err := r.h.store.Read(ctx, at.Stream(), at.Number()+1, page)
		if err != nil {
			return err
		}
		for i := range commits {
			r.taken = nil
			if err := r.entry.fold(r.of, &commits[i]); err != nil {
				r.entry.warm = false
				return err
			}
		}
		if len(commits) < page {
			r.confirmed = true
			return nil
		}
	}
}

// catchUp folds the commit that was quicker. It came with the conflict, so being
// one commit behind costs no read; after a second conflict there may be many
// writers, and a wait and a read serve better than one failed append a commit.
func (r *round) catchUp(ctx context.Context, conflict error, conflicts int) error {
	r.count(func(p *Attempt) { p.conflicts++ })
	r.confirmed, r.taken = false, nil
	if winner, ok := events.WinnerOf(conflict); ok {
		if err := r.entry.fold(r.of, winner); err != nil {
			r.entry.warm = false
			return err
		}
		if conflicts < 2 {
			return nil
		}
	}
	if r.presumed {
		return r.confirm(ctx) // others' commits, not other writers
	}
	if err := sleep(ctx, backoff(conflicts)); err != nil {
		return err
	}
	return r.refresh(ctx)
}

// append stores the plan's commit. A failure other than a conflict is the caller's:
// the store has retried what a retry helps.
func (r *round) append(ctx context.Context, p *plan) (events.Commit, error) {
	c, err := r.commit(p)
	if err != nil {
		return c, err
	}
	return r.h.store.Append(ctx, r.entry.position, c)
}

// commit makes the plan's commit, with a snapshot when enough has gathered.
func (r *round) commit(p *plan) (events.Commit, error) {
	first := r.ps[0].Command
	c := events.Commit{
		ID:          r.h.opts.NewID(),
		Time:        p.time,
		Actor:       first.Actor,
		Correlation: first.Correlation,
		Causation:   first.Causation,
		Trace:       events.TraceParent(first.Trace),
		Commands:    p.commands,
		Events:      p.events,
	}
	if r.unkept {
		c.Commands = slices.Clone(p.commands)
		for i := range c.Commands {
			c.Commands[i].Kept = nil
		}
	}
	c.Claims, c.Releases = net(p.steps)
	e := r.entry
	number, hour := e.position.Number()+1, oldest(p.time.UnixMilli(), r.of.idempotentFor())
	if e.carrier > 0 {
		c.SnapshotDistance = number - e.carrier
	}
	if r.bare || r.h.opts.SnapshotBytes < 0 {
		return c, nil
	}
	due := r.snapshotDue(p, number)
	if !due && !e.memory.endsBlock(number, hour) {
		return c, nil
	}
	snapshot, err := p.state.snapshot()
	if err != nil || !due && len(snapshot.State) > maxBlockState {
		return c, err
	}
	e.memory.snapshot(snapshot, number, hour)
	c.Snapshot = snapshot
	return c, nil
}

// SnapshotCommits is after how many commits three quarters of the bytes are enough
// for a snapshot, so that commits of events of half a kilobyte have one in every
// sixth: six of them and a snapshot fit two read units, and an instance that has
// not met the stream knows how many commits to ask for.
const SnapshotCommits = 6

// snapshotDue reports whether enough has gathered with the plan's commit, which
// has the given number. A large snapshot waits until as much has gathered again,
// so that snapshots about double what a stream writes at most.
func (r *round) snapshotDue(p *plan, number int64) bool {
	e := r.entry
	gathered, enough := e.gathered+storedSize(p.bytes), max(r.h.opts.SnapshotBytes, e.snapshot)
	return gathered >= enough || number-e.carrier == SnapshotCommits && 4*gathered >= 3*enough
}

// smaller makes the next try of a commit that was too large smaller: without kept
// commands, then without a snapshot, then with half the commands. It reports whether
// that is possible.
func (r *round) smaller(p *plan) bool {
	switch {
	case !r.unkept && p.keeps():
		r.unkept = true
	case !r.bare:
		r.bare = true
	case p.n > 1:
		r.most = p.n / 2
	default:
		return false
	}
	return true
}

func (r *round) count(f func(*Attempt)) {
	for _, p := range r.ps {
		f(p)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
}
