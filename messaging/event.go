package messaging

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"strconv"
	"time"

	"daybook/aggregate/async"
)

// SQSMessage is a message as Lambda hands it to a function.
type SQSMessage struct {
	async.Delivery
	Sent time.Time // when it was sent, by the queue's clock; zero when that is not told
}

// queueEvent is what Lambda invokes a function with for a queue.
type queueEvent struct {
	Records []struct {
		ID         string `json:"messageId"`
		Body       string `json:"body"`
		Source     string `json:"eventSource"`
		Attributes struct {
			Receives string `json:"ApproximateReceiveCount"`
			Group    string `json:"MessageGroupId"`
			Sent     string `json:"SentTimestamp"` // milliseconds since 1970
		} `json:"attributes"`
	} `json:"Records"`
}

// DecodeEvent reads a batch of a queue. Its error is for a payload that is none;
// what a body holds is not looked at, so that one that is rubbish holds up no
// other.
func DecodeEvent(payload []byte) ([]SQSMessage, error) {
	var e queueEvent
	if err := json.Unmarshal(payload, &e, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return nil, errors.New("the payload is not an SQS event: its JSON has another form") // the error may quote a body
	}
	received := make([]SQSMessage, len(e.Records))
	for i, r := range e.Records {
		if r.Source != "aws:sqs" || r.ID == "" {
			return nil, fmt.Errorf("the payload is not an SQS event: record %d has no messageId, or is not of aws:sqs", i)
		}
		receives, err := strconv.Atoi(r.Attributes.Receives)
		if err != nil || receives < 1 {
			receives = 1
		}
		received[i].Delivery = async.Delivery{ID: r.ID, Body: []byte(r.Body), Group: r.Attributes.Group, Receives: receives}
		if ms, err := strconv.ParseInt(r.Attributes.Sent, 10, 64); err == nil {
			received[i].Sent = time.UnixMilli(ms).UTC()
		}
	}
	return received, nil
}
