package linearizability

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"daybook/internal/testdomain"
)

// recorder keeps the history of one stream, or of a few that claim the same values.
type recorder struct {
	name  string // begins the ids of all commands
	http  *http.Client
	begun time.Time

	mu         sync.Mutex
	operations []porcupine.Operation
	faults     []error
}

// newRecorder returns one whose connections end before the stacks do, which would wait
// for those without a request.
func newRecorder(t *testing.T, name string) *recorder {
	transport := &http.Transport{MaxIdleConnsPerHost: clients + 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &recorder{name: name, http: &http.Client{Transport: transport}, begun: time.Now()}
}

func (r *recorder) now() int64 { return int64(time.Since(r.begun)) }

// never is the end of a request that may still take effect.
const never = 1 << 62

func (r *recorder) record(client int, in input, call int64, out output, end int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.operations = append(r.operations, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: end})
}

func (r *recorder) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}

// client sends one request at a time to any of the stacks.
type client struct {
	*recorder
	number int
	random *rand.Rand
	urls   func() []string // of the stacks, as they are now
	known  int64           // the greatest version that it was told
	sent   int
	choose func(c *client, first bool) input // of the next request
}

// tries bounds how often a request that may not have arrived is sent.
const (
	tries = 100
	pause = 20 * time.Millisecond
)

// run sends a number of requests.
func (c *client) run(ctx context.Context, requests int) {
	for n := range requests {
		in := c.choose(c, n == 0)
		call := c.now()
		out, last := c.send(ctx, in)
		if ctx.Err() != nil {
			return
		}
		switch {
		case out.unknown && in.id == "": // a read without an answer says nothing
		case out.unknown:
			c.record(c.number, in, call, out, never)
		case last > 0 && out.code != "":
			// An earlier try may take effect behind the rejection of the last one.
			c.record(c.number, in, call, output{unknown: true}, never)
			c.record(c.number, in, last, out, c.now())
		default:
			c.record(c.number, in, call, out, c.now())
		}
		if out.code == "" {
			c.known = max(c.known, out.version)
		}
	}
}

// chooseForOne returns a request about one member. All clients begin with creating it.
func chooseForOne(c *client, first bool) input {
	in := input{member: c.name, expected: -1}
	switch n := c.random.IntN(20); {
	case first:
		in.kind = create
	case n < 9:
		in.kind = rename
	case n < 11:
		in.kind = deactivate
	case n < 14:
		in.kind = reactivate
	case n < 16:
		in.kind = history
	case n < 18:
		in.kind = row
	default:
		in.kind = list
	}
	c.sent++
	switch in.kind {
	case history:
	case row, list:
		if c.random.IntN(3) > 0 {
			in.after = c.known
		}
	default:
		in.id = fmt.Sprintf("%s-%d-%d", c.name, c.number, c.sent)
		if in.kind == create || in.kind == rename {
			in.name = fmt.Sprintf("n%d-%d", c.number, c.sent)
		}
		if in.kind == create {
			in.email = in.id + "@example.com"
		}
		if !first && c.random.IntN(3) == 0 {
			in.expected = c.known
		}
	}
	return in
}

// send sends a request until it is answered. last is when the last try began, 0 for
// the first.
func (c *client) send(ctx context.Context, in input) (out output, last int64) {
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return output{unknown: true}, last
			case <-time.After(pause): // a process that was killed is starting
			}
			last = c.now()
		}
		urls := c.urls()
		if len(urls) == 0 {
			continue // it is being restarted
		}
		out, err := c.try(ctx, urls[c.random.IntN(len(urls))], in)
		if err != nil {
			c.fault(err)
			return output{unknown: true}, last
		}
		if !out.unknown {
			return out, last
		}
	}
	return output{unknown: true}, last
}

