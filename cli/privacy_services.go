package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/connect"
	"daybook/dynamo"
	"daybook/functions/names"
	"daybook/inspect"
	"daybook/localstack/queue"
)

// access is how the services of the installation are reached.
func (s *session) access() connect.Access {
	return connect.Access{Region: s.aws.Region, Endpoint: s.endpoint, Credentials: s.aws.Credentials, Transport: s.transport}
}

// queues searches the dead letters and, if it may, the commands that wait.
func (p *privacySearch) queues(ctx context.Context) error {
	d := p.deadLetters()
	var depth inspect.Depth
	err := d.Open(ctx)
	if err == nil {
		depth, err = d.Depth(ctx)
	}
	if err != nil {
		p.skip("queues: %v", err)
		return nil
	}
	seen := 0
	p.looked = append(p.looked, "dead letters")
	err = d.Each(ctx, nil, func(l connect.Letter) (bool, error) {
		seen++
		p.look("dead letter", names.DeadQueue, l.ID, l.Body()+" "+l.Text)
		return false, nil
	})
	if err != nil {
		return err
	}
	if dead := int(depth.Dead); seen < dead {
		p.skip("%d of about %d dead letters: of each stream the first ten can be received; redrive or drop those, and search again", dead-seen, dead)
	}
	return p.waiting(ctx, d, int(depth.Pending+depth.InFlight))
}

// waiting searches the commands that wait. Looking at one is not free: see
// connect.DeadLetters.EachWaiting. The queue of one machine is a table, which was searched.
func (p *privacySearch) waiting(ctx context.Context, d *connect.DeadLetters, depth int) error {
	inTable := slices.Contains(p.tables, dynamo.TableName(p.prefix, queue.Table()))
	if depth > 0 && !p.inQueue && !inTable {
		p.skip("about %d commands in the command queue: search again when they have been handled, or with -queue, which delays them", depth)
		return nil
	}
	p.looked = append(p.looked, "command queue")
	if depth == 0 || !p.inQueue {
		return nil
	}
	seen := 0
	err := d.EachWaiting(ctx, func(l connect.Letter) {
		seen++
		p.look("command queue", names.CommandQueue, l.ID, l.Body())
	})
	if err == nil && seen < depth && !inTable {
		p.skip("%d of about %d commands in the command queue: of each stream the first ten can be received", depth-seen, depth)
	}
	return err
}

// timers searches the schedules.
func (p *privacySearch) timers(ctx context.Context) error {
	err := p.services.Schedules(ctx, func(name, input string) { p.look("timer", p.prefix, name, input) })
	return p.unlessRefused(ctx, "timers", err)
}

// logs searches what the functions and the API have logged.
func (p *privacySearch) logs(ctx context.Context) error {
	if p.logsOf <= 0 {
		p.skip("logs: -logs is 0")
		return nil
	}
	groups, err := p.services.LogGroups(ctx)
	for _, group := range groups {
		bar := p.progress("searching "+group, "lines", 0)
		err = p.services.Log(ctx, group, time.Now().Add(-p.logsOf), func(stream, line string) {
			bar.add(1)
			p.look("log", group, stream, line)
		})
		bar.end()
		if err := p.unlessRefused(ctx, fmt.Sprintf("log %s, the last %v", group, p.logsOf), err); err != nil {
			return err
		}
	}
	if len(groups) > 0 {
		p.skip("logs that are older than %v: give -logs a longer duration", p.logsOf)
		return nil
	}
	return p.unlessRefused(ctx, "logs", err)
}

// failures searches the records that functions gave up.
func (p *privacySearch) failures(ctx context.Context) error {
	info, err := p.reachable(ctx)
	if err != nil {
		return err
	}
	buckets, err := p.services.FailureBuckets(ctx, info.Stream)
	if err != nil || len(buckets) == 0 {
		return p.unlessRefused(ctx, "failure bucket", err)
	}
	for _, bucket := range buckets {
		err := p.objects(ctx, "failure bucket", bucket, "")
		if err := p.unlessRefused(ctx, "failure bucket "+bucket, err); err != nil {
			return err
		}
	}
	return nil
}

// objects searches every version of the objects of a bucket.
func (p *privacySearch) objects(ctx context.Context, where, bucket, prefix string) error {
	return p.services.Objects(ctx, bucket, prefix, func(key string, r io.Reader) error {
		return p.file(where, "s3://"+bucket+"/"+key, r)
	})
}

// unlessRefused records that something was searched or, if a service refused it, that it was
// not and why.
func (p *privacySearch) unlessRefused(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		p.looked = append(p.looked, what)
	case ctx.Err() != nil:
		return err
	case errors.Is(err, connect.ErrNoService):
		p.skip("%s: this endpoint has none; search files of your own with -files", what)
	default:
		p.skip("%s: %v", what, err)
	}
	return nil
}

// privacyPolicy is what verify -privacy may do.
func (s *session) privacyPolicy(c *cli.Command) policy {
	buckets := []string{s.bucketARN(strings.ToLower(s.prefix[:min(len(s.prefix), leastBucket)]) + "*")}
	for _, path := range c.StringSlice("files") {
		if bucket, _, ok := cutS3(path); ok {
			buckets = append(buckets, s.bucketARN(bucket), s.bucketARN(bucket+"/*"))
		}
	}
	return newPolicy(append([]statement{
		allow([]string{"dynamodb:ListTables", "lambda:ListEventSourceMappings", "logs:DescribeLogGroups", "scheduler:ListSchedules"}, "*"),
		allow([]string{
			"dynamodb:BatchGetItem", "dynamodb:DescribeStream", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:Query", "dynamodb:Scan",
		}, s.arnOf("dynamodb", "table/"+s.prefix+"-*")),
		allow([]string{"sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"}, s.arnOf("sqs", s.prefix+"-*")),
		allow([]string{"scheduler:GetSchedule"}, s.arnOf("scheduler", "schedule/"+s.prefix+"/*")),
		allow([]string{"logs:FilterLogEvents"}, s.arnOf("logs", "log-group:/"+s.prefix+"/*")),
		allow([]string{"s3:GetObjectVersion", "s3:ListBucketVersions"}, buckets...),
		decryption("dynamodb", "s3", "sqs"),
	}, s.personal()...)...)
}

// leastBucket is how much of the stack's name the name of its failure bucket begins with at
// least: CloudFormation shortens it to 24 characters.
const leastBucket = 20

// cutS3 splits s3://bucket/prefix.
func cutS3(path string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(path, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, prefix, ok
}
