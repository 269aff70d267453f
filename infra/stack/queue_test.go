package stack_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		prefix := tpl.Settings.Prefix()
		if got := len(tpl.ids("AWS::SQS::Queue")); got != 2 {
			t.Errorf("%d queues, want 2", got)
		}
		commands := tpl.named(t, "AWS::SQS::Queue", "QueueName", prefix+"-commands.fifo")
		dead := tpl.named(t, "AWS::SQS::Queue", "QueueName", prefix+"-dead-commands.fifo")
		for _, queue := range []resource{commands, dead} {
			queueIsKept(t, tpl, queue)
			for property, want := range map[string]string{
				"FifoQueue": "true", "ContentBasedDeduplication": "true",
				"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
				"MessageRetentionPeriod": "1209600",
			} {
				same(t, tpl, property, queue.Properties[property], want)
			}
		}
		same(t, tpl, "dead letters", at(commands.Properties, "RedrivePolicy", "deadLetterTargetArn"), "<"+prefix+"-dead-commands.fifo>.Arn")
		same(t, tpl, "receives", at(commands.Properties, "RedrivePolicy", "maxReceiveCount"), "20")
		same(t, tpl, "redrive of dead letters", dead.Properties["RedrivePolicy"], "<nil>")
		same(t, tpl, "who may send dead letters", at(dead.Properties, "RedriveAllowPolicy", "redrivePermission"), "byQueue")
		same(t, tpl, "whose dead letters", at(dead.Properties, "RedriveAllowPolicy", "sourceQueueArns"), arnOf(tpl, "sqs", prefix+"-commands.fifo"))
	})
}

// queueIsKept checks encryption and the removal policy of a queue.
func queueIsKept(t *testing.T, tpl *template, r resource) {
	t.Helper()
	name := tpl.text(r.Properties["QueueName"])
	policy := "Retain"
	if tpl.Settings.RemovalPolicy == "destroy" {
		policy = "Delete"
	}
	same(t, tpl, name+" on deletion", r.DeletionPolicy, policy)
	same(t, tpl, name+" on replacement", r.UpdateReplacePolicy, policy)
	if key := keyArn(tpl); key == "" {
		same(t, tpl, name+" encryption", r.Properties["SqsManagedSseEnabled"], "true")
	} else {
		same(t, tpl, name+" key", r.Properties["KmsMasterKeyId"], key)
	}
}

// A message stays hidden six times as long as the function may take, which is
// AWS's advice.
func TestVisibility(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		queue := tpl.named(t, "AWS::SQS::Queue", "QueueName", tpl.Settings.Prefix()+"-commands.fifo").Properties
		command := tpl.named(t, "AWS::Lambda::Function", "FunctionName", tpl.Settings.Prefix()+"-command").Properties
		hidden, timeout := queue["VisibilityTimeout"].(float64), command["Timeout"].(float64)
		if hidden < 6*timeout {
			t.Errorf("a message is hidden for %g s, the function may take %g s", hidden, timeout)
		}
	})
}

func TestQueueMapping(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		p := tpl.mapping(t, "command")
		for property, want := range map[string]string{
			"EventSourceArn":        "<" + tpl.Settings.Prefix() + "-commands.fifo>.Arn",
			"BatchSize":             "10",
			"FunctionResponseTypes": "ReportBatchItemFailures",
			// Settings that a FIFO queue's mapping can't have.
			"MaximumBatchingWindowInSeconds": "<nil>", "FilterCriteria": "<nil>", "StartingPosition": "<nil>",
		} {
			same(t, tpl, property, p[property], want)
		}
		same(t, tpl, "concurrency", at(p, "ScalingConfig", "MaximumConcurrency"), fmt.Sprint(tpl.Settings.QueueConcurrency))
		same(t, tpl, "metrics", at(p, "MetricsConfig", "Metrics"), "EventCount")
	})
}

func TestEventBus(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, tpl *template) {
		if tpl.Settings.EventBus != "" {
			if ids := tpl.ids("AWS::Events::EventBus"); len(ids) > 0 {
				t.Errorf("there is an event bus that nobody asked for: %v", ids)
			}
			return
		}
		p := tpl.only(t, "AWS::Events::EventBus").Properties
		same(t, tpl, "name", p["Name"], tpl.Settings.Prefix())
		key := keyArn(tpl)
		if key == "" {
			key = "<nil>"
		}
		same(t, tpl, "key", p["KmsKeyIdentifier"], key)
	})
}

// EventBridge may use the deployment's key for its event bus and nothing else.
func TestKeyForEvents(t *testing.T) {
	t.Parallel()
	tpl := variant(t, "http-all")
	found := false
	for _, s := range tpl.statements() {
		if s.kind != "AWS::KMS::Key" || !strings.Contains(s.principals, "events.amazonaws.com") || s.sid == "EventsLook" {
			continue
		}
		found = true
		bus := arnOf(tpl, "events", "event-bus/"+tpl.Settings.Prefix())
		same(t, tpl, "actions", strings.Join(s.actions, " "), "kms:Decrypt kms:GenerateDataKey")
		same(t, tpl, "source", at(s.condition, "StringEquals", "aws:SourceArn"), bus)
		same(t, tpl, "context", at(s.condition, "StringEquals", "kms:EncryptionContext:aws:events:event-bus:arn"), bus)
	}
	if !found {
		t.Error("EventBridge can't use the key")
	}
}
