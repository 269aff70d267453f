package run

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"daybook/events"
	"daybook/functions/names"
)

// Demo returns the command of a step, counted from 0, of the traffic that -demo sends,
// and the id of its aggregate. run differs from one start to the next, for ids that
// must. A rejected command is part of the show.
type Demo func(run string, step int) (id string, command events.Payload)

// The traffic of -demo is bounded: two commands in a second, for an hour.
const (
	demoPause = 500 * time.Millisecond
	demoSteps = 7200
)

// traffic sends a demo's commands to an API.
type traffic struct {
	demo   Demo
	url    string // of the API
	tenant string // "" in an application without tenants
	run    string
	pause  time.Duration
	steps  int
	out    io.Writer // for what ends the traffic early
}

// newTraffic is the traffic of a start.
func newTraffic(demo Demo, url, tenant string, started time.Time, out io.Writer) *traffic {
	return &traffic{demo: demo, url: url, tenant: tenant, run: strconv.FormatInt(started.UnixMilli(), 36), pause: demoPause, steps: demoSteps, out: out}
}

// send sends until ctx ends, or the steps do, or an answer says that the demo and the
// API do not fit.
func (t *traffic) send(ctx context.Context) {
	tick := time.NewTicker(t.pause)
	defer tick.Stop()
	for step := range t.steps {
		if err := t.step(ctx, step); err != nil && ctx.Err() == nil {
			fmt.Fprintf(t.out, "the demo has ended: %s\n", line(err))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step sends one command. A rejection and a failure that may be transient are no
// errors.
func (t *traffic) step(ctx context.Context, step int) error {
	id, command := t.demo(t.run, step)
	body, err := json.Marshal(struct {
		ID      string         `json:"id"`
		Payload events.Payload `json:"payload"`
	}{id, command})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/commands/"+command.CommandName(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", fmt.Sprintf("demo-%s-%d", t.run, step))
	request.Header.Set("X-Daybook-Actor", "demo")
	if t.tenant != "" {
		request.Header.Set(names.TenantHeader, t.tenant)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	switch status := response.StatusCode; {
	case err != nil:
		return err
	case status == http.StatusBadRequest || status == http.StatusForbidden || status == http.StatusNotFound:
		return fmt.Errorf("%s is answered %d %s", command.CommandName(), status, text)
	}
	return nil
}
