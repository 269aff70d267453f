package e2e

import (
	"context"
	"encoding/json/v2"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"uuid"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
)

// operator sends commands with rights on the tables, as daybook send does: internal
// ones are unknown over HTTP.
type operator struct {
	ctx     context.Context
	handler *aggregate.Handler
}

func newOperator(t *testing.T, s *stack.Stack) *operator {
	t.Helper()
	store := dynamo.NewEventStore(s.Client(), domain.App().Prefix(stack.Stage)+"-events", dynamo.WithClaims(domain.App().Prefix(stack.Stage)+"-claims"))
	h, err := aggregate.NewHandler(store, domain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t.Context(), h}
}

// send sends a command, again while that helps.
func (o *operator) send(name, id string, payload any) (aggregate.Result, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return aggregate.Result{}, err
	}
	command := aggregate.Command{Name: name, ID: id, Payload: body, CommandID: uuid.New().String()}
	for deadline := time.Now().Add(patience); ; {
		r, err := o.handler.Handle(o.ctx, command)
		if !events.Transient(err) || time.Now().After(deadline) {
			return r, err
		}
	}
}

// rejected reports whether the domain refused a command.
func rejected(err error) bool {
	e, ok := errors.AsType[*events.Error](err)
	return ok && e.Rejected
}

// internalCommands are the names of the internal commands of the domain.
func internalCommands() (names []string) {
	for _, a := range domain.Aggregates() {
		for _, d := range a.Describe() {
			if d.Internal {
				names = append(names, d.Name)
			}
		}
	}
	return names
}

// TestInternalCommandsAreUnknown: on every kind of API, to be handled and to be
// queued. The stock of a confirmed order can't be given back by a client.
func TestInternalCommandsAreUnknown(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p := c.stocked(1)
		o := c.order(p)
		c.until("order/"+o, "order-placed", "order-confirmed")
		for _, prefer := range []string{"handling=strict", "respond-async"} {
			for _, name := range internalCommands() {
				c.fails(c.try(name, p, struct{}{}, "Prefer", prefer), http.StatusNotFound, "unknown-command")
			}
			a := c.do(http.MethodPost, "/commands", `[{"command":"release-stock","id":"`+p+`","payload":{"order":"`+o+`"}}]`, "Prefer", prefer)
			if a.status != http.StatusMultiStatus || !strings.Contains(string(a.body), `"code":"unknown-command"`) {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		// Commands of one stream are handled in the order in which they were queued.
		if a := c.try("restock-product", p, map[string]any{"quantity": 1}, "Prefer", "respond-async"); a.status != http.StatusAccepted {
			t.Errorf("%d %s", a.status, a.body)
		}
		c.until("product/"+p, "product-added", "product-stock-reserved", "product-restocked")
		described := string(c.get("/").body) + string(c.get("/openapi.json").body)
		if i := slices.IndexFunc(internalCommands(), func(name string) bool { return strings.Contains(described, name) }); i >= 0 {
			t.Errorf("%s is described", internalCommands()[i])
		}
	})
}
