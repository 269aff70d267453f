package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/api"
	"daybook/dynamo"
	"daybook/events"
	"daybook/inspect"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	requests := dynamo.NewRequests(s.client, dynamo.TableName("school-"+testStage, dynamo.RequestsTable()))
	queue := &asynctest.Queue{}
	options := &api.Options{Sender: async.NewSender(s.handler, queue, requests), Statuses: requests}
	writing, reading := api.NewCommands(s.handler, options), api.NewQueries(nil, nil, nil, nil, options)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			writing.ServeHTTP(w, r)
			return
		}
		reading.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	if r := s.want(exitOK, "send", "create-member", "-async", "-api", server.URL, "-id", "7", "-payload", `{"name":"Ann","email":"a@example.com"}`, "-command-id", "k/1"); r.out != "k/1\tqueued\n" {
		t.Errorf("got %q", r.out)
	}
	check := func(id, status, answer string) {
		t.Helper()
		for _, how := range [][]string{{"status", id}, {"status", id, "-api", server.URL}} {
			if line := s.want(exitOK, how...).lines()[0]; line[0] != id || line[1] != status || line[3] != "7" || !strings.HasPrefix(line[4], answer) {
				t.Errorf("%v: %q", how, line)
			}
		}
	}
	check("k/1", "pending", "")
	worker := async.NewWorker(s.handler, requests, queue, nil)
	worker.Handle(context.Background(), []async.Delivery{{ID: "m", Body: queue.Take()[0].Body, Receives: 1}})
	check("k/1", "accepted", "member/7@1")
	if err := requests.Record(t.Context(), async.Status{CommandID: "r", State: async.StateRejected, Since: time.Now(), Stream: "member/7",
		Problem: &events.Error{Code: "too-late", Message: "it is too late", Rejected: true}}); err != nil {
		t.Fatal(err)
	}
	check("r", "rejected", "too-late: it is too late")
	if l := decode[inspect.Status](t, s.want(exitOK, "status", "r", "-json"))[0]; l.Problem.Code != "too-late" || l.Since.IsZero() {
		t.Errorf("got %+v", l)
	}
	s.want(exitNotFound, "status", "unknown")
	s.want(exitNotFound, "status", "unknown", "-api", server.URL)
	s.want(exitUsage, "status")
	s.want(exitUsage, "send", "create-member", "-async")
	server.Close()
	s.want(exitFailed, "status", "r", "-api", server.URL)
}
