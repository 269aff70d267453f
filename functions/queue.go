package functions

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"errors"
	"log/slog"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions/names"
	"daybook/messaging"
	"daybook/sealed"
)

// commandHandler tells the two kinds of events of the command function apart.
type commandHandler struct {
	http, queue Handler
	metrics     *metrics
}

// Invoke answers one event, and measures what it consumed.
func (h commandHandler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, meter := dynamo.WithMeter(withTenant(ctx, ""))
	defer func() { h.metrics.usage(tenantOf(ctx), meter.Usage()) }()
	if hasRecords(payload) {
		return h.queue.Invoke(ctx, payload)
	}
	return h.http.Invoke(ctx, payload)
}

// hasRecords reports whether an event is a batch of a queue: its one member is
// Records. An event of API Gateway, which may be large, is not read for it.
func hasRecords(payload []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(payload))
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != jsontext.KindBeginObject {
		return false
	}
	name, err := d.ReadToken()
	return err == nil && name.Kind() == jsontext.KindString && name.String() == "Records"
}

// noQueue refuses batches where no queue is configured.
type noQueue struct{}

// Invoke refuses a batch.
func (noQueue) Invoke(context.Context, []byte) ([]byte, error) {
	return nil, errors.New("a batch of a queue came, but no queue is configured")
}

// queueHandler handles batches of queued commands.
type queueHandler struct {
	worker  *async.Worker
	sealing sealed.With
	log     *slog.Logger
	metrics *metrics
}

func (h *queueHandler) handle(ctx context.Context, received []messaging.SQSMessage) (retry []string) {
	batch := make([]async.Delivery, len(received))
	var age time.Duration
	for i, r := range received {
		batch[i] = r.Delivery
		if !r.Sent.IsZero() {
			age = max(age, time.Since(r.Sent))
		}
	}
	if err := h.sealing.Deliveries(ctx, batch); err != nil {
		h.log.WarnContext(ctx, "messages will be retried", "messages", len(batch), "code", events.CodeOf(err), "error", err)
		for _, d := range batch {
			retry = append(retry, d.ID)
		}
		return retry
	}
	handled := h.worker.Handle(ctx, batch)
	h.logBatch(ctx, handled, age)
	for _, m := range handled {
		if m.Verdict == async.VerdictRetry {
			retry = append(retry, m.ID)
		}
	}
	return retry
}

// logBatch logs and measures the outcome of a batch: names, ids and numbers.
func (h *queueHandler) logBatch(ctx context.Context, handled []async.Disposition, age time.Duration) {
	counts := map[async.Verdict]int{}
	for _, m := range handled {
		counts[m.Verdict]++
		about := []any{"messageId", m.ID, "command", m.Command, "commandId", m.CommandID, "stream", m.Stream}
		if m.Verdict != async.VerdictDone {
			about = append(about, "code", events.CodeOf(m.Err), "error", m.Err)
		}
		switch m.Verdict {
		case async.VerdictPoison:
			h.log.ErrorContext(ctx, "dead letter", about...)
		case async.VerdictRetry:
			h.log.WarnContext(ctx, "message will be retried", about...)
		case async.VerdictDone:
			if unsound(m.Err) {
				h.log.WarnContext(ctx, "queued command is invalid", append(about, "code", events.CodeOf(m.Err), "error", m.Err)...)
			}
		}
		if m.Note != nil {
			h.log.WarnContext(ctx, "outcome not recorded", append(about, "cause", m.Note)...)
		}
	}
	h.log.InfoContext(ctx, "batch", "messages", len(handled), "done", counts[async.VerdictDone],
		"retry", counts[async.VerdictRetry], "poison", counts[async.VerdictPoison], "ageMs", age.Milliseconds())
	h.metrics.put(map[names.Metric]float64{
		names.MetricLate: float64(counts[async.VerdictDone]), names.MetricPoison: float64(counts[async.VerdictPoison]),
		names.MetricTriedAgain: float64(counts[async.VerdictRetry]), names.MetricMessageAge: float64(age.Milliseconds()),
	})
}

// unsound reports whether a command was refused for what is checked before it is
// queued: it came another way, or the program has changed since.
func unsound(err error) bool {
	e, ok := errors.AsType[*events.Error](err)
	return ok && !e.Rejected && (e.Code == events.CodeUnknownCommand || e.Code == events.CodeMalformed)
}

// sender counts the commands that are queued.
type sender struct {
	*async.Sender
	metrics *metrics
}

// Send implements api.Sender.
func (s sender) Send(ctx context.Context, cs []aggregate.Command) []async.Receipt {
	sent := s.Sender.Send(ctx, cs)
	queued := 0
	for _, c := range sent {
		if c.Err == nil && !c.Repeated {
			queued++
		}
	}
	s.metrics.putOf(tenantOf(ctx), map[names.Metric]float64{names.MetricQueued: float64(queued)})
	return sent
}
