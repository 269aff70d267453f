package process_test

import (
	"encoding/json/v2"
	"regexp"
	"testing"
	"time"

	"daybook/events"
	"daybook/process"
)

type traceEvent struct {
	Total int64 `json:"total"`
}

func (traceEvent) EventName() string { return "thing-happened" }

type traceCommand struct{}

func (traceCommand) CommandName() string { return "do-thing" }

// TestTraceIsHandedOn: commands, timers' commands and integration events have the
// trace context of the commit. An attribute of an integration event is text, since
// SDKs refuse or round greater numbers than 2^31, and its data have a content type.
func TestTraceIsHandedOn(t *testing.T) {
	t.Parallel()
	codec, err := events.NewCodec(events.Type{Name: "thing-happened"})
	if err != nil {
		t.Fatal(err)
	}
	manager := process.New[struct{}]("manager", "thing").Sends(traceCommand{}).React(func(_ traceEvent, m process.Meta) process.Reaction {
		return process.Do(process.Send(m.ID(), traceCommand{}), process.After("later", time.Hour, process.Send(m.ID(), traceCommand{})))
	})
	outbox := process.NewOutbox[struct{}]("outbox", "thing").
		Publish("com.example.thing-happened", 1, func(_ struct{}, e traceEvent, _ process.Meta) traceEvent { return e })
	for _, trace := range []string{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		c := events.Commit{
			Stream: "thing/1", Number: 1, Version: 1 << 60, Time: time.Unix(1, 0), Trace: trace,
			Events:   []events.Event{{Name: "thing-happened", Schema: 1, Data: []byte(`{"total":4294967296}`)}},
			Commands: []events.Command{{ID: "c", Version: 1 << 60}},
		}
		var all []process.Effect
		for _, r := range []process.Reactor{manager, outbox} {
			effects, err := process.Derive(codec, r, "source", []events.Commit{c}, func(process.Request) *process.Rejection { return nil })
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, effects...)
		}
		if len(all) != 3 || all[0].Command.Trace != trace || all[1].Set.Command.Trace != trace || all[2].Published.Trace != trace {
			t.Fatalf("got %+v", all)
		}
		text, err := json.Marshal(all[2].Published)
		if err != nil {
			t.Fatal(err)
		}
		var attributes map[string]any
		if err := json.Unmarshal(text, &attributes); err != nil {
			t.Fatal(err)
		}
		if attributes["datacontenttype"] != "application/json" || trace != "" && attributes["traceparent"] != trace || trace == "" && attributes["traceparent"] != nil {
			t.Errorf("got %s", text)
		}
		for name, value := range attributes {
			if _, isText := value.(string); name != "data" && (!isText || !regexp.MustCompile("^[a-z0-9]{1,20}$").MatchString(name)) {
				t.Errorf("attribute %s is %v", name, value)
			}
		}
	}
}
