package sealed_test

import (
	"context"
	"encoding/json/jsontext"
	"errors"
	"net/http"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/internal/peopledomain"
	"daybook/messaging"
	"daybook/personal"
	"daybook/process"
	"daybook/view/driver"
)

// silent is a way to services that nothing may go.
type silent struct{ t *testing.T }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.t.Errorf("sent %s", r.Header.Get("X-Amz-Target"))
	return nil, errors.New("nobody is there")
}

// A store or queue that was not wrapped refuses a personal value, and sends nothing.
func TestUnwiredStoresRefuse(t *testing.T) {
	t.Parallel()
	client := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: "http://nowhere", Credentials: dynamo.StaticCredentials("a", "b"), Transport: silent{t}})
	options := messaging.Options{Region: "us-east-1", Endpoint: "http://nowhere", Credentials: dynamo.StaticCredentials("a", "b"), Transport: silent{t}}
	value, err := personal.Marshal(struct {
		Name peopledomain.Text `json:"name"`
	}{personal.Of("Ann")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := aggregate.NewHandler(dynamo.NewEventStore(client, "events", dynamo.WithClaims("claims")), []aggregate.Aggregate{peopledomain.Person}, nil)
	if err != nil {
		t.Fatal(err)
	}
	command := aggregate.Command{Name: "register-person", ID: "7", Payload: jsontext.Value(annsPayload)}
	message := async.Message{Body: value, Group: "g", Deduplication: "d"}
	table := dynamo.NewTables(client, "people").Table("people", 1)
	for name, store := range map[string]func(context.Context) error{
		"event store": func(ctx context.Context) error { _, err := h.Handle(ctx, command); return err },
		"row": func(ctx context.Context) error {
			return table.Put(ctx, driver.Write{Item: driver.Item{Key: "7", Row: value, Version: 1}})
		},
		"memo": func(ctx context.Context) error {
			return table.Put(ctx, driver.Write{Item: driver.Item{Key: "7", Memo: value, Version: 1}})
		},
		"memory": func(ctx context.Context) error {
			return dynamo.NewProcesses(client, "processes").Save(ctx, process.Entry{Key: process.Key{Reactor: "r", Stream: "person/7"}, Revision: 1, Memory: value})
		},
		"queue": func(ctx context.Context) error {
			return messaging.NewQueue("http://nowhere/q", options).Send(ctx, []async.Message{{Body: []byte("{}")}, message})[0]
		},
		"timer": func(ctx context.Context) error {
			encode := func(context.Context, aggregate.Command) (async.Message, error) { return message, nil }
			return messaging.NewTimers(messaging.TimersConfig{Encode: encode}, options).Set(ctx, process.Timer{At: time.Now()})
		},
	} {
		if err := store(t.Context()); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
