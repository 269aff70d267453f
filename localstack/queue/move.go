package queue

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json/v2"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/wire"
)

const (
	maxMoveRate = 500 // messages a second
	maxMoves    = 10  // tasks that a queue remembers
	moveBatch   = 10  // messages that a task without a rate moves at a time
)

// Statuses of a move task.
const (
	moveRunning   = "RUNNING"
	moveCompleted = "COMPLETED"
	moveCancelled = "CANCELLED"
	moveFailed    = "FAILED"
)

// move is a task that moves the messages of a dead-letter queue back to where
// they came from, or to another queue. Like flights, tasks are not kept: one ends
// with the process, and the messages that it has not moved stay.
type move struct {
	id      string
	from    *queue
	to      string // ARN, "" for each message's own source
	rate    int    // messages a second, 0 for as fast as it goes
	started time.Time
	last    uint64 // sequence number of the last message to move
	total   int    // messages there were to move
	moved   int
	status  string
	reason  string // of a failure
	timer   *time.Timer
}

// moveHandle is what a task's handle holds.
type moveHandle struct {
	Task   string `json:"taskId"`
	Source string `json:"sourceArn"`
}

func (s *Server) handleOf(m *move) string {
	data, _ := json.Marshal(moveHandle{m.id, s.ARN(m.from.name)}) // strings marshal
	return base64.StdEncoding.EncodeToString(data)
}

