package queue

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// epochBits is the part of a sequence number that counts within one start.
const epochBits = 40

// storedQueue is the data that was read of one queue.
type storedQueue struct {
	definition item
	messages   []item
	further    map[string]string // pieces of bodies by their sort keys
}

// load reads the table: the queues, their messages in order, what they have to
// remember. It removes what nobody needs any more.
func (s *Server) load(ctx context.Context) error {
	epoch, err := s.store.epoch(ctx)
	if err != nil {
		return err
	}
	s.sequence = epoch << epochBits
	s.queues = map[string]*queue{}
	read := map[string]*storedQueue{}
	err = s.store.scan(ctx, func(it item) error {
		name, part := str(it, attrQueue), str(it, attrPart)
		l := read[name]
		if l == nil {
			l = &storedQueue{further: map[string]string{}}
			read[name] = l
		}
		switch {
		case part == partAttributes:
			l.definition = it
		case strings.Contains(part, "/"):
			l.further[part] = str(it, attrBody)
		case strings.HasPrefix(part, "m"):
			l.messages = append(l.messages, it)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, l := range read {
		if err := s.loadQueue(ctx, name, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) loadQueue(ctx context.Context, name string, l *storedQueue) error {
	if l.definition == nil { // the epoch
		return nil
	}
	var attributes map[string]string
	if err := json.Unmarshal([]byte(str(l.definition, attrAttributes)), &attributes); err != nil {
		return fmt.Errorf("read queue %s: %w", name, err)
	}
	set, err := settings{}.with(attributes)
	if err != nil {
		return fmt.Errorf("read queue %s: %w", name, err)
	}
	q := s.newQueue(name, set, moment(l.definition, attrCreated))
	q.changed = moment(l.definition, attrChanged)
	s.queues[name] = q
	slices.SortFunc(l.messages, func(a, b item) int { return cmp.Compare(str(a, attrPart), str(b, attrPart)) })
	var stale []types.WriteRequest
	for _, it := range l.messages {
		m, err := q.revive(it, l.further)
		if err != nil {
			return fmt.Errorf("read queue %s: %w", name, err)
		}
		stale = append(stale, q.takeBack(m, it[attrBody] != nil, time.Now())...)
	}
	for part := range l.further { // of no message
		stale = append(stale, remove(name, part))
	}
	return s.store.write(ctx, stale)
}

// revive makes a message of its item, and takes its pieces out of further. A
// message that lacks a piece was never acknowledged: it has no group.
func (q *queue) revive(it item, further map[string]string) (*message, error) {
	sequence, err := strconv.ParseUint(str(it, attrPart)[1:], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("sequence number %q: %w", str(it, attrPart), err)
	}
	m := &message{
		id: str(it, attrID), sequence: sequence, dedup: str(it, attrDedup), sent: moment(it, attrSent),
		source: str(it, attrSource), receives: int(integer(it, attrReceives)), first: moment(it, attrFirst),
	}
	if it[attrBody] != nil {
		whole := str(it, attrBody)
		m.parts = int(integer(it, attrParts))
		for n := range m.parts {
			piece, ok := further[furtherPart(sequence, n+1)]
			if !ok {
				return m, nil
			}
			whole += piece
			delete(further, furtherPart(sequence, n+1))
		}
		if err := m.setWhole(whole); err != nil {
			return nil, err
		}
	}
	m.group = q.groupOf(str(it, attrGroup))
	return m, nil
}

// takeBack puts a message of the table back into the queue, and returns what is
// to be removed from the table: items that are not messages any more, and of two with one
// deduplication id the earlier. For an acknowledged message would have kept the
// later one from being written.
func (q *queue) takeBack(m *message, alive bool, now time.Time) (stale []types.WriteRequest) {
	remembers := m.source == "" && now.Sub(m.sent) < dedupInterval
	if m.group == nil || !alive && !remembers {
		return []types.WriteRequest{remove(q.name, part(m.sequence))}
	}
	if m.source == "" {
		if known, ok := q.duplicate(q.dedupKey(m.group.id, m.dedup), m.sent); ok {
			if earlier := q.messages[known.sequence]; earlier != nil {
				q.remove(earlier)
			}
			stale = []types.WriteRequest{remove(q.name, part(known.sequence))}
		}
		q.remember(m)
	}
	if alive {
		q.add(m)
	}
	return stale
}
