package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
)

func claimsCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "claims",
		Usage: "compare the claimed values with what the commits claim",
		Description: "Lists each value whose holder in the claims table is not the stream that holds it by its\n" +
			"commits, and exits with 3 then. Needs memory for all values held, about 200 bytes each.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "restore", Usage: "first store what the commits claim and the table lacks; nothing is taken away"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of the tables at the same time"},
		},
		Action: a.claims,
	}
}

// claimLine is a value with a wrong holder.
type claimLine struct {
	Key    string        `json:"key"`
	Owner  events.Stream `json:"owner,omitzero"`  // by the commits
	Holder events.Stream `json:"holder,omitzero"` // by the claims table
}

// claimsSummary is the last line of a comparison.
type claimsSummary struct {
	Commits int64 `json:"commits"`
	Held    int64 `json:"held"` // values
	Faults  int64 `json:"faults"`
	// Damaged streams may hold other values than was looked at.
	Damaged events.Damages `json:"damaged,omitzero"`
}

func (a *app) claims(ctx context.Context, c *cli.Command) error {
	parallel := c.Int("parallel")
	if c.Args().Present() || parallel < 1 || parallel > 256 {
		return usage("claims takes no argument, and -parallel from 1 to 256")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if _, err := s.reachable(ctx); err != nil {
		return err
	}
	if c.Bool("restore") {
		if _, err := s.restoreClaims(ctx, parallel); err != nil { // what is damaged is told below
			return err
		}
	}
	t := s.out.table("VALUE", "BY THE COMMITS", "IN THE TABLE")
	check, err := events.VerifyClaims(ctx, s.store, parallel, func(f events.ClaimFault) error {
		t.row(claimLine(f), f.Key, f.Owner, f.Holder)
		return s.out.err
	})
	t.flush()
	if err != nil {
		return err
	}
	s.noteDamaged(check.Damaged, "whether they hold a value was not compared")
	s.summary(claimsSummary{check.Commits, check.Held, check.Faults, check.Damaged}, fmt.Sprintf("%d commits, %d values held, %d not as the commits say", check.Commits, check.Held, check.Faults))
	return s.out.result(check.Faults > 0 || check.Damaged.Count > 0)
}

// claims reports whether a commit changes the claims table.
func claims(c *events.Commit) bool {
	return len(c.Claims) > 0 || len(c.Releases) > 0 || len(c.Spends()) > 0
}

// restoreClaims stores what the streams hold by their commits. It leaves out damaged
// streams, and returns them.
func (s *session) restoreClaims(ctx context.Context, parallel int) (events.Damages, error) {
	var all events.Damages
	info, err := s.reachable(ctx)
	if err != nil {
		return all, err
	}
	bar := s.progress("claims", "commits", info.Items)
	defer bar.end()
	damaged := make([]events.Damages, parallel)
	err = inParallel(ctx, parallel, parallel, func(ctx context.Context, segment int) error {
		h := holdings{}
		w := walk{store: s.store, bar: bar}
		w.commit = func(c *events.Commit) error {
			if c.Stream != h.stream {
				if err := h.store(ctx, s); err != nil {
					return err
				}
				h = holdings{stream: c.Stream}
			}
			h.take(c)
			return nil
		}
		w.damaged = func(d events.Damage) error {
			damaged[segment].Add(d)
			if d.Stream == h.stream {
				h = holdings{}
			}
			return nil
		}
		if err := w.segment(ctx, segment, parallel); err != nil {
			return err
		}
		return h.store(ctx, s)
	})
	for _, d := range damaged {
		all.AddAll(d)
	}
	return all, err
}

// holdings are what one stream holds by its commits.
type holdings struct {
	stream events.Stream
	held   map[string]int64 // number of the commit that claimed it last, by key
	spent  []events.Spent
}

func (h *holdings) take(c *events.Commit) {
	if h.held == nil {
		h.held = map[string]int64{}
	}
	for _, claim := range c.Claims {
		h.held[claim.Key(c.Stream.Tenant())] = c.Number
	}
	for _, claim := range c.Releases {
		delete(h.held, claim.Key(c.Stream.Tenant()))
	}
	now := time.Now()
	for _, spent := range c.Spends() { // what is forgotten by now is not restored
		if now.Before(spent.Until) {
			h.spent = append(h.spent, spent)
		}
	}
}

func (h *holdings) store(ctx context.Context, s *session) error {
	now := time.Now()
	for key, number := range h.held {
		if err := s.store.RestoreHeld(ctx, events.Held{Key: key, Stream: h.stream, Commit: number}); err != nil {
			return fmt.Errorf("a value of %s that %s claims: %w", kindOf(key), h.stream, s.blame(s.claimsTable(), err))
		}
	}
	for _, spent := range h.spent {
		if err := s.store.RestoreSpent(ctx, spent, now); err != nil {
			return fmt.Errorf("command id %s of %s: %w", spent.ID, h.stream, s.blame(s.claimsTable(), err))
		}
	}
	return nil
}

// kindOf is the name in the key of a claim.
func kindOf(key string) string {
	return key[:max(0, strings.IndexAny(key, "=#"))]
}
