package events

import (
	"context"
	"maps"
	"slices"
	"sync"

	"daybook/parallel"
)

// ClaimFault is a value whose holder in the store is not the stream that holds
// it by its commits.
type ClaimFault struct {
	Key    string // of the claim
	Owner  Stream // that holds it by its commits; "" for none
	Holder Stream // that holds it in the store; "" for none
}

// ClaimCheck is what VerifyClaims has looked at.
type ClaimCheck struct {
	Commits int64 // commits read
	Held    int64 // values held in the store
	Faults  int64
	Damaged Damages // streams that were found not to be readable whole
}

// VerifyClaims compares the values that streams hold by their commits with what
// the store keeps of them, and reports each that differs. It scans both in the
// given number of segments side by side and may run while commands are handled:
// what differs is looked at again, strongly consistent, before it is reported.
// It needs memory for all values held, about 200 bytes each. A damaged stream does not
// end the check: whether it holds a value can't be told, so that is not looked at.
// report is called from one goroutine; its error ends the check and is returned, as are
// those of the store.
func VerifyClaims(ctx context.Context, s Store, segments int, report func(ClaimFault) error) (ClaimCheck, error) {
	v := &claimVerifier{store: s, owners: map[string]Stream{}, suspects: map[string][]Stream{}, lost: map[Stream]bool{}}
	if err := v.segments(ctx, max(segments, 1), v.scanCommits); err != nil {
		return v.check, err
	}
	if err := v.segments(ctx, max(segments, 1), v.scanHeld); err != nil {
		return v.check, err
	}
	for key, owner := range v.owners { // those that no scan of held values showed
		v.suspects[key] = append(v.suspects[key], owner)
	}
	for _, key := range slices.Sorted(maps.Keys(v.suspects)) {
		fault, err := v.confirm(ctx, key, v.suspects[key])
		if err != nil {
			return v.check, err
		}
		if fault == nil {
			continue
		}
		v.check.Faults++
		if err := report(*fault); err != nil {
			return v.check, err
		}
	}
	return v.check, nil
}

type claimVerifier struct {
	store Store

	mu       sync.Mutex
	check    ClaimCheck
	owners   map[string]Stream   // by key, as the commits say
	suspects map[string][]Stream // by key: the streams to look at again
	lost     map[Stream]bool     // damaged
}

// lose takes in a damaged stream.
func (v *claimVerifier) lose(ctx context.Context, d Damage) error {
	found, err := d.Locate(ctx, v.store)
	if err != nil || found == nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.lost[d.Stream] {
		v.lost[d.Stream] = true
		v.check.Damaged.Add(*found)
	}
	return nil
}

// segments runs scan for each segment and returns the first error.
func (v *claimVerifier) segments(ctx context.Context, n int, scan func(ctx context.Context, segment, segments int) error) error {
	return parallel.New(n).Until(ctx, n, func(ctx context.Context, segment int) error { return scan(ctx, segment, n) })
}

func (v *claimVerifier) scanCommits(ctx context.Context, segment, segments int) error {
	for cursor := ""; ; {
		page, damaged, next, err := ScanTolerant(ctx, v.store, segment, segments, cursor)
		for i := 0; i < len(damaged) && err == nil; i++ {
			if i == 0 || damaged[i].Stream != damaged[i-1].Stream {
				err = v.lose(ctx, damaged[i])
			}
		}
		if err != nil {
			return err
		}
		v.mu.Lock()
		v.check.Commits += int64(len(page))
		for i := range page {
			v.own(&page[i])
		}
		v.mu.Unlock()
		if cursor = next; next == "" {
			return nil
		}
	}
}

// own takes in what a commit claims and releases.
func (v *claimVerifier) own(c *Commit) {
	for _, claim := range c.Claims {
		key := claim.Key(c.Stream.Tenant())
		if other, ok := v.owners[key]; ok && other != c.Stream {
			v.suspects[key] = append(v.suspects[key], other)
		}
		v.owners[key] = c.Stream
	}
	for _, claim := range c.Releases {
		if key := claim.Key(c.Stream.Tenant()); v.owners[key] == c.Stream {
			delete(v.owners, key)
		}
	}
}

func (v *claimVerifier) scanHeld(ctx context.Context, segment, segments int) error {
	for page, err := range Pages(ctx, v.store.ScanHeld, segment, segments) {
		if err != nil {
			return err
		}
		v.mu.Lock()
		v.check.Held += int64(len(page))
		for _, h := range page {
			if owner, ok := v.owners[h.Key]; !ok || owner != h.Stream {
				v.suspects[h.Key] = append(v.suspects[h.Key], h.Stream)
				continue
			}
			delete(v.owners, h.Key)
		}
		v.mu.Unlock()
	}
	return nil
}

// confirmations is how often a difference must show: commands may be handled
// between the reads of one look.
const confirmations = 3

// confirm looks again at the value and the streams that may hold it.
func (v *claimVerifier) confirm(ctx context.Context, key string, streams []Stream) (*ClaimFault, error) {
	var fault *ClaimFault
	for range confirmations {
		held, err := v.store.Holders(ctx, []string{key})
		if err != nil {
			return nil, err
		}
		fault = &ClaimFault{Key: key, Holder: held[0].Stream}
		look := slices.Clone(streams)
		if fault.Holder != "" {
			look = append(look, fault.Holder)
		}
		slices.Sort(look)
		right := true
		for _, stream := range slices.Compact(look) {
			owns, err := v.owns(ctx, stream, key)
			if e, damaged := DamageOf(err); damaged {
				if err := v.lose(ctx, e.Damage()); err != nil {
					return nil, err
				}
				continue
			}
			if err != nil {
				return nil, err
			}
			if owns && (fault.Owner == "" || stream != fault.Holder) {
				fault.Owner = stream
			}
			right = right && owns == (stream == fault.Holder)
		}
		if right {
			return nil, nil
		}
	}
	return fault, nil
}

// owns folds a whole stream and reports whether it holds the value.
func (v *claimVerifier) owns(ctx context.Context, stream Stream, key string) (bool, error) {
	const page = 500
	owns := false
	for from := int64(1); ; from += page {
		cs, err := v.store.Read(ctx, stream, from, page)
		if err != nil {
			return false, err
		}
		for i := range cs {
			for _, claim := range cs[i].Claims {
				owns = owns || claim.Key(stream.Tenant()) == key
			}
			for _, claim := range cs[i].Releases {
				owns = owns && claim.Key(stream.Tenant()) != key
			}
		}
		if len(cs) < page {
			return owns, nil
		}
	}
}
