package queue

import (
	"context"
	"encoding/json/v2"
	"maps"
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

// named is an answer or request with a queue's URL.
type named struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Server) url(host, name string) string {
	return "http://" + host + "/" + s.account + "/" + name
}

func (s *Server) createQueue(r request) (any, error) {
	in, err := decode[struct {
		QueueName  string
		Attributes map[string]string
		Tags       map[string]string `json:"tags"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if !isFIFO(in.QueueName) || in.Attributes["FifoQueue"] != "true" {
		return nil, unsupported("This engine has FIFO queues alone: the name ends with .fifo, and the attribute FifoQueue is true.")
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, invalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := named{s.url(r.host, in.QueueName)}
	if q := s.queues[in.QueueName]; q != nil {
		for name, value := range in.Attributes {
			if q.all[name] != value {
				return nil, clientError("QueueNameExists", "QueueAlreadyExists",
					"A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return answer, nil
	}
	q := s.newQueue(in.QueueName, settings{}, time.Now().Truncate(time.Second))
	if err := s.define(r.ctx, q, in.Attributes, q.created); err != nil {
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

func (s *Server) setQueueAttributes(r request) (any, error) {
	in, err := decode[struct {
		QueueURL   string `json:"QueueUrl"`
		Attributes map[string]string
	}](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.define(r.ctx, q, in.Attributes, time.Now())
}

func (s *Server) getQueueURL(r request) (any, error) {
	in, err := decode[struct {
		QueueName              string
		QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
	}](r.body)
	if err != nil {
		return nil, err
	}
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[in.QueueName] == nil {
		return nil, noQueue()
	}
	return named{s.url(r.host, in.QueueName)}, nil
}

func (s *Server) getQueueAttributes(r request) (any, error) {
	in, err := decode[struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, err
	}
	q.expire(time.Now())
	all := maps.Clone(q.all)
	all["QueueArn"] = s.ARN(q.name)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(len(q.messages) - len(q.flights))
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(len(q.flights))
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

func (s *Server) listQueues(r request) (any, error) {
	in, err := decode[struct {
		QueueNamePrefix string
		MaxResults      *int
		NextToken       *string
	}](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
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
		out.QueueURLs = append(out.QueueURLs, s.url(r.host, name))
	}
	return out, nil
}

func (s *Server) purgeQueue(r request) (any, error) {
	in, err := decode[named](r.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queueOf(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if now.Sub(q.purged) < purgePause {
		return nil, clientError("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	all := slices.Collect(maps.Values(q.messages))
	var writes []types.WriteRequest
	for _, m := range all {
		writes = append(writes, m.gone(q.name, now)...)
	}
	if err := s.store.write(r.ctx, writes); err != nil {
		return nil, err
	}
	for _, m := range all {
		q.remove(m)
	}
	q.purged = now
	return struct{}{}, nil
}
