package dynamo

import (
	"slices"

	"daybook/events"
)

// release names a value that one of the appends gives up.
type release struct {
	at  int // index of the append
	key string
}

// claimChange is the change of one value in a transaction, which may touch an
// item once.
type claimChange struct {
	key    string
	first  events.Stream // whose the value must be, or nobody's
	holder events.Stream // afterwards; "" for free
	number int64         // of the commit that claims it, where there is a holder

	claims  []events.Claim // those that fail when the value is another's
	release *release       // the first release, when nothing stands before it
}

// changes brings all claims and releases of the transaction to one change a
// value: first what is only released, then the claims, then the releases of
// what was claimed in passing. taken lists claims that another claim of the same
// transaction excludes.
func (t *transaction) changes() (changes []*claimChange, taken *events.TakenError) {
	byKey := map[string]*claimChange{}
	change := func(key string, stream events.Stream) (c *claimChange, isNew bool) {
		if c, ok := byKey[key]; ok {
			return c, false
		}
		c = &claimChange{key: key, first: stream}
		byKey[key] = c
		changes = append(changes, c)
		return c, true
	}
	giveUp := func(i int, passing bool) {
		commit := &t.as[i].Commit
		for _, v := range commit.Releases {
			key := v.Key(commit.Stream.Tenant())
			if slices.Contains(commit.Claims, v) != passing || t.idle[release{i, key}] {
				continue
			}
			c, isNew := change(key, commit.Stream)
			if isNew {
				c.release = &release{i, key}
			} else if c.holder == commit.Stream {
				c.holder = ""
			}
		}
	}
	for i := range t.as {
		giveUp(i, false)
	}
	for i := range t.as {
		commit := &t.as[i].Commit
		for _, v := range commit.Claims {
			c, _ := change(v.Key(commit.Stream.Tenant()), commit.Stream)
			if c.holder != "" && c.holder != commit.Stream {
				if taken == nil {
					taken = &events.TakenError{}
				}
				taken.Claims = append(taken.Claims, v)
				continue
			}
			c.holder, c.number = commit.Stream, commit.Number
			if !slices.Contains(c.claims, v) {
				c.claims = append(c.claims, v)
			}
		}
	}
	for i := range t.as {
		giveUp(i, true)
	}
	return changes, taken
}
