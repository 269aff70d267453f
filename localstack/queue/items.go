package queue

import (
	"encoding/json/v2"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// part is the sort key of a message.
func part(sequence uint64) string { return fmt.Sprintf("m%020d", sequence) }

// furtherPart is the sort key of the n-th item, from 1, that a body goes on in.
func furtherPart(sequence uint64, n int) string { return part(sequence) + "/" + strconv.Itoa(n) }

// pieces are what b and its further items hold of a message.
func (m *message) pieces() ([]string, error) {
	attributes := ""
	if len(m.attributes) > 0 {
		data, err := json.Marshal(m.attributes, json.Deterministic(true))
		if err != nil {
			return nil, fmt.Errorf("encode message attributes: %w", err)
		}
		attributes = string(data)
	}
	whole := strconv.Itoa(len(attributes)) + ":" + attributes + m.body
	var all []string
	for len(whole) > maxPart {
		cut := maxPart
		for !utf8.RuneStart(whole[cut]) {
			cut--
		}
		all, whole = append(all, whole[:cut]), whole[cut:]
	}
	return append(all, whole), nil
}

// setWhole is the reverse of pieces.
func (m *message) setWhole(whole string) error {
	length, rest, ok := strings.Cut(whole, ":")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(rest) {
		return fmt.Errorf("message %d is not what was written", m.sequence)
	}
	if m.body = rest[n:]; n > 0 {
		if err := json.Unmarshal([]byte(rest[:n]), &m.attributes); err != nil {
			return fmt.Errorf("attributes of message %d: %w", m.sequence, err)
		}
	}
	return nil
}

// head is a message's item but for its body.
func (m *message) head(queue string) item {
	it := key(queue, part(m.sequence))
	it[attrID], it[attrGroup], it[attrDedup] = text(m.id), text(m.group.id), text(m.dedup)
	it[attrSent] = numeral(m.sent.UnixMilli())
	if m.source != "" {
		it[attrSource] = text(m.source)
	}
	return it
}

// writes are what keeps a message: its item and, when it is new, the further
// items of its body.
func (m *message) writes(queue string, isNew bool) ([]types.WriteRequest, error) {
	pieces, err := m.pieces()
	if err != nil {
		return nil, err
	}
	it := m.head(queue)
	it[attrBody] = text(pieces[0])
	if m.parts = len(pieces) - 1; m.parts > 0 {
		it[attrParts] = numeral(int64(m.parts))
	}
	if m.receives > 0 {
		it[attrReceives], it[attrFirst] = numeral(int64(m.receives)), numeral(m.first.UnixMilli())
	}
	all := []types.WriteRequest{put(it)}
	for n, piece := range pieces[1:] {
		if isNew {
			more := key(queue, furtherPart(m.sequence, n+1))
			more[attrBody] = text(piece)
			all = append(all, put(more))
		}
	}
	return all, nil
}

// gone are the writes for a message that is deleted: nothing is left of it, or
// what its deduplication needs.
func (m *message) gone(queue string, now time.Time) []types.WriteRequest {
	first := remove(queue, part(m.sequence))
	if now.Sub(m.sent) < dedupInterval && m.source == "" {
		it := m.head(queue)
		it[attrExpires] = numeral(m.sent.Add(dedupInterval).Unix() + 1)
		first = put(it)
	}
	all := []types.WriteRequest{first}
	for n := range m.parts {
		all = append(all, remove(queue, furtherPart(m.sequence, n+1)))
	}
	return all
}
