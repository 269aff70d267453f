package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"daybook/localstack/wire"
)

// maxBatch is the largest number of entries of a batch and of messages that a
// receive returns.
const maxBatch = 10

// maxBatchBytes bounds all messages of a batch together.
const maxBatchBytes = 1 << 20

// entry is a message to send, alone or of a batch.
type entry struct {
	ID                      string `json:"Id"` // of a batch's entry
	MessageBody             *string
	MessageGroupID          *string `json:"MessageGroupId"`
	MessageDeduplicationID  *string `json:"MessageDeduplicationId"`
	DelaySeconds            *int
	MessageAttributes       messageAttributes
	MessageSystemAttributes map[string]messageAttribute
}

// size is what the entry counts for, in bytes.
func (e *entry) size() int {
	n := e.MessageAttributes.size()
	if e.MessageBody != nil {
		n += len(*e.MessageBody)
	}
	return n
}

// sent is the answer to a message that was sent.
type sent struct {
	ID                     string `json:"Id,omitzero"`
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitzero"`
	MessageID              string `json:"MessageId"`
	SequenceNumber         string
}

// failedEntry is the answer to an entry of a batch that failed.
type failedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// failure makes it of an entry's error; an error of the whole request is returned.
func failure(id string, err error) (failedEntry, error) {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Status >= 500 {
		return failedEntry{}, err
	}
	return failedEntry{ID: id, Code: queryCode(e.Kind), Message: e.Message, SenderFault: true}, nil
}

type sendInput struct {
	queueRef
	entry
}

func (s *Server) sendMessage(ctx context.Context, q *queue, in sendInput) (any, error) {
	answers, err := s.send(ctx, q, []*entry{&in.entry})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

type sendBatchInput struct {
	queueRef
	Entries []*entry
}

func (s *Server) sendMessageBatch(ctx context.Context, q *queue, in sendBatchInput) (any, error) {
	if err := checkBatch(in.Entries, func(e *entry) string { return e.ID }); err != nil {
		return nil, err
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total > maxBatchBytes {
		return nil, clientError("BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, total)
	}
	out := struct {
		Successful []sent
		Failed     []failedEntry
	}{[]sent{}, []failedEntry{}}
	var good []*entry
	for _, e := range in.Entries {
		if err := q.check(e); err != nil {
			f, err := failure(e.ID, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, f)
			continue
		}
		good = append(good, e)
	}
	var err error
	if out.Successful, err = s.send(ctx, q, good); err != nil {
		return nil, err
	}
	return out, nil
}

var batchID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,80}$`)

// checkBatch returns the error of a batch as a whole.
func checkBatch[E any](entries []E, id func(E) string) error {
	switch {
	case len(entries) == 0:
		return clientError("EmptyBatchRequest", "There should be at least one entry in the request.")
	case len(entries) > maxBatch:
		return clientError("TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		switch {
		case !batchID.MatchString(id(e)):
			return clientError("InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[id(e)]:
			return clientError("BatchEntryIdsNotDistinct", "Id %s repeated.", id(e))
		}
		seen[id(e)] = true
	}
	return nil
}

// validID is what SQS takes as a group or deduplication id.
var validID = regexp.MustCompile("^[0-9A-Za-z!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")

// check returns the error of an entry that can't be sent.
func (q *queue) check(e *entry) error {
	switch {
	case e.MessageBody == nil || *e.MessageBody == "":
		return missing("MessageBody")
	case !validText(*e.MessageBody):
		return clientError("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.")
	case e.size() > q.MaximumMessageSize:
		return invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.MaximumMessageSize)
	case e.MessageGroupID == nil:
		return missing("MessageGroupId")
	case !validID.MatchString(*e.MessageGroupID):
		return invalidParameter("MessageGroupId", *e.MessageGroupID, "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	case e.DelaySeconds != nil && *e.DelaySeconds != 0:
		return invalidParameter("DelaySeconds", fmt.Sprint(*e.DelaySeconds), "The request include parameter that is not valid for this queue type.")
	case e.MessageDeduplicationID == nil && !q.ContentBasedDeduplication:
		return invalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case e.MessageDeduplicationID != nil && !validID.MatchString(*e.MessageDeduplicationID):
		return invalidParameter("MessageDeduplicationId", *e.MessageDeduplicationID, "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return e.MessageAttributes.check()
}

// send keeps the messages of entries and puts them into the queue, in order; one
// whose deduplication id is known is answered like the first. It is all or none
// as far as anyone can see. The lock is held.
func (s *Server) send(ctx context.Context, q *queue, entries []*entry) ([]sent, error) {
	answers := make([]sent, len(entries))
	now := time.Now()
	var news []*message
	var writes []types.WriteRequest
	batch := map[string]*message{} // of this call, by deduplication key
	for i, e := range entries {
		if err := q.check(e); err != nil {
			return nil, err
		}
		answer := &answers[i]
		*answer = sent{ID: e.ID, MD5OfMessageBody: digest(*e.MessageBody), MD5OfMessageAttributes: e.MessageAttributes.digest()}
		m := s.message(q, e, now)
		key := q.dedupKey(m.group.id, m.dedup)
		if known, ok := q.duplicate(key, now); ok {
			answer.MessageID, answer.SequenceNumber = known.id, sequenceNumber(known.sequence)
			continue
		}
		if first := batch[key]; first != nil {
			answer.MessageID, answer.SequenceNumber = first.id, sequenceNumber(first.sequence)
			continue
		}
		w, err := m.writes(q.name, true)
		if err != nil {
			return nil, err
		}
		batch[key], news, writes = m, append(news, m), append(writes, w...)
		answer.MessageID, answer.SequenceNumber = m.id, sequenceNumber(m.sequence)
	}
	if err := s.store.write(ctx, writes); err != nil {
		return nil, err
	}
	for _, m := range news {
		m.group = q.groupOf(m.group.id)
		q.add(m)
		q.remember(m)
	}
	return answers, nil
}

// message makes a message of an entry, with the next sequence number.
func (s *Server) message(q *queue, e *entry, now time.Time) *message {
	s.sequence++
	m := &message{
		id: uuid.New().String(), sequence: s.sequence, group: q.groupOf(*e.MessageGroupID),
		body: *e.MessageBody, attributes: e.MessageAttributes, sent: now.Truncate(time.Millisecond),
	}
	if e.MessageDeduplicationID != nil {
		m.dedup = *e.MessageDeduplicationID
	} else {
		sum := sha256.Sum256([]byte(m.body))
		m.dedup = hex.EncodeToString(sum[:])
	}
	return m
}

// sequenceNumber is a sequence number as SQS shows it.
func sequenceNumber(sequence uint64) string { return strings.TrimPrefix(part(sequence), "m") }
