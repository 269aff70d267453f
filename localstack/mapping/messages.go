package mapping

import (
	"encoding/json/v2"
	"fmt"
)

// MessageRecord is a message as Lambda hands it to a function.
type MessageRecord struct {
	MessageID         string                      `json:"messageId"`
	ReceiptHandle     string                      `json:"receiptHandle"`
	Body              string                      `json:"body"`
	Attributes        map[string]string           `json:"attributes"`
	MessageAttributes map[string]MessageAttribute `json:"messageAttributes"`
	MD5OfAttributes   string                      `json:"md5OfMessageAttributes,omitzero"`
	MD5OfBody         string                      `json:"md5OfBody"`
	EventSource       string                      `json:"eventSource"`
	EventSourceARN    string                      `json:"eventSourceARN"`
	Region            string                      `json:"awsRegion"`
}

// MessageAttribute is a message attribute as Lambda hands it to a function.
type MessageAttribute struct {
	StringValue      *string  `json:"stringValue,omitzero"`
	BinaryValue      []byte   `json:"binaryValue,omitzero"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// size is the least that a record takes in an event.
func (r MessageRecord) size() int { return len(r.Body) + 1024 }

// batches makes batches of received messages that fit into a payload each, in
// order, one for nearly all.
func batches(messages []Message) (all [][]Message) {
	size := 0
	for i, m := range messages {
		n := m.Record.size()
		if i == 0 || size+2*n > MaxPayload { // twice: escaped in JSON
			all, size = append(all, nil), 0
		}
		size += 2 * n
		all[len(all)-1] = append(all[len(all)-1], m)
	}
	return all
}

// encodeMessages returns the event of a batch.
func encodeMessages(batch []Message) ([]byte, error) {
	records := make([]MessageRecord, len(batch))
	for i, m := range batch {
		records[i] = m.Record
	}
	event, err := json.Marshal(struct{ Records []MessageRecord }{records}, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode messages: %w", err)
	}
	return event, nil
}
