package bus

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
	"uuid"
)

// QueueSink keeps events in a FIFO queue, one message group a subject.
type QueueSink struct {
	// Send sends messages of one group, in order, each with a deduplication id.
	Send func(ctx context.Context, group string, bodies, deduplication []string) error
}

// Put sends the events. Their deduplication ids are new: as for EventBridge, an
// event that is put twice is two.
func (q QueueSink) Put(ctx context.Context, events []Event) error {
	for len(events) > 0 {
		var bodies, ids []string
		subject := events[0].Subject
		for len(events) > 0 && events[0].Subject == subject {
			bodies, ids = append(bodies, string(events[0].Detail)), append(ids, uuid.New().String())
			events = events[1:]
		}
		if err := q.Send(ctx, groupOf(subject), bodies, ids); err != nil {
			return fmt.Errorf("queue an event for the webhook: %w", err)
		}
	}
	return nil
}

// groupOf makes a message group's id of a subject, whatever characters it has.
func groupOf(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return hex.EncodeToString(sum[:])
}

// Webhook posts the events of a queue to a URL. Invoke is the function of the
// queue's event source mapping, which does the rest: order, back-off, another try.
type Webhook struct {
	// URL is where events are posted.
	URL string
	// Timeout bounds one post; 10 s by default.
	Timeout time.Duration
	// Log takes the posts that failed, slog.Default by default.
	Log *slog.Logger
}

// WebhookTimeout is room for a batch of posts that all take their time.
const WebhookTimeout = 2 * time.Minute

// RetryAfter is the rest before a failed event is posted again, after it was tried
// n times: from a second, doubled up to a minute.
func RetryAfter(n int) time.Duration {
	return min(time.Second<<min(max(n-1, 0), 10), time.Minute)
}

// Invoke posts the messages of a batch, in order, and reports those that failed
// with all behind them of the same group.
func (h *Webhook) Invoke(ctx context.Context, batch []byte) ([]byte, error) {
	var in struct {
		Records []struct {
			MessageID  string            `json:"messageId"`
			Body       string            `json:"body"`
			Attributes map[string]string `json:"attributes"`
		}
	}
	if err := json.Unmarshal(batch, &in); err != nil {
		return nil, fmt.Errorf("read the batch: %w", err)
	}
	type failure struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}
	out := struct {
		Failures []failure `json:"batchItemFailures"`
	}{[]failure{}}
	held := map[string]bool{}
	for _, r := range in.Records {
		group := r.Attributes["MessageGroupId"]
		if !held[group] {
			if err := h.post(ctx, []byte(r.Body)); err != nil {
				cmp.Or(h.Log, slog.Default()).Warn("the outbox's webhook did not accept an event; it will be retried", "tries", r.Attributes["ApproximateReceiveCount"], "error", err)
				held[group] = true
			}
		}
		if held[group] {
			out.Failures = append(out.Failures, failure{r.MessageID})
		}
	}
	return json.Marshal(out)
}

// post posts one event. Only a 2xx answer to the POST itself counts: a redirect is
// not followed, since a client turns most of them into a GET without the event.
func (h *Webhook) post(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(max(h.Timeout, 0), 10*time.Second))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection is used again
	err = errors.Join(err, answer.Body.Close())
	switch {
	case answer.StatusCode/100 == 3:
		return fmt.Errorf("it answers %s, and redirects are not followed: give -outbox the address that it redirects to", answer.Status)
	case answer.StatusCode/100 != 2:
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return err
}
