package functions_test

import (
	"bytes"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"

	"daybook/functions"
)

// warmFunctionAllocations is what a warm command may allocate, in objects, from API
// Gateway's event to its answer.
const warmFunctionAllocations = 280

// echo gives a database's last answer again, so that what is measured is not the
// database.
type echo struct {
	database  http.RoundTripper
	answer    *http.Response
	body      []byte
	repeating bool
}

func (e *echo) RoundTrip(r *http.Request) (*http.Response, error) {
	if !e.repeating {
		answer, err := e.database.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer func() { _ = answer.Body.Close() }()
		if e.body, err = io.ReadAll(answer.Body); err != nil {
			return nil, err
		}
		e.answer = answer
	}
	again := *e.answer
	again.Request, again.Body = r, io.NopCloser(bytes.NewReader(e.body))
	return &again, nil
}

// BenchmarkCommandFunction counts what a warm command allocates in the command
// function: all of them are appended to the state that it keeps.
func BenchmarkCommandFunction(b *testing.B) {
	r := newBench(b)
	database := &echo{database: r.config.Transport}
	r.config.Transport = database
	command, err := functions.NewCommand(r.app, r.config)
	if err != nil {
		b.Fatal(err)
	}
	request := func(name, key, body string) []byte {
		text, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		return fmt.Appendf(nil, `{"version":"2.0","rawPath":"/commands/%s","requestContext":{"requestId":"r","http":{"method":"POST"},`+
			`"authorizer":{"jwt":{"claims":{"sub":"ann"}}}},"headers":{"content-type":"application/json","idempotency-key":%q},"body":%s}`, name, key, text)
	}
	send := func(event []byte) {
		if out, err := command.Invoke(b.Context(), event); err != nil || !bytes.Contains(out, []byte(`"statusCode":20`)) {
			b.Fatalf("%s: %s, %v", event, out, err)
		}
	}
	send(request("add-course", "add", `{"id":"go","payload":{"name":"Go","area":"it","fee":100,"currency":"EUR","seats":5}}`))
	send(request("extend-course", "extend", `{"id":"go","payload":{"quantity":1}}`))
	database.repeating = true
	n, allocated := 0, uint64(0)
	for b.Loop() {
		var commands [50][]byte
		for i := range commands {
			n++
			commands[i] = request("extend-course", fmt.Sprintf("extend-%d", n), `{"id":"go","payload":{"quantity":1}}`)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, c := range commands {
			send(c)
		}
		runtime.ReadMemStats(&after)
		allocated += after.Mallocs - before.Mallocs
	}
	each := float64(allocated) / float64(n)
	b.ReportMetric(each, "mallocs/command")
	b.ReportMetric(warmFunctionAllocations/each, "function-allocations-ratio")
}
