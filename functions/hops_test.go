package functions_test

import (
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"daybook/functions"
)

// TestHops bounds how many of our own functions a command passes from the gateway's
// event to the request that stores its commit, and a record of the stream to the one
// that stores its row. Those of the client behind them are not counted.
func TestHops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hops := func(op string, do func()) []string {
		var once sync.Once
		var path []string
		r.transport.fail = func(request *http.Request) bool {
			if strings.HasSuffix(request.Header.Get("X-Amz-Target"), op) {
				once.Do(func() { path = ownCallers() })
			}
			return false
		}
		defer func() { r.transport.fail = nil }()
		do()
		return path
	}
	for name, id := range map[string]string{"Ada": "1", "Bob": "2"} {
		call(t, r.command, "POST", "/commands/create-member", "", `{"id":"`+id+`","payload":{"name":"`+name+`","email":"`+name+`@example.com"}}`)
	}
	project(t, r, `{"Records":[`+keys("member/1", 1, "100")+`]}`) // the tables are known now
	for name, c := range map[string]struct {
		most int
		path []string
	}{
		"command": {13, hops(".PutItem", func() {
			call(t, r.command, "POST", "/commands/rename-member", "", `{"id":"1","payload":{"name":"Eva"}}`)
		})},
		"record": {15, hops(".PutItem", func() { project(t, r, `{"Records":[`+keys("member/2", 1, "101")+`]}`) })},
	} {
		if n := len(c.path); n == 0 || n > c.most {
			t.Errorf("a %s passes %d functions, want 1 to %d:\n%s", name, n, c.most, strings.Join(c.path, "\n"))
		}
	}
}

func project(t *testing.T, r *rig, batch string) {
	t.Helper()
	if out, err := r.projector.Invoke(t.Context(), []byte(batch)); err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Fatalf("project: %s, %v", out, err)
	}
}

var (
	goroutine = regexp.MustCompile(`^goroutine (\d+)`)
	createdBy = regexp.MustCompile(`created by \S+ in goroutine (\d+)`)
)

// ownCallers returns the calls of the module's functions that led here, outermost
// first, through the goroutines that began one another, up to the client.
func ownCallers() (calls []string) {
	module := strings.TrimSuffix(reflect.TypeFor[functions.Config]().PkgPath(), "functions")
	text := make([]byte, 1<<24)
	stacks, now := map[string]string{}, ""
	for stack := range strings.SplitSeq(string(text[:runtime.Stack(text, true)]), "\n\n") {
		id := goroutine.FindStringSubmatch(stack)[1]
		stacks[id] = stack
		if now == "" {
			now = id
		}
	}
	for now != "" {
		for line := range strings.Lines(stacks[now]) {
			name, isCall := strings.CutPrefix(line, module)
			if !isCall || strings.Contains(name, "_test.") || strings.HasPrefix(name, "localstack/") {
				continue
			}
			calls = append(calls, name[:strings.LastIndexByte(name, '(')])
		}
		by := createdBy.FindStringSubmatch(stacks[now])
		if now = ""; by != nil {
			now = by[1]
		}
	}
	client := 0
	for i, name := range calls {
		if strings.HasPrefix(name, "dynamo/signed.") {
			client = i + 1
		}
	}
	slices.Reverse(calls[client:])
	return calls[client:]
}
