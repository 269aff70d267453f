package sealed

import (
	"context"
	"errors"
	"slices"

	"daybook/events"
	"daybook/personal"
)

// eventStore is an event store: commits go into it sealed and come out opened, and claims
// of personal values are kept as keyed hashes.
type eventStore struct {
	events.Store
	sealer *personal.Sealer
}

// docs are the parts of commits that may hold personal values.
func docs(cs []events.Commit) (all []personal.Doc) {
	for i := range cs {
		c := &cs[i]
		at := func(bound ...string) personal.Place {
			return personal.Place{Tenant: c.Stream.Tenant(), Subject: string(c.Stream), Bound: bound}
		}
		for j := range c.Events {
			e := &c.Events[j]
			if len(e.Data) > 0 {
				all = append(all, personal.Doc{Place: at("event", string(c.Stream), e.Name), Data: &e.Data})
			}
		}
		for j := range c.Commands {
			if k := c.Commands[j].Kept; k != nil && len(k.Payload) > 0 {
				all = append(all, personal.Doc{Place: at("command", string(c.Stream), k.Name), Data: &k.Payload})
			}
		}
		if c.Snapshot != nil {
			all = append(all, personal.Doc{Place: at("snapshot", string(c.Stream)), Data: &c.Snapshot.State})
		}
	}
	return all
}

// own returns commits whose events, kept commands and snapshots can be changed in place.
func own(cs []events.Commit) []events.Commit {
	mine := append([]events.Commit(nil), cs...)
	for i := range mine {
		mine[i].Events = append([]events.Event(nil), mine[i].Events...)
		mine[i].Commands = append([]events.Command(nil), mine[i].Commands...)
		for j := range mine[i].Commands {
			if k := mine[i].Commands[j].Kept; k != nil {
				copied := *k
				mine[i].Commands[j].Kept = &copied
			}
		}
		if snapshot := mine[i].Snapshot; snapshot != nil {
			copied := *snapshot
			mine[i].Snapshot = &copied
		}
	}
	return mine
}

// touched reports whether a commit has a value to seal, or one to open.
func touched(cs []events.Commit, holds func([]byte) bool) bool {
	return slices.ContainsFunc(docs(cs), func(d personal.Doc) bool { return holds(*d.Data) })
}

// openCommits returns commits with their sealed values opened; those given stay as they
// are.
func openCommits(ctx context.Context, s *personal.Sealer, cs []events.Commit) ([]events.Commit, error) {
	if !touched(cs, personal.Seals) {
		return cs, nil
	}
	mine := own(cs)
	if err := s.Open(ctx, docs(mine)); err != nil {
		return nil, wrapped(ctx, err, "personal values can't be decrypted")
	}
	return mine, nil
}

// wrapped gives an error of keys that has no code one.
func wrapped(ctx context.Context, err error, what string) error {
	if _, ok := errors.AsType[*events.Error](err); ok {
		return err
	}
	if ctx.Err() != nil {
		return events.Wrap(events.CodeCanceled, err, what)
	}
	return events.Wrap(events.CodeInternal, err, what)
}

func (s *eventStore) open(ctx context.Context, cs []events.Commit, err error) ([]events.Commit, error) {
	if err != nil {
		return cs, err
	}
	return openCommits(ctx, s.sealer, cs)
}

// Load implements events.Store.
func (s *eventStore) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	cs, err := s.Store.Load(ctx, stream, snapshot)
	return s.open(ctx, cs, err)
}

// Read implements events.Store.
func (s *eventStore) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	cs, err := s.Store.Read(ctx, stream, from, limit)
	return s.open(ctx, cs, err)
}

// Commits implements events.Store.
func (s *eventStore) Commits(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
	found, err := s.Store.Commits(ctx, stream, numbers)
	if err != nil {
		return found, err
	}
	var cs []events.Commit
	for _, c := range found {
		if c != nil {
			cs = append(cs, *c)
		}
	}
	if cs, err = openCommits(ctx, s.sealer, cs); err != nil {
		return nil, err
	}
	for i, next := 0, 0; i < len(found); i++ {
		if found[i] != nil {
			found[i] = &cs[next]
			next++
		}
	}
	return found, nil
}

// Scan implements events.Store.
func (s *eventStore) Scan(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
	cs, next, err := s.Store.Scan(ctx, segment, segments, cursor)
	cs, err = s.open(ctx, cs, err)
	return cs, next, err
}

