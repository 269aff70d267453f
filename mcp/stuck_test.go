package mcp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"daybook/explain"
	"daybook/explain/explaintest"
)

// TestStuckJobs: a client that has only the tools gets to the cause of each stuck job,
// and to the step to take, from the job's stream and from its row. It knows the job's
// aggregate; of a command that waits in the queue, or was rejected there, it knows the
// id, as its sender does.
func TestStuckJobs(t *testing.T) {
	t.Parallel()
	for _, job := range explaintest.Stuck {
		t.Run(job.Name, func(t *testing.T) {
			t.Parallel()
			w := explaintest.New(t)
			planted := job.Plant(w)
			s := newClient(w.World, nil)
			stream := s.newestJob()
			tokens := []string{stream, strings.Replace(stream, "job/", "jobs/", 1)}
			if job.Queued {
				tokens = []string{planted}
				s.want("command_status", s.arguments("commandId", planted), `"id":"`+strings.TrimPrefix(stream, "job/")+`"`)
			}
			for _, token := range tokens {
				var x explain.Explanation
				s.read(s.want("explain", s.arguments("token", token)), &x)
				if !job.Names(x.Causes) {
					t.Errorf("explain %s: no cause is %s and says %q:\n%s", token, job.State, job.Says, x.Text())
				}
			}
			s.listed(job, stream)
		})
	}
}

// newestJob is the job that was placed last.
func (s *site) newestJob() string {
	s.Helper()
	var page struct {
		Streams []struct {
			Stream string `json:"stream"`
		} `json:"streams"`
	}
	s.read(s.want("list_streams", `{"aggregate":"job","limit":1}`), &page)
	if len(page.Streams) != 1 {
		s.Fatal("no job is listed")
	}
	return page.Streams[0].Stream
}

// listed checks that the lists tell of the job what its explanation tells.
func (s *site) listed(job explaintest.Job, stream string) {
	s.Helper()
	switch job.State {
	case explain.StateParked:
		s.want("parked", `{}`, `"stream":"`+stream+`"`)
	case explain.StateFailed:
		s.want("dead_letters", `{}`, stream)
	case explain.StateLost:
		s.want("processes", s.arguments("stream", stream), `"name":"deadline"`, `"due":"2026-`)
	}
}

func (s *site) arguments(name, value string) string { return s.marshal(map[string]string{name: value}) }

func (s *site) read(text string, v any) {
	s.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		s.Fatalf("%s: %v", text, err)
	}
}
