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
	joinWith     badge
	joinOnce     badge
	leaveClub    struct{}
	claimNothing struct{}
	claimBadly   struct{}
	elsewhere    struct{}
	earnCoins    coins
	earnOnce     coins
	give         struct {
		To   []string `json:"to"`
		Each int64    `json:"each"`
	}
	giveOnce   give
	swap       give
	peekWrong  give
	typeWrong  give
	writeWrong give
	spend      struct {
		With string `json:"with"` // whose coins count too
		By   int64  `json:"by"`
	}
)

func (joined) EventName() string         { return "member-joined" }
func (badgeChanged) EventName() string   { return "badge-changed" }
func (left) EventName() string           { return "member-left" }
func (coins) EventName() string          { return "coins-added" }
func (badge) CommandName() string        { return "change-badge" }
func (joinWith) CommandName() string     { return "join" }
func (joinOnce) CommandName() string     { return "join-once" }
func (leaveClub) CommandName() string    { return "leave" }
func (claimNothing) CommandName() string { return "claim-nothing" }
func (claimBadly) CommandName() string   { return "claim-badly" }
func (elsewhere) CommandName() string    { return "write-elsewhere" }
func (earnCoins) CommandName() string    { return "earn" }
func (earnOnce) CommandName() string     { return "earn-once" }
func (give) CommandName() string         { return "give" }
func (giveOnce) CommandName() string     { return "give-once" }
func (swap) CommandName() string         { return "swap-badges" }
func (peekWrong) CommandName() string    { return "peek-wrong" }
func (typeWrong) CommandName() string    { return "type-wrong" }
func (writeWrong) CommandName() string   { return "write-wrong" }
func (spend) CommandName() string        { return "spend" }

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
		Event(func(s member, e joined) member { s.Joined, s.Badge = true, e.Badge; return s }).
		Event(func(s member, e badgeChanged) member { s.Badge = e.Badge; return s }).
		Event(func(s member, _ left) member { s.Joined, s.Badge = false, ""; return s }).
		Event(func(s member, e coins) member { s.Coins += e.By; return s }).
		Command(join, aggregate.Creates()).
		Command(changeBadge).
		Command(leave).
		Command(func(_ member, c earnCoins) aggregate.Decision { return aggregate.Emit(coins(c)) }).
		Command(func(s member, c earnOnce) aggregate.Decision {
			switch {
			case c.By == 0:
				return aggregate.Nothing()
			case c.By < 0:
				return aggregate.Reject("no-coins", "nothing to earn")
			}
			return aggregate.Emit(coins(c))
		}, aggregate.OnceOnly()).
		Command(func(s member, c joinOnce) aggregate.Decision { return join(s, joinWith(c)) }, aggregate.OnceOnly()).
		Command(func(member, claimNothing) aggregate.Decision { return aggregate.Nothing().Claim("badge", "x") }).
		Command(func(member, claimBadly) aggregate.Decision { return aggregate.Emit(left{}).Claim("Bad Name", "x") }).
		Command(func(member, elsewhere) aggregate.Decision {
			return aggregate.Emit(left{}).On("member/x", aggregate.Emit(left{}))
		}).
		Across(func(c give) []events.Stream { return memberStreams(c.To) }, giveCoins).
		Across(func(c giveOnce) []events.Stream { return memberStreams(c.To) }, func(s member, c giveOnce, o *aggregate.Others) aggregate.Decision {
			return giveCoins(s, give(c), o)
		}, aggregate.OnceOnly()).
		Across(func(c spend) []events.Stream { return memberStreams([]string{c.With}) }, spendCoins).
		Across(func(c swap) []events.Stream { return memberStreams(c.To) }, swapBadges).
		Across(func(peekWrong) []events.Stream { return nil }, func(_ member, _ peekWrong, o *aggregate.Others) aggregate.Decision {
			o.State[member]("member/unnamed")
			return aggregate.Nothing()
		}).
		Across(func(typeWrong) []events.Stream { return nil }, func(_ member, _ typeWrong, o *aggregate.Others) aggregate.Decision {
			o.State[count](memberStream(o.Meta().ID))
			return aggregate.Nothing()
		}).
		Across(func(writeWrong) []events.Stream { return nil }, func(member, writeWrong, *aggregate.Others) aggregate.Decision {
			return aggregate.Emit(left{}).On("member/unnamed", aggregate.Emit(left{}))
		})
}

func join(s member, c joinWith) aggregate.Decision {
	if s.Joined {
		return aggregate.Reject("joined", "is a member")
	}
	return aggregate.Emit(joined(c)).Claim("badge", c.Badge, "/payload/badge")
}

func changeBadge(s member, c badge) aggregate.Decision {
	switch {
	case !s.Joined:
		return aggregate.Reject("not-joined", "is not a member")
	case s.Badge == c.Badge:
		return aggregate.Nothing()
	}
	return aggregate.Emit(badgeChanged(c)).Release("badge", s.Badge).Claim("badge", c.Badge, "/payload/badge")
}

func leave(s member, _ leaveClub) aggregate.Decision {
	if !s.Joined {
		return aggregate.Reject("not-joined", "is not a member")
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

func swapBadges(s member, c swap, o *aggregate.Others) aggregate.Decision {
	other := memberStream(c.To[0])
	t := o.State[member](other)
	if !s.Joined || !t.Joined {
		return aggregate.Reject("not-joined", "is not a member")
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