// arnQueue finds the queue that a parameter names by its ARN. The lock is held.
func (s *Server) arnQueue(parameter, arn string) (*queue, error) {
	if parts := strings.Split(arn, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" {
		return nil, invalidValue("You must use this format to specify the %s: arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	if q := s.byARN(arn); q != nil {
		return q, nil
	}
	return nil, noResource("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

type startMoveInput struct {
	SourceArn                    string
	DestinationArn               string
	MaxNumberOfMessagesPerSecond *int
}

func (s *Server) startMessageMoveTask(_ *http.Request, in startMoveInput) (any, error) {
	if in.SourceArn == "" {
		return nil, missing("SourceArn")
	}
	q, err := s.arnQueue("SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	if !s.isDeadLetterQueue(in.SourceArn) {
		return nil, invalidValue("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.DestinationArn != "" {
		if _, err := s.arnQueue("DestinationArn", in.DestinationArn); err != nil {
			return nil, err
		}
	}
	m := &move{id: uuid.New().String(), from: q, to: in.DestinationArn, started: time.Now(), last: s.sequence, status: moveRunning}
	if rate := in.MaxNumberOfMessagesPerSecond; rate != nil {
		if m.rate = *rate; m.rate < 1 || m.rate > maxMoveRate {
			return nil, invalidValue("Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must use an integer between 1 and %d.", maxMoveRate)
		}
	}
	switch {
	case in.DestinationArn == in.SourceArn:
		return nil, invalidValue("Source queue arn and destination queue arn cannot be the same.")
	case len(q.moves) > 0 && q.moves[0].status == moveRunning:
		return nil, invalidValue("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	q.expire(m.started)
	m.total = len(q.movable(m.last))
	q.moves = append([]*move{m}, q.moves[:min(len(q.moves), maxMoves-1)]...)
	m.timer = time.AfterFunc(0, func() { s.step(m) })
	return struct{ TaskHandle string }{s.handleOf(m)}, nil
}

// isDeadLetterQueue reports whether a queue's redrive policy names the ARN. The
// lock is held.
func (s *Server) isDeadLetterQueue(arn string) bool {
	for _, q := range s.queues {
		if q.redrive != nil && q.redrive.target == arn {
			return true
		}
	}
	return false
}

type listMovesInput struct {
	SourceArn  string
	MaxResults *int
}

func (s *Server) listMessageMoveTasks(_ *http.Request, in listMovesInput) (any, error) {
	if in.SourceArn == "" {
		return nil, missing("SourceArn")
	}
	limit := 1
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > maxMoves {
			return nil, invalidValue("Value for parameter MaxResults is invalid. Reason: You must use an integer between 1 and %d.", maxMoves)
		}
	}
	q, err := s.arnQueue("SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	out := struct{ Results []moveEntry }{[]moveEntry{}}
	for _, m := range q.moves[:min(limit, len(q.moves))] {
		out.Results = append(out.Results, s.entry(m))
	}
	return out, nil
}

// moveEntry is a task as it is listed.
type moveEntry struct {
	TaskHandle                        string `json:",omitzero"` // of a running one only
	Status                            string
	SourceArn                         string
	DestinationArn                    string `json:",omitzero"`
	MaxNumberOfMessagesPerSecond      int    `json:",omitzero"`
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitzero"`
	StartedTimestamp                  int64
}

func (s *Server) entry(m *move) moveEntry {
	e := moveEntry{
		Status: m.status, SourceArn: s.ARN(m.from.name), DestinationArn: m.to, MaxNumberOfMessagesPerSecond: m.rate,
		ApproximateNumberOfMessagesMoved: m.moved, ApproximateNumberOfMessagesToMove: m.total,
		FailureReason: m.reason, StartedTimestamp: m.started.UnixMilli(),
	}
	if m.status == moveRunning {
		e.TaskHandle = s.handleOf(m)
	}
	return e
}

type cancelMoveInput struct{ TaskHandle string }

func (s *Server) cancelMessageMoveTask(_ *http.Request, in cancelMoveInput) (any, error) {
	if in.TaskHandle == "" {
		return nil, missing("TaskHandle")
	}
	var h moveHandle
	data, err := base64.StdEncoding.DecodeString(in.TaskHandle)
	if err != nil || json.Unmarshal(data, &h) != nil || h.Task == "" {
		return nil, invalidValue("Value for parameter TaskHandle is invalid.")
	}
	q, err := s.arnQueue("SourceArn", h.Source)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(q.moves, func(m *move) bool { return m.id == h.Task })
	if i < 0 {
		return nil, noResource("Task does not exist.")
	}
	m := q.moves[i]
	if m.status != moveRunning {
		return nil, unsupported("Only active tasks can be cancelled.")
	}
	m.timer.Stop()
	m.status = moveCancelled
	return struct{ ApproximateNumberOfMessagesMoved int }{m.moved}, nil
}

// movable are the messages up to a sequence number that a task may move, oldest
// first: none of a group of which one is in flight.
func (q *queue) movable(last uint64) (all []*message) {
	for _, g := range q.groups {
		if g.flights > 0 {
			continue
		}
		for _, m := range g.messages {
			if m.sequence <= last {
				all = append(all, m)
			}
		}
	}
	slices.SortFunc(all, func(a, b *message) int { return int(int64(a.sequence) - int64(b.sequence)) })
	return all
}

// step moves the next messages of a task and plans the step after it.
func (s *Server) step(m *move) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return
	default:
	}
	if m.status != moveRunning {
		return
	}
	m.from.expire(time.Now())
	next := m.from.movable(m.last)
	if len(next) == 0 {
		m.status = moveCompleted
		return
	}
	size, pause := moveBatch, time.Duration(0)
	if m.rate > 0 {
		size, pause = 1, time.Second/time.Duration(m.rate)
	}
	if err := s.moveBack(context.Background(), m, next[:min(size, len(next))]); err != nil {
		m.status, m.reason = moveFailed, err.Error()
		if e, ok := errors.AsType[*wire.Error](err); ok {
			m.reason = queryCode(e.Kind) + ": " + e.Message
		}
		s.log.Warn("embedded queue: a move task failed", "queue", m.from.name, "error", err)
		return
	}
	m.timer.Reset(pause)
}

// moveBack moves messages to their destination, kept there before they are gone
// here. Each is a new message there: with an id of its own, sent now, received
// never. Its deduplication id is the id that it had, as SQS gives it to a message
// that it moves. The lock is held.
func (s *Server) moveBack(ctx context.Context, task *move, messages []*message) error {
	now := time.Now()
	targets, copies := make([]*queue, len(messages)), make([]*message, len(messages))
	var writes, removals []types.WriteRequest
	for i, m := range messages {
		var err error
		if targets[i], err = s.destination(task, m); err != nil {
			return err
		}
		s.sequence++
		copies[i] = &message{
			id: uuid.New().String(), sequence: s.sequence, group: targets[i].groupOf(m.group.id), dedup: m.id,
			body: m.body, attributes: m.attributes, sent: now.Truncate(time.Millisecond),
		}
		w, err := copies[i].writes(targets[i].name, true)
		if err != nil {
			return err
		}
		writes, removals = append(writes, w...), append(removals, m.gone(task.from.name, now)...)
	}
	if err := s.store.write(ctx, append(writes, removals...)); err != nil {
		return err
	}
	for i, m := range messages {
		task.from.remove(m)
		copies[i].group = targets[i].groupOf(m.group.id) // an earlier one of them may have made it
		targets[i].add(copies[i])
		targets[i].remember(copies[i])
		task.moved++
	}
	return nil
}

// destination is the queue that a task moves a message to.
func (s *Server) destination(task *move, m *message) (*queue, error) {
	arn := cmp.Or(task.to, m.source)
	if arn == "" {
		return nil, clientError("CouldNotDetermineMessageSource", "message %s was sent to the queue itself", m.id)
	}
	if q := s.byARN(arn); q != nil {
		return q, nil
	}
	return nil, noQueue()
}
