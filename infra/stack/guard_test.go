package stack_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// guard lets a function's requests through as far as the role in the template
// allows them, as IAM does.
type guard struct {
	http.RoundTripper // to DynamoDB
	services          *services
	function          string
	grants            map[string]bool // "dynamodb:Query <daybook-dev-events>.Arn"

	mu   sync.Mutex
	used map[string]bool
	bad  []string
}

func newGuard(tpl *template, function string, dynamodb http.RoundTripper, s *services) *guard {
	g := &guard{RoundTripper: dynamodb, services: s, function: function, grants: make(map[string]bool), used: make(map[string]bool)}
	for _, s := range tpl.statements() {
		if s.role != tpl.roleOf(function) || s.effect != "Allow" {
			continue
		}
		for _, a := range s.actions {
			for _, r := range s.resources {
				if usedByFunction(a) && !strings.Contains(r, ".StreamArn") {
					g.grants[a+" "+r] = true
				}
			}
		}
	}
	return g
}

// usedByFunction reports whether the function itself uses an action, and not
// Lambda in its name, or another service that it speaks to.
func usedByFunction(action string) bool {
	service, _, _ := strings.Cut(action, ":")
	return slices.Contains([]string{"dynamodb", "scheduler", "events", "iam"}, service) || action == "sqs:SendMessage"
}

// request is what the operations of all services name their resources by.
type request struct {
	TableName     string         `json:"TableName"`
	IndexName     string         `json:"IndexName"`
	RequestItems  map[string]any `json:"RequestItems"`
	TransactItems []map[string]struct {
		TableName string `json:"TableName"`
	} `json:"TransactItems"`

	QueueURL string `json:"QueueUrl"`
	Entries  []struct {
		ID   string `json:"Id"`
		Body string `json:"MessageBody"`
		Bus  string `json:"EventBusName"`
	} `json:"Entries"`

	GroupName string `json:"GroupName"`
	Target    struct {
		RoleArn string `json:"RoleArn"`
	} `json:"Target"`
}

// needs are the permissions that AWS asks for a request.
func needs(tpl *template, r *http.Request, named request) []string {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case service == "AmazonSQS":
		queue := named.QueueURL[strings.LastIndexByte(named.QueueURL, '/')+1:]
		return []string{"sqs:" + strings.TrimSuffix(operation, "Batch") + " <" + queue + ">.Arn"}
	case service == "AWSEvents":
		var all []string
		for _, e := range named.Entries {
			all = append(all, "events:"+operation+" <"+e.Bus+">.Arn")
		}
		return all
	case strings.HasPrefix(r.URL.Path, "/schedules/"):
		group := named.GroupName + r.URL.Query().Get("groupName")
		verb := map[string]string{"POST": "Create", "PUT": "Update", "DELETE": "Delete", "GET": "Get"}[r.Method]
		all := []string{"scheduler:" + verb + "Schedule " + arnOf(tpl, "scheduler", "schedule/"+group+"/*")}
		if role := named.Target.RoleArn; role != "" {
			all = append(all, "iam:PassRole "+role)
		}
		return all
	}
	return needsOfDynamoDB(operation, named)
}

func needsOfDynamoDB(operation string, r request) (all []string) {
	resource := func(table string) string {
		if view, _, later := strings.Cut(table, "-g"); later {
			return "<" + view + ">.Arn-g*"
		}
		return "<" + table + ">.Arn"
	}
	switch {
	case len(r.TransactItems) > 0:
		for _, item := range r.TransactItems {
			for kind, part := range item {
				action := map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind]
				all = append(all, "dynamodb:"+action+" "+resource(part.TableName))
			}
		}
	case len(r.RequestItems) > 0:
		for table := range r.RequestItems {
			all = append(all, "dynamodb:"+operation+" "+resource(table))
		}
	case r.IndexName != "":
		all = append(all, "dynamodb:"+operation+" "+resource(r.TableName)+"/index/"+r.IndexName)
	default:
		all = append(all, "dynamodb:"+operation+" "+resource(r.TableName))
	}
	return all
}

// RoundTrip lets an allowed request through.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var named request
	if len(body) > 0 {
		if err := json.Unmarshal(body, &named); err != nil {
			return nil, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, need := range needs(g.services.tpl, r, named) {
		g.used[need] = true
		if !g.grants[need] {
			g.bad = append(g.bad, need)
			return nil, fmt.Errorf("the %s function may not %s", g.function, need)
		}
	}
	if strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB") {
		return g.RoundTripper.RoundTrip(r)
	}
	return g.services.answer(r, named)
}

// check tells what a function did without permission, and what it may do and did
// not.
func (g *guard) check(t *testing.T) {
	t.Helper()
	for _, need := range g.bad {
		t.Errorf("%s may not %s", g.function, need)
	}
	for _, grant := range sorted(g.grants) {
		if !g.used[grant] && !spare(grant) {
			t.Errorf("%s is granted %s and does not use it", g.function, grant)
		}
	}
}

// services stand for SQS, Scheduler and EventBridge: they take what is sent, and
// keep the messages of queues.
type services struct {
	tpl *template

	mu       sync.Mutex
	messages map[string][]string // bodies, by the queue's name
}

func (s *services) answer(r *http.Request, named request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := named.QueueURL[strings.LastIndexByte(named.QueueURL, '/')+1:]
	taken := make([]map[string]string, len(named.Entries))
	for i, e := range named.Entries {
		taken[i] = map[string]string{"Id": e.ID, "MessageId": e.ID, "EventId": e.ID}
		if queue != "" {
			s.messages[queue] = append(s.messages[queue], e.Body)
		}
	}
	out, err := json.Marshal(map[string]any{"Successful": taken, "Entries": taken, "FailedEntryCount": 0, "ScheduleArn": r.URL.Path})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(out)), Request: r}, nil
}

// take takes the messages out of a queue.
func (s *services) take(queue string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.messages[queue]
	delete(s.messages, queue)
	return all
}
