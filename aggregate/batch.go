package aggregate

import (
	"context"
	"slices"

	"daybook/events"
	"daybook/parallel"
)

// HandleBatch handles up to any number of commands and returns their outcomes
// in order. Commands on one stream run in order and share commits; different
// streams run side by side. A command over several streams is in order on each
// of them. Each command stands for itself: one that fails leaves the others as
// they are.
func (h *Handler) HandleBatch(ctx context.Context, cs []Command) []Outcome {
	ps := make([]*Attempt, len(cs))
	for i, c := range cs {
		ps[i] = h.Prepare(c)
	}
	h.handleAll(ctx, ps, false)
	outcomes := make([]Outcome, len(ps))
	for i, p := range ps {
		outcomes[i] = Outcome{p.Result, p.Err}
	}
	return outcomes
}

// handleAll gives every command of ps its outcome. With inOrder, commands on one
// stream behind one that failed transiently are held, not tried.
func (h *Handler) handleAll(ctx context.Context, ps []*Attempt, inOrder bool) {
	under := make([]context.Context, len(ps)) // the store's calls are made for several
	for i, p := range ps {
		under[i] = h.opts.Begin(ctx, &p.Command)
	}
	groups := groupsOf(ps)
	known := h.existing(ctx, groups)
	h.sideBySide(len(groups), func(i int) {
		panicked := events.Guard("handling the command", func() { h.handleGroup(ctx, groups[i], known, inOrder) })
		if panicked != nil {
			failOpen(groups[i], panicked)
		}
	})
	for i, p := range ps {
		h.observe(under[i], p)
	}
}

// failOpen gives an error to those commands that have no outcome yet, so that the
// others of a batch have theirs.
func failOpen(ps []*Attempt, err error) {
	for _, p := range ps {
		if p.Err == nil && p.Result.CommandID == "" {
			p.Err = err
		}
	}
}

// sideBySide calls f with 0 to n-1, Options.Parallel at once, and waits.
func (h *Handler) sideBySide(n int, f func(i int)) { parallel.New(h.opts.Parallel).Each(n, f) }

// groupsOf parts commands so that no two groups share a stream. In a group they
// keep their order. Commands that have failed already are left out.
func groupsOf(ps []*Attempt) [][]*Attempt {
	var order []events.Stream
	lead := map[events.Stream]events.Stream{} // a forest: each stream's way to the one that names its group
	find := func(s events.Stream) events.Stream {
		if _, ok := lead[s]; !ok {
			lead[s] = s
			order = append(order, s)
		}
		for lead[s] != s {
			lead[s] = lead[lead[s]]
			s = lead[s]
		}
		return s
	}
	for _, p := range ps {
		if p.Err != nil {
			continue
		}
		own := find(p.Stream)
		for _, s := range p.streams {
			lead[find(s)] = own
		}
	}
	members := map[events.Stream][]*Attempt{}
	for _, p := range ps {
		if p.Err == nil {
			name := find(p.Stream)
			members[name] = append(members[name], p)
		}
	}
	var groups [][]*Attempt
	for _, s := range order {
		if len(members[s]) > 0 {
			groups = append(groups, members[s])
		}
	}
	return groups
}

// handleGroup handles commands whose streams no other group has: each command
// over several streams by itself, and in between those on one stream together.
// known is what is known of streams. With inOrder, see handleAll.
func (h *Handler) handleGroup(ctx context.Context, ps []*Attempt, known map[events.Stream]existence, inOrder bool) {
	halted := map[events.Stream]error{}
	ready := func(stream events.Stream, ps []*Attempt) bool {
		err := halted[stream]
		for _, p := range ps {
			if err != nil {
				p.Hold(err)
			}
		}
		return err == nil
	}
	handled := func(ps []*Attempt) {
		for _, p := range ps {
			if inOrder && p.Err != nil && events.Transient(p.Err) && halted[p.Stream] == nil {
				halted[p.Stream] = p.Err
			}
		}
	}
	several := func(p *Attempt) bool { return p.streams != nil }
	for first := true; len(ps) > 0; first = false {
		n := slices.IndexFunc(ps, several)
		if n < 0 {
			n = len(ps)
		}
		single := ps[:n]
		for len(single) > 0 {
			stream := single[0].Stream
			var same, rest []*Attempt
			for _, p := range single {
				if p.Stream == stream {
					same = append(same, p)
				} else {
					rest = append(rest, p)
				}
			}
			if ready(stream, same) {
				at := unknown
				if first {
					at = known[stream]
				}
				h.handleStream(ctx, stream, same, at, inOrder)
				handled(same)
			}
			single = rest
		}
		if n < len(ps) {
			if one := ps[n : n+1]; ready(one[0].Stream, one) {
				h.handleAcross(ctx, one[0], first && n == 0 && known[one[0].Stream] == absent)
				handled(one)
			}
			n++
		}
		ps = ps[n:]
	}
}

// existing finds which of the streams that a batch would create exist already,
// in one request a hundred instead of one load each.
func (h *Handler) existing(ctx context.Context, groups [][]*Attempt) map[events.Stream]existence {
	known := map[events.Stream]existence{}
	var ask []events.Stream
	for _, g := range groups {
		first := g[0]
		if first.surelyNew {
			known[first.Stream] = absent
		} else if first.creates && !h.cache.has(first.Stream) {
			ask = append(ask, first.Stream)
		}
	}
	if len(ask) < 2 {
		return known // the append tells
	}
	for chunk := range slices.Chunk(ask, 100) {
		started, err := h.store.Started(ctx, chunk)
		if err != nil {
			return known // they are handled one by one, and tell the error then
		}
		for i, s := range chunk {
			if known[s] = absent; started[i] {
				known[s] = present
			}
		}
	}
	return known
}