// try sends a request once. An error is an answer that no request should get.
func (c *client) try(ctx context.Context, base string, in input) (output, error) {
	request, err := c.request(ctx, base, in)
	if err != nil {
		return output{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return output{unknown: true}, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests {
		return output{unknown: true}, nil
	}
	out, err := c.read(in, response, body)
	if err != nil {
		err = fmt.Errorf("%+v: %d %s: %w", in, response.StatusCode, body, err)
	}
	return out, err
}

func (c *client) request(ctx context.Context, base string, in input) (*http.Request, error) {
	query := url.Values{}
	if in.after > 0 {
		query.Set("after", fmt.Sprintf("member/%s@%d", in.member, in.after))
	}
	method, path, body := http.MethodGet, "", []byte(nil)
	switch in.kind {
	case history:
		path = "/streams/member/" + in.member + "?limit=1000"
	case row:
		path = "/members/" + in.member + "?" + query.Encode()
	case list:
		query.Set("sort", "name")
		query.Set("limit", "100")
		path = "/members?" + query.Encode()
	default:
		payload := map[string]any{}
		if in.name != "" {
			payload["name"] = in.name
		}
		if in.email != "" {
			payload["email"] = in.email
		}
		sent := map[string]any{"id": in.member, "payload": payload}
		if in.expected >= 0 {
			sent["expectedVersion"] = in.expected
		}
		var err error
		if body, err = json.Marshal(sent); err != nil {
			return nil, err
		}
		method, path = http.MethodPost, "/commands/"+string(in.kind)
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err == nil && in.id != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", in.id)
	}
	return request, err
}

// memberRow is a row as it is answered.
type memberRow struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
	testdomain.MemberRow
}

// read reads an answer.
func (c *client) read(in input, response *http.Response, body []byte) (output, error) {
	if response.StatusCode >= 400 && (in.id != "" || response.StatusCode != http.StatusNotFound) {
		var problem struct {
			Code    string `json:"code"`
			Version int64  `json:"version"`
		}
		err := json.Unmarshal(body, &problem)
		if err == nil && in.id == "" {
			err = fmt.Errorf("a read was refused")
		}
		return output{code: problem.Code, version: problem.Version}, err
	}
	switch in.kind {
	case history:
		return readHistory(response, body)
	case row:
		var r memberRow
		if response.StatusCode == http.StatusNotFound {
			return output{}, nil
		}
		err := json.Unmarshal(body, &r)
		return outputOf(r), err
	case list:
		return c.readList(in, response, body)
	}
	var accepted struct {
		Version int64 `json:"version"`
	}
	err := json.Unmarshal(body, &accepted)
	return output{version: accepted.Version}, err
}

func outputOf(r memberRow) output {
	r.Email = ""
	return output{version: r.Version, member: r.MemberRow}
}

func readHistory(response *http.Response, body []byte) (output, error) {
	if response.StatusCode == http.StatusNotFound {
		return output{}, nil
	}
	var past struct {
		Events []struct {
			Version   int64  `json:"version"`
			Name      string `json:"name"`
			CommandID string `json:"commandId"`
			Data      struct {
				Name  string `json:"name"`
				Email string `json:"email"`
			} `json:"data"`
		} `json:"events"`
	}
	if err := json.Unmarshal(body, &past); err != nil {
		return output{}, err
	}
	kinds := map[string]kind{
		testdomain.MemberCreated{}.EventName(): create, testdomain.MemberRenamed{}.EventName(): rename,
		testdomain.MemberDeactivated{}.EventName(): deactivate, testdomain.MemberReactivated{}.EventName(): reactivate,
		testdomain.MemberEmailChanged{}.EventName(): changeEmail,
	}
	var out output
	for i, e := range past.Events {
		if e.Version != int64(i)+1 {
			return output{}, fmt.Errorf("event %d has version %d", i, e.Version)
		}
		out.events = append(out.events, entry{kinds[e.Name], e.CommandID, e.Data.Name, e.Data.Email})
	}
	out.version = int64(len(out.events))
	return out, nil
}

// readList reads the row among all rows. A list that says that it is stale promises
// nothing and counts as unanswered.
func (c *client) readList(in input, response *http.Response, body []byte) (output, error) {
	var rows struct {
		Items []memberRow `json:"items"`
	}
	if err := json.Unmarshal(body, &rows); err != nil {
		return output{}, err
	}
	if in.after > 0 && strings.EqualFold(response.Header.Get("Daybook-Stale"), "true") {
		return output{unknown: true}, nil
	}
	for _, r := range rows.Items {
		if r.ID == in.member {
			return outputOf(r), nil
		}
	}
	return output{}, nil
}
