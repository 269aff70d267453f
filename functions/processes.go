package functions

import (
	"context"
	"fmt"
	"log/slog"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/follow"
	"daybook/functions/names"
	"daybook/messaging"
	"daybook/process"
	"daybook/sealed"
)

// NewProcess returns the process function: batches of the events table's stream,
// with partial batch failures. It needs the events, the claims and the processes
// table, and the prefix of the query tables, which names the deployment in its
// metrics and in integration events; with a process manager the schedules' group,
// role and target, with an outbox the event bus. Errors are faults of the
// declarations, and of a configuration without what they need.
func NewProcess(app daybook.App, c Config) (Handler, error) {
	log, metrics, spans := c.logger(names.Process), newMetrics(app, c), c.spans(names.Process)
	client := c.client(spans)
	sealing, err := c.Sealing(app, client)
	if err != nil {
		return nil, err
	}
	store := sealing.Store(dynamo.NewEventStore(client, c.EventsTable, dynamo.WithClaims(c.ClaimsTable)))
	handler, err := aggregate.NewHandler(store, app.Aggregates, &aggregate.Options{Tenants: app.Tenancy.On(), Now: c.Now, Begin: beginCommand(spans), Observe: c.observe(log, metrics)})
	if err != nil {
		return nil, err
	}
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		return nil, err
	}
	effects := c.Effects(handler, sealing)
	if err := Enough(effects, app.Processes); err != nil {
		return nil, err
	}
	runner, err := process.NewRunner(store, codec, sealing.Ledger(dynamo.NewProcesses(client, c.ProcessesTable)), app.Processes, effects,
		&process.Options{Now: c.Now, Source: c.ViewPrefix, Begin: reactionSpans(spans)})
	if err != nil {
		return nil, err
	}
	h := &processHandler{config: c, sealing: sealing, runner: runner, log: log, metrics: metrics}
	return ofStream(log, spans, "process batch", h.handle), nil
}

// Effects are what the configuration has for reactors: h handles their commands;
// timers or a publisher that it lacks are nil.
func (c Config) Effects(h *aggregate.Handler, sealing sealed.With) process.Effects {
	e := process.Effects{Commands: Commands(h), Timers: c.Timers, Publisher: c.Publisher}
	if e.Timers == nil && c.ScheduleGroup != "" && c.ScheduleRole != "" && c.ScheduleTarget != "" {
		e.Timers = messaging.NewTimers(messaging.TimersConfig{
			Group: c.ScheduleGroup, Role: c.ScheduleRole, Target: c.ScheduleTarget,
			Encode: sealing.Encode(h),
		}, c.messaging(c.SchedulerEndpoint))
	}
	if e.Publisher == nil && c.EventBus != "" {
		e.Publisher = messaging.NewPublisher(c.EventBus, c.messaging(c.BusEndpoint))
	}
	return e
}

// Enough returns an error for what the reactors can't do without.
func Enough(e process.Effects, reactors []process.Reactor) error {
	for _, r := range reactors {
		switch d := r.Describe(); {
		case d.Kind == process.KindManager && e.Timers == nil:
			return fmt.Errorf("process manager %s: no timers are configured", d.Name)
		case d.Kind == process.KindOutbox && e.Publisher == nil:
			return fmt.Errorf("outbox %s: no event bus is configured", d.Name)
		}
	}
	return nil
}

// Commands handles the commands of process managers where they run.
func Commands(h *aggregate.Handler) process.Commands { return commands{h} }

type commands struct{ handler *aggregate.Handler }

// Handle implements process.Commands.
func (c commands) Handle(ctx context.Context, r process.Request) error {
	_, err := c.handler.Handle(ctx, aggregate.Command{
		Tenant: r.Tenant, Name: r.Command, ID: r.ID, Payload: r.Payload, CommandID: r.CommandID,
		Actor: r.Actor, Correlation: r.Correlation, Causation: r.Causation, Trace: r.Trace,
	})
	return err
}

// processHandler runs reactors on batches of the events table's stream.
type processHandler struct {
	config  Config
	sealing sealed.With
	runner  *process.Runner
	log     *slog.Logger
	metrics *metrics
}

func (h *processHandler) handle(ctx context.Context, batch []follow.Delivery) []string {
	logCommits(ctx, h.log, batch)
	report := h.runner.Handle(ctx, h.sealing.Commits(ctx, batch))
	h.logBatch(ctx, len(batch), report)
	h.metrics.process(report)
	return report.Retry
}

// logBatch logs the outcome of a batch: names, ids and numbers.
func (h *processHandler) logBatch(ctx context.Context, records int, r process.Report) {
	h.config.logReport(ctx, h.log, r.Report, func(f follow.Fault) []any { return []any{"reactor", f.Consumer} })
	if r.Superseded > 0 {
		h.log.WarnContext(ctx, "command ids were reused with another payload; the first command stands", "commands", r.Superseded)
	}
	h.log.InfoContext(ctx, "batch", "records", records, "handled", r.Handled, "commands", r.Commands, "declined", r.Declined,
		"timers", r.Timers, "published", r.Published, "skipped", r.Skipped, "gaps", r.Gaps, "retry", len(r.Retry),
		"parked", len(r.Faults), "held", r.Held, "lagMs", r.Lag.Milliseconds())
}

// process measures one batch of the process function.
func (m *metrics) process(r process.Report) {
	m.put(map[names.Metric]float64{
		names.MetricCommandsSent: float64(r.Commands), names.MetricTimersSet: float64(r.Timers), names.MetricPublished: float64(r.Published),
		names.MetricProcessDuplicates: float64(r.Skipped), names.MetricProcessGaps: float64(r.Gaps), names.MetricProcessParked: float64(len(r.Faults)),
		names.MetricProcessHeld: float64(r.Held), names.MetricProcessRetries: float64(len(r.Retry)), names.MetricProcessLag: float64(r.Lag.Milliseconds()),
	})
}
