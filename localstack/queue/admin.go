package queue

import (
	"context"
	"encoding/json/v2"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// purgePause is the least time between two purges of a queue.
const purgePause = time.Minute

var queueName = regexp.MustCompile(`^[0-9A-Za-z_-]{1,75}\.fifo$`)

// queueRef is an answer or request with a queue's URL.
type queueRef struct {
	QueueURL string `json:"QueueUrl"`
}

func (n queueRef) queueURL() string { return n.QueueURL }

func (s *Server) url(host, name string) string {
	return "http://" + host + "/" + s.account + "/" + name
}

type createInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

func (s *Server) createQueue(r *http.Request, in createInput) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if !isFIFO(in.QueueName) || in.Attributes["FifoQueue"] != "true" {
		return nil, unsupported("This engine has FIFO queues only: the name ends with .fifo, and the attribute FifoQueue is true.")
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	answer := queueRef{s.url(r.Host, in.QueueName)}
	if q := s.queues[in.QueueName]; q != nil {
		for name, value := range in.Attributes {
			if q.all[name] != value {
				return nil, clientError("QueueNameExists",
					"A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return answer, nil
	}
	q := s.newQueue(in.QueueName, settings{}, time.Now().Truncate(time.Second))
	if err := s.define(r.Context(), q, in.Attributes, q.created); err != nil {
		return nil, err
	}
	s.queues[q.name] = q
	return answer, nil
}

// define changes a queue's attributes, kept before they hold. The lock is held.
func (s *Server) define(ctx context.Context, q *queue, change map[string]string, now time.Time) error {
	next, err := q.with(change)
	if err != nil {
		return err
	}
	if next.redrive != nil && (next.redrive.target == s.ARN(q.name) || s.byARN(next.redrive.target) == nil) {
		return badRedrive(next.all["RedrivePolicy"], "Dead letter target does not exist.")
	}
	attributes, err := json.Marshal(next.all, json.Deterministic(true))
	if err != nil {
		return err
	}
	it := key(q.name, partAttributes)
	it[attrAttributes], it[attrCreated], it[attrChanged] = text(string(attributes)), numeral(q.created.UnixMilli()), numeral(now.UnixMilli())
	if err := s.store.write(ctx, []types.WriteRequest{put(it)}); err != nil {
		return err
	}
	q.settings, q.changed = next, now
	return nil
}

type setAttributesInput struct {
	queueRef
	Attributes map[string]string
}

func (s *Server) setQueueAttributes(ctx context.Context, q *queue, in setAttributesInput) (any, error) {
	return struct{}{}, s.define(ctx, q, in.Attributes, time.Now())
}

type getURLInput struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

func (s *Server) getQueueURL(r *http.Request, in getURLInput) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if s.queues[in.QueueName] == nil {
		return nil, noQueue()
	}
	return queueRef{s.url(r.Host, in.QueueName)}, nil
}

type getAttributesInput struct {
	queueRef
	AttributeNames []string
}

func (s *Server) getQueueAttributes(ctx context.Context, q *queue, in getAttributesInput) (any, error) {
	q.expire(time.Now())
	all := maps.Clone(q.all)
	all["QueueArn"] = s.ARN(q.name)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(len(q.messages) - q.flights.Len())
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.flights.Len())
	all["ApproximateNumberOfMessagesDelayed"] = "0"
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.changed.Unix(), 10)
	var out struct {
		Attributes map[string]string `json:",omitempty"`
	}
	if slices.Contains(in.AttributeNames, "All") {
		out.Attributes = all
		return out, nil
	}
	out.Attributes = map[string]string{}
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

type listInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       *string
}

func (s *Server) listQueues(r *http.Request, in listInput) (any, error) {
	out := struct {
		QueueURLs []string `json:"QueueUrls,omitempty"`
		NextToken string   `json:",omitzero"`
	}{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || in.NextToken != nil && name <= *in.NextToken {
			continue
		}
		if in.MaxResults != nil && len(out.QueueURLs) == *in.MaxResults {
			last := out.QueueURLs[len(out.QueueURLs)-1]
			out.NextToken = last[strings.LastIndexByte(last, '/')+1:]
			break
		}
		out.QueueURLs = append(out.QueueURLs, s.url(r.Host, name))
	}
	return out, nil
}

func (s *Server) purgeQueue(ctx context.Context, q *queue, _ queueRef) (any, error) {
	now := time.Now()
	if now.Sub(q.purged) < purgePause {
		return nil, clientError("PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	all := slices.Collect(maps.Values(q.messages))
	var writes []types.WriteRequest
	for _, m := range all {
		writes = append(writes, m.gone(q.name, now)...)
	}
	if err := s.store.write(ctx, writes); err != nil {
		return nil, err
	}
	for _, m := range all {
		q.remove(m)
	}
	q.purged = now
	return struct{}{}, nil
}
