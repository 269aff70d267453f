package aggregate_test

import (
	"fmt"
	"testing"

	"daybook/aggregate"
	"daybook/events"
)

// The club is the business of the tests about claims, once-only commands and
// commands over several streams: members with a unique badge and some coins.
type (
	member struct {
		Joined bool   `json:"joined,omitzero"`
		Badge  string `json:"badge,omitzero"`
		Coins  int64  `json:"coins,omitzero"`
	}
	joined struct {
		Badge string `json:"badge"`
	}
	badgeChanged struct {
		Badge string `json:"badge"`
	}
	left  struct{}
	coins struct {
		By int64 `json:"by"`
	}
	badge struct {
		Badge string `json:"badge"`
	}
	give struct {
		To   []string `json:"to"`
		Each int64    `json:"each"`
	}
	spend struct {
		With string `json:"with"` // whose coins count too
		By   int64  `json:"by"`
	}
)

func memberStream(id string) events.Stream { return events.StreamOf("member", id) }

func memberStreams(ids []string) []events.Stream {
	var ss []events.Stream
	for _, id := range ids {
		ss = append(ss, memberStream(id))
	}
	return ss
}

func members() *aggregate.Definition[member] {
	return aggregate.New[member]("member").
		Event("member-joined", func(s member, e joined) member { s.Joined, s.Badge = true, e.Badge; return s }).
		Event("badge-changed", func(s member, e badgeChanged) member { s.Badge = e.Badge; return s }).
		Event("member-left", func(s member, _ left) member { s.Joined, s.Badge = false, ""; return s }).
		Event("coins-added", func(s member, e coins) member { s.Coins += e.By; return s }).
		Command("join", join, aggregate.Creates()).
		Command("change-badge", changeBadge).
		Command("leave", leave).
		Command("earn", func(_ member, c coins) aggregate.Decision { return aggregate.Emit(c) }).
		Command("earn-once", func(s member, c coins) aggregate.Decision {
			switch {
			case c.By == 0:
				return aggregate.Nothing()
			case c.By < 0:
				return aggregate.Reject("no-coins", "nothing to earn")
			}
			return aggregate.Emit(c)
		}, aggregate.OnceOnly()).
		Command("join-once", join, aggregate.OnceOnly()).
		Command("claim-nothing", func(member, struct{}) aggregate.Decision { return aggregate.Nothing().Claim("badge", "x") }).
		Command("claim-badly", func(member, struct{}) aggregate.Decision { return aggregate.Emit(left{}).Claim("Bad Name", "x") }).
		Command("write-elsewhere", func(member, struct{}) aggregate.Decision {
			return aggregate.Emit(left{}).On("member/x", aggregate.Emit(left{}))
		}).
		Across("give", func(c give) []events.Stream { return memberStreams(c.To) }, giveCoins).
		Across("give-once", func(c give) []events.Stream { return memberStreams(c.To) }, giveCoins, aggregate.OnceOnly()).
		Across("spend", func(c spend) []events.Stream { return memberStreams([]string{c.With}) }, spendCoins).
		Across("swap-badges", func(c give) []events.Stream { return memberStreams(c.To) }, swapBadges).
		Across("peek-wrong", func(give) []events.Stream { return nil }, func(_ member, _ give, o *aggregate.Others) aggregate.Decision {
			o.State[member]("member/unnamed")
			return aggregate.Nothing()
		}).
		Across("type-wrong", func(give) []events.Stream { return nil }, func(_ member, _ give, o *aggregate.Others) aggregate.Decision {
			o.State[count](memberStream(o.Meta().ID))
			return aggregate.Nothing()
		}).
		Across("write-wrong", func(give) []events.Stream { return nil }, func(member, give, *aggregate.Others) aggregate.Decision {
			return aggregate.Emit(left{}).On("member/unnamed", aggregate.Emit(left{}))
		})
}

func join(s member, c badge) aggregate.Decision {
	if s.Joined {
		return aggregate.Reject("joined", "is a member")
	}
	return aggregate.Emit(joined(c)).Claim("badge", c.Badge, "/payload/badge")
}

func changeBadge(s member, c badge) aggregate.Decision {
	switch {
	case !s.Joined:
		return aggregate.Reject("not-joined", "is no member")
	case s.Badge == c.Badge:
		return aggregate.Nothing()
	}
	return aggregate.Emit(badgeChanged(c)).Release("badge", s.Badge).Claim("badge", c.Badge, "/payload/badge")
}

func leave(s member, _ struct{}) aggregate.Decision {
	if !s.Joined {
		return aggregate.Reject("not-joined", "is no member")
	}
	return aggregate.Emit(left{}).Release("badge", s.Badge)
}

// giveCoins gives each of some members coins; the giver may only have them.
func giveCoins(s member, c give, _ *aggregate.Others) aggregate.Decision {
	total := c.Each * int64(len(c.To))
	if s.Coins < total {
		return aggregate.Reject("too-few-coins", "has too few coins")
	}
	if total == 0 {
		return aggregate.Nothing()
	}
	d := aggregate.Emit(coins{-total})
	for _, to := range c.To {
		d = d.On(memberStream(to), aggregate.Emit(coins{c.Each}))
	}
	return d
}

// spendCoins lets a member go into debt as far as a friend has coins.
func spendCoins(s member, c spend, o *aggregate.Others) aggregate.Decision {
	if friend := o.State[member](memberStream(c.With)); s.Coins+friend.Coins < c.By {
		return aggregate.Reject("too-few-coins", "have too few coins")
	}
	return aggregate.Emit(coins{-c.By})
}

func swapBadges(s member, c give, o *aggregate.Others) aggregate.Decision {
	other := memberStream(c.To[0])
	t := o.State[member](other)
	if !s.Joined || !t.Joined {
		return aggregate.Reject("not-joined", "is no member")
	}
	return aggregate.Emit(badgeChanged{t.Badge}).Release("badge", s.Badge).Claim("badge", t.Badge).
		On(other, aggregate.Emit(badgeChanged{s.Badge}).Release("badge", t.Badge).Claim("badge", s.Badge))
}

func club(t testing.TB, store events.Store, opts *aggregate.Options) *aggregate.Handler {
	t.Helper()
	h, err := aggregate.NewHandler(store, []aggregate.Aggregate{members(), counter()}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func cmd(name, id, commandID, payload string, args ...any) aggregate.Command {
	return aggregate.Command{Name: name, ID: id, CommandID: commandID, Payload: fmt.Appendf(nil, payload, args...)}
}