// ScanTolerant implements events.TolerantScanner as far as the store below can.
func (s *eventStore) ScanTolerant(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, []events.Damage, string, error) {
	cs, damaged, next, err := events.ScanTolerant(ctx, s.Store, segment, segments, cursor)
	cs, err = s.open(ctx, cs, err)
	return cs, damaged, next, err
}

// Append implements events.Store.
func (s *eventStore) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	as := []events.Append{{At: at, Commit: c}}
	sealed, hashes, err := s.seal(ctx, as)
	if err != nil {
		return c, err
	}
	stored, err := s.Store.Append(ctx, at, sealed[0].Commit)
	if err != nil {
		return stored, s.explain(ctx, err, hashes)
	}
	// The keys were just used, so that opening asks nobody.
	all, err := openCommits(ctx, s.sealer, []events.Commit{stored})
	if err != nil {
		return stored, err
	}
	return all[0], nil
}

// AppendAll implements events.Store.
func (s *eventStore) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	sealed, hashes, err := s.seal(ctx, as)
	if err != nil {
		return nil, err
	}
	stored, err := s.Store.AppendAll(ctx, sealed)
	if err != nil {
		return stored, s.explain(ctx, err, hashes)
	}
	return openCommits(ctx, s.sealer, stored)
}

// seal returns appends with sealed values and hashed claims, and the claims by their
// hashes.
func (s *eventStore) seal(ctx context.Context, as []events.Append) ([]events.Append, map[events.Claim]events.Claim, error) {
	cs := make([]events.Commit, len(as))
	for i := range as {
		cs[i] = as[i].Commit
		cs[i].Stream = as[i].At.Stream()
	}
	hashes := map[events.Claim]events.Claim{}
	if !touched(cs, personal.NeedsSealing) && !claims(cs) {
		return as, hashes, nil
	}
	cs = own(cs)
	if err := s.sealer.Seal(ctx, docs(cs)); err != nil {
		return nil, nil, wrapped(ctx, err, "personal values can't be encrypted")
	}
	mine := make([]events.Append, len(as))
	for i := range as {
		var err error
		if cs[i].Claims, err = s.hash(ctx, cs[i].Stream.Tenant(), cs[i].Claims, hashes); err == nil {
			cs[i].Releases, err = s.hash(ctx, cs[i].Stream.Tenant(), cs[i].Releases, hashes)
		}
		if err != nil {
			return nil, nil, wrapped(ctx, err, "a personal value can't be claimed")
		}
		mine[i] = events.Append{At: as[i].At, Commit: cs[i]}
	}
	return mine, hashes, nil
}

func claims(cs []events.Commit) bool {
	personal := func(c events.Claim) bool { return c.Personal }
	return slices.ContainsFunc(cs, func(c events.Commit) bool {
		return slices.ContainsFunc(c.Claims, personal) || slices.ContainsFunc(c.Releases, personal)
	})
}

// hash returns a tenant's claims with the values of personal ones hashed: equal values
// of two tenants have different hashes.
func (s *eventStore) hash(ctx context.Context, tenant string, cs []events.Claim, hashes map[events.Claim]events.Claim) ([]events.Claim, error) {
	mine := append([]events.Claim(nil), cs...)
	for i, c := range cs {
		if !c.Personal {
			continue
		}
		value, err := s.sealer.Hash(ctx, events.Scoped(tenant, c.Name), c.Value)
		if err != nil {
			return nil, err
		}
		mine[i] = events.Claim{Name: c.Name, Value: value}
		hashes[mine[i]] = c
	}
	return mine, nil
}

// explain returns the error of an append as the caller knows its commits: winners
// opened, claims not hashed.
func (s *eventStore) explain(ctx context.Context, err error, hashes map[events.Claim]events.Claim) error {
	if e, ok := events.TakenOf(err); ok && len(hashes) > 0 {
		taken := *e
		taken.Claims = append([]events.Claim(nil), e.Claims...)
		for i, c := range taken.Claims {
			if known, ok := hashes[c]; ok {
				taken.Claims[i] = known
			}
		}
		return events.Taken(&taken)
	}
	winners := events.WinnersOf(err)
	if len(winners) == 0 {
		return err
	}
	cs := make([]events.Commit, len(winners))
	for i, w := range winners {
		cs[i] = *w
	}
	if !touched(cs, personal.Seals) {
		return err
	}
	opened, failed := openCommits(ctx, s.sealer, cs)
	if failed != nil {
		return failed
	}
	return events.Conflict(opened[0], opened[1:]...)
}
