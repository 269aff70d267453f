package stack_test

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/internal/testdomain"
	"daybook/localstack/gateway"
	"daybook/localstack/stack"
	"daybook/localstack/stack/stacktest"
)

func start(t testing.TB, o stack.Options) *stack.Stack {
	t.Helper()
	return stacktest.Start(t, testdomain.App(), o)
}

type accepted struct {
	Token string `json:"token"`
}

// create creates a member and returns the consistency token, "" when the stack
// could not be reached.
func create(ctx context.Context, url, id string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/commands/create-member",
		strings.NewReader(`{"id":"`+id+`","payload":{"name":"Ada","email":"`+id+`@example.com"}}`))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", nil
	}
	defer response.Body.Close()
	var a accepted
	if err := json.UnmarshalRead(response.Body, &a); err != nil || response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s: %d, %w", id, response.StatusCode, err)
	}
	return a.Token, nil
}

func get(t testing.TB, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// Stopping in the middle of a load: every request that was answered stands, and
// what was not projected is projected after the next start.
func TestCloseInTheMiddleOfALoad(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, stack.Options{Data: data})
	var mu sync.Mutex
	var tokens []string
	enough := make(chan struct{})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				token, err := create(t.Context(), s.URL(), fmt.Sprintf("u%d-%d", n, i))
				if err != nil {
					t.Error(err)
				}
				if token == "" {
					return
				}
				mu.Lock()
				if tokens = append(tokens, token); len(tokens) == 200 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()

	s = start(t, stack.Options{Data: data, Format: gateway.RESTAPI})
	for _, token := range tokens {
		id, _, _ := strings.Cut(strings.TrimPrefix(token, "member/"), "@")
		for deadline := time.Now().Add(20 * time.Second); ; {
			response, body := get(t, s.URL()+"/members?email="+id+"@example.com&after="+token)
			if strings.Contains(body, `"id":"`+id+`"`) {
				break
			}
			if response.StatusCode != http.StatusOK || time.Now().After(deadline) {
				t.Fatalf("%s is not projected: %d %s", token, response.StatusCode, body)
			}
		}
	}
}

// A start that fails gives back what it took.
func TestFailedStartReleasesEverything(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	o := stack.Options{Addr: addr, DynamoDBAddr: taken.Addr().String(), Data: data, LogTo: io.Discard}
	if _, err := stack.Start(t.Context(), testdomain.App(), o); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Fatalf("error %v", err)
	}
	start(t, stack.Options{Addr: addr, Data: data})
	if _, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Data: data, LogTo: io.Discard}); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("a second stack on the same data: %v", err)
	}
}

// A canceled start is an error, not half a stack.
func TestCanceledStart(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer away.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := stack.Start(ctx, testdomain.App(), stack.Options{Endpoint: away.URL, LogTo: io.Discard}); err == nil || !strings.Contains(err.Error(), away.URL) {
		t.Errorf("error %v", err)
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s := start(t, stack.Options{})
	if _, err := create(t.Context(), s.URL(), "kept"); err != nil {
		t.Fatal(err)
	}
	member := s.URL() + "/members?email=kept@example.com&after=member/kept@1"
	if _, body := get(t, member); !strings.Contains(body, "kept") {
		t.Fatalf("the member before: %s", body)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	response, err := http.Get(member)
	if err != nil {
		return
	}
	defer response.Body.Close()
	// Another program may have been given the port by now.
	if body, _ := io.ReadAll(response.Body); strings.Contains(string(body), `"kept"`) {
		t.Errorf("it still answers: %s", body)
	}
}

// Goroutines that a stack started end with it.
func TestCloseEndsEverything(t *testing.T) { // not parallel: it counts goroutines
	before := runtime.NumGoroutine()
	s := start(t, stack.Options{Data: t.TempDir(), DynamoDBAddr: "127.0.0.1:0"})
	if _, err := create(t.Context(), s.URL(), "x"); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

func ExampleStart() {
	s, err := stack.Start(context.Background(), testdomain.App(), stack.Options{LogTo: io.Discard})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close() //nolint:errcheck // nothing is kept
	response, err := http.Get(s.URL() + "/health")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode)
	// Output: 200
}

// BenchmarkProjection is the time from sending a command to seeing its row in a
// list, without a consistency token: command, stream, mapping, projector, index.
func BenchmarkProjection(b *testing.B) {
	s := start(b, stack.Options{})
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprint("u", i)
		if _, err := create(b.Context(), s.URL(), id); err != nil {
			b.Fatal(err)
		}
		for {
			if _, body := get(b, s.URL()+"/members?email="+id+"@example.com"); strings.Contains(body, id) {
				break
			}
		}
	}
}
