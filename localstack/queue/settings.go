package queue

import (
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// settings are a queue's attributes that can be set, as SQS names them.
type settings struct {
	ContentBasedDeduplication bool
	VisibilityTimeout         time.Duration
	MessageRetentionPeriod    time.Duration
	ReceiveWait               time.Duration
	MaximumMessageSize        int
	DeduplicationScope        string // queue or messageGroup
	redrive                   *redrivePolicy
	all                       map[string]string // as they are shown
}

// redrivePolicy says where messages go that were received too often.
type redrivePolicy struct {
	target string // ARN
	limit  int    // receives
}

// defaults are SQS's for a FIFO queue.
func defaults() map[string]string {
	return map[string]string{
		"FifoQueue": "true", "ContentBasedDeduplication": "false", "VisibilityTimeout": "30",
		"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "MaximumMessageSize": "1048576",
		"DelaySeconds": "0", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue", "SqsManagedSseEnabled": "true",
	}
}

// with returns the settings with some attributes changed.
func (s settings) with(change map[string]string) (settings, error) {
	all := maps.Clone(s.all)
	if all == nil {
		all = defaults()
	}
	maps.Copy(all, change)
	next := settings{all: all}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := next.set(name, all[name]); err != nil {
			return s, err
		}
	}
	if all["RedrivePolicy"] == "" {
		delete(all, "RedrivePolicy")
	}
	return next, nil
}

// set reads one attribute.
func (s *settings) set(name, value string) (err error) {
	switch name {
	case "FifoQueue":
		if value != "true" {
			err = invalidAttribute(name, value)
		}
	case "ContentBasedDeduplication":
		s.ContentBasedDeduplication, err = strconv.ParseBool(value)
		if err != nil {
			err = invalidAttribute(name, value)
		}
	case "VisibilityTimeout":
		s.VisibilityTimeout, err = seconds(name, value, 0, 43_200)
	case "MessageRetentionPeriod":
		s.MessageRetentionPeriod, err = seconds(name, value, 60, 1_209_600)
	case "ReceiveMessageWaitTimeSeconds":
		s.ReceiveWait, err = seconds(name, value, 0, 20)
	case "DelaySeconds":
		if value != "0" {
			err = unsupported("DelaySeconds is not supported by this engine.")
		}
	case "MaximumMessageSize":
		s.MaximumMessageSize, err = number(name, value, 1024, 1<<20)
	case "DeduplicationScope":
		s.DeduplicationScope = value
		if value != "queue" && value != "messageGroup" {
			err = invalidAttribute(name, value)
		}
	case "FifoThroughputLimit":
		if value != "perQueue" && value != "perMessageGroupId" {
			err = invalidAttribute(name, value)
		}
	case "RedrivePolicy":
		s.redrive, err = parseRedrive(value)
	case "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "Policy", "RedriveAllowPolicy": // kept and shown
	default:
		err = clientError("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	return err
}

func invalidAttribute(name, value string) error {
	return clientError("InvalidAttributeValue", "Invalid value for the parameter %s: %s", name, value)
}

func number(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, invalidAttribute(name, value)
	}
	return n, nil
}

func seconds(name, value string, low, high int) (time.Duration, error) {
	n, err := number(name, value, low, high)
	return time.Duration(n) * time.Second, err
}

// parseRedrive reads a redrive policy; "" is none. AWS takes the limit as a
// number and as a string.
func parseRedrive(value string) (*redrivePolicy, error) {
	if value == "" {
		return nil, nil
	}
	var in struct {
		Target string `json:"deadLetterTargetArn"`
		Limit  any    `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(value), &in); err != nil || in.Target == "" {
		return nil, badRedrive(value, "Redrive policy is not a valid JSON map.")
	}
	limit, err := strconv.Atoi(fmt.Sprint(in.Limit))
	if err != nil || limit < 1 || limit > 1000 {
		return nil, badRedrive(value, "Invalid value for maxReceiveCount: "+fmt.Sprint(in.Limit)+", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrivePolicy{target: in.Target, limit: limit}, nil
}

func badRedrive(value, reason string) error {
	return invalidParameter("RedrivePolicy", value, reason)
}
