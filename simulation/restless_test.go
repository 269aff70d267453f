package simulation

import (
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/process"
	"daybook/view"
)

// A game that never ends: each stroke of one side is answered by the other.
type (
	side    struct{}
	served  struct{}
	struck  struct{}
	serve   struct{}
	strike  struct{}
	answer  struct{}
	replied struct{}
	score   struct {
		Strokes int64 `json:"strokes"`
	}
)

func (served) EventName() string   { return "ball-served" }
func (struck) EventName() string   { return "ball-struck" }
func (replied) EventName() string  { return "ball-returned" }
func (serve) CommandName() string  { return "serve-ball" }
func (strike) CommandName() string { return "strike-ball" }
func (answer) CommandName() string { return "return-ball" }

// game is an application of two reactors that answer one another, for ever if the second
// does.
func game(endless bool) daybook.App {
	ping := aggregate.New[side]("ping").
		Event(func(s side, _ served) side { return s }).
		Event(func(s side, _ struck) side { return s }).
		Command(func(side, serve) aggregate.Decision { return aggregate.Emit(served{}) }, aggregate.Creates()).
		Command(func(side, strike) aggregate.Decision { return aggregate.Emit(struck{}) }, aggregate.Internal())
	pong := aggregate.New[side]("pong").
		Event(func(s side, _ replied) side { return s }).
		Command(func(side, answer) aggregate.Decision { return aggregate.Emit(replied{}) }, aggregate.Internal())
	forth := process.New[struct{}]("forth", "ping").Sends(answer{}).
		React(func(_ served, m process.Meta) process.Reaction { return process.Do(process.Send(m.ID(), answer{})) }).
		React(func(_ struck, m process.Meta) process.Reaction { return process.Do(process.Send(m.ID(), answer{})) })
	back := process.New[struct{}]("back", "pong").Sends(strike{}).
		React(func(_ replied, m process.Meta) process.Reaction {
			if !endless {
				return process.Do()
			}
			return process.Do(process.Send(m.ID(), strike{}))
		})
	scores := view.New[score]("scores", "pong").
		On(func(s score, _ replied, _ view.Meta) score { return score{s.Strokes + 1} })
	return daybook.App{Name: "game", Aggregates: []aggregate.Aggregate{ping, pong}, Views: []view.View{scores}, Processes: []process.Reactor{forth, back}}
}

// TestEndlessWorkIsNamed: of two reactors that answer one another for ever the run tells
// which they are, because of which streams they work, and which view follows them.
func TestEndlessWorkIsNamed(t *testing.T) {
	o := Options{Commands: 1, Clients: 1, Faults: -1, busy: 1000}
	res := Run(t, game(true), Recipe{Seed: 1}, o)
	if len(res.Violations) != 1 || res.Violations[0].Check != "the system comes to rest" {
		t.Fatalf("%v", res.Violations)
	}
	text := res.Violations[0].Text
	stream := ""
	for _, id := range []string{"1", "2", "3"} {
		if strings.Contains(text, "ping/"+id+" [ball-struck]") {
			stream = id
		}
	}
	for _, want := range []string{
		"pong/" + stream + " [ball-returned]", "forth because of ping/" + stream, "back because of pong/" + stream, "scores-v1",
		"process: PutItem events ping/" + stream, "projector-a: ", "look for reactors that answer one another",
	} {
		if stream == "" || !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	short := Shrink(t, game(true), res, o)
	if len(short.Recipe.Steps) != 1 || len(short.Violations) != 1 {
		t.Errorf("shrunk to %v", short)
	}
}

// TestWorkThatEndsComesToRest: the same with an end is not taken for endless.
func TestWorkThatEndsComesToRest(t *testing.T) {
	for seed := range uint64(3) {
		if res := Run(t, game(false), Recipe{Seed: seed}, Options{}); len(res.Violations) > 0 {
			t.Errorf("seed %d: %v", seed, res.Violations)
		}
	}
}
