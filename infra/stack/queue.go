package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"daybook/functions/names"
)

const (
	// queueDays is how long a command waits at most, and how long a dead one
	// stays: the longest that SQS has. An expired message is deleted silently.
	queueDays = 14
	// receives is how often a message is received before SQS itself takes it for
	// dead: without its error, out of order. The function gives a command up
	// sooner, so that this is for a function that crashes. A command is received
	// with those before it in its stream, up to nine, without being tried.
	receives = 20
	// visibilities is how many time-outs of the function a message stays hidden
	// for: what AWS advises, so that Lambda can retry while it is throttled.
	visibilities = 6
	// queueBatch is the largest batch that Lambda takes from a FIFO queue.
	queueBatch = 10
)

// QueueProps are the properties of NewCommandQueue.
type QueueProps struct {
	Prefix  string // of the queues' names
	Key     Key
	Timeout int  // of the function that handles the commands, in seconds
	Retain  bool // keeps the queues when the stack is deleted
}

// CommandQueue is the queue of commands that were accepted to be handled later,
// and of timers that have gone off, with the one for commands that can't be
// handled.
type CommandQueue struct {
	Commands, Dead awssqs.Queue
	key            Key
}

// NewCommandQueue makes the two queues: first in, first out for each stream,
// streams side by side, encrypted, over TLS only. A message without an id of its
// own, which a schedule's is, is known again by its content.
func NewCommandQueue(scope constructs.Construct, id string, p QueueProps) CommandQueue {
	stack := awscdk.Stack_Of(scope)
	name := names.Join(p.Prefix, names.CommandQueue)
	// By name: the queues would wait for each other otherwise.
	source := awssqs.Queue_FromQueueArn(scope, jsii.String(id+"Source"), stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("sqs"), Resource: jsii.String(name),
	}))
	dead := queueProps(p, names.Join(p.Prefix, names.DeadQueue))
	dead.RedriveAllowPolicy = &awssqs.RedriveAllowPolicy{
		RedrivePermission: awssqs.RedrivePermission_BY_QUEUE, SourceQueues: &[]awssqs.IQueue{source},
	}
	q := CommandQueue{Dead: awssqs.NewQueue(scope, jsii.String("Dead"+id), dead), key: p.Key}
	props := queueProps(p, name)
	props.VisibilityTimeout = awscdk.Duration_Seconds(jsii.Number(visibilities * p.Timeout))
	props.DeadLetterQueue = &awssqs.DeadLetterQueue{Queue: q.Dead, MaxReceiveCount: jsii.Number(receives)}
	q.Commands = awssqs.NewQueue(scope, jsii.String(id), props)
	return q
}

// queueProps are what both queues have. A limit and a scope by message group
// make a queue of high throughput: the groups are streams, and a command's id
// need not be told apart from that of another stream's.
func queueProps(p QueueProps, name string) *awssqs.QueueProps {
	props := &awssqs.QueueProps{
		QueueName:                 jsii.String(name),
		Fifo:                      jsii.Bool(true),
		ContentBasedDeduplication: jsii.Bool(true),
		DeduplicationScope:        awssqs.DeduplicationScope_MESSAGE_GROUP,
		FifoThroughputLimit:       awssqs.FifoThroughputLimit_PER_MESSAGE_GROUP_ID,
		RetentionPeriod:           awscdk.Duration_Days(jsii.Number(queueDays)),
		EnforceSSL:                jsii.Bool(true),
		Encryption:                awssqs.QueueEncryption_SQS_MANAGED,
		RemovalPolicy:             removal(p.Retain),
	}
	if p.Key.IKey != nil {
		props.Encryption, props.EncryptionMasterKey = awssqs.QueueEncryption_KMS, p.Key.IKey
	}
	return props
}

// allow lets role do actions on some of the queues.
func (q CommandQueue) allow(role awsiam.Role, sid string, actions []string, queues ...awssqs.Queue) {
	var arns []string
	for _, queue := range queues {
		arns = append(arns, *queue.QueueArn())
	}
	allow(role, sid, actions, arns...)
	q.key.allow(role, "sqs")
}

// NewQueueMapping makes the event source mapping that hands queued commands to
// the command function, at most concurrency batches at once. Commands of a stream
// come in order and one batch at a time; those that the function names as failed
// come again after the queue's visibility time-out, and what comes too often goes
// to the dead commands.
func NewQueueMapping(scope constructs.Construct, id string, queue CommandQueue, command Function, concurrency int) awslambda.CfnEventSourceMapping {
	queue.allow(command.Role, "Queue", []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, queue.Commands)
	mapping := awslambda.NewCfnEventSourceMapping(scope, jsii.String(id), &awslambda.CfnEventSourceMappingProps{
		FunctionName:          command.target(),
		EventSourceArn:        queue.Commands.QueueArn(),
		BatchSize:             jsii.Number(queueBatch),
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
		ScalingConfig:         &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(concurrency)},
		MetricsConfig:         &awslambda.CfnEventSourceMapping_MetricsConfigProperty{Metrics: jsii.Strings("EventCount")},
	})
	// Lambda tries the permissions out when the mapping is made.
	mapping.Node().AddDependency(command.Role)
	return mapping
}
