package aggregate_test

import (
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/events/eventstest"
)

type (
	addNothing struct{}
	badCommand struct{}
	badEvent   struct{}
	addedAgain struct{}
	addChannel struct {
		Channel chan int `json:"channel"`
	}
)

func (addNothing) CommandName() string { return "add" }
func (badCommand) CommandName() string { return "Bad Name" }
func (badEvent) EventName() string     { return "Bad Name" }
func (addedAgain) EventName() string   { return "counter-added" }
func (addChannel) CommandName() string { return "add" }

func TestFaultyDeclarations(t *testing.T) {
	t.Parallel()
	nothing := func(count, addNothing) aggregate.Decision { return aggregate.Nothing() }
	evolve := func(s count, _ added) count { return s }
	for want, a := range map[string]aggregate.Aggregate{
		`aggregate "Counter"`:                       aggregate.New[count]("Counter"),
		`event "counter-added" is declared twice`:   aggregate.New[count]("c").Event(evolve).Event(func(s count, _ addedAgain) count { return s }),
		`*aggregate_test.added is not a value type`: aggregate.New[count]("c").Event(func(s count, _ *added) count { return s }),
		`command "add" is declared twice`:           aggregate.New[count]("c").Command(nothing).Command(nothing),
		`state schema version 0 is below 1`:         aggregate.New[count]("c").StateSchema(0),
		`event "Bad Name"`:                          aggregate.New[count]("c").Event(func(s count, _ badEvent) count { return s }),
		`must be lower-case letters`:                aggregate.New[count]("c").Command(func(count, badCommand) aggregate.Decision { return aggregate.Nothing() }),
	} {
		_, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{a}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	for want, a := range map[string]aggregate.Aggregate{
		`a snapshot would lose it`: aggregate.New[struct{ hidden int }]("c"),
		`field Lines.Cache of state`: aggregate.New[struct {
			Lines []*struct {
				Cache int `json:"-"`
			}
		}]("c"),
	} {
		if err := a.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	payload := aggregate.New[count]("c").Command(func(count, addChannel) aggregate.Decision { return aggregate.Nothing() })
	if err := payload.Err(); err == nil || !strings.Contains(err.Error(), `command "add"`) {
		t.Errorf("a payload that JSON can't hold: %v", err)
	}
	h, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{payload}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Handle(t.Context(), aggregate.Command{Name: "add", ID: "1"})
	wantCode(t, err, "internal")
	twice := []aggregate.Aggregate{counter(), counter()}
	if _, err := aggregate.NewHandler(&eventstest.Memory{}, twice, nil); err == nil || !strings.Contains(err.Error(), `aggregate "counter" is declared twice`) {
		t.Errorf("an aggregate declared twice: %v", err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	got := handler(t, &eventstest.Memory{}, nil).Describe()
	if len(got) != 3 || got[0].Name != "start-counter" || !got[0].Creates || got[1].Aggregate != "counter" || len(got[1].Schema()) == 0 {
		t.Errorf("described %+v", got)
	}
}
