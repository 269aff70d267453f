package run

import (
	"bufio"
	"context"
	"encoding/json/v2"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// bell is a program that says a word with its arguments, and runs until its input ends.
const bell = `package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	fmt.Println("WORD", os.Args[1:], os.Getenv("DAYBOOK_WATCHED"))
	if "WORD" == "fail" {
		fmt.Fprintln(os.Stderr, "it can't start")
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Println("WORD ends")
}
`

// TestWatch: a change restarts the program; one that can't be built, or that fails,
// is answered in its place until it is repaired.
func TestWatch(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, "main.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	word := func(w string) { save(strings.ReplaceAll(bell, "WORD", w)) }
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/bell\n\ngo 1.27\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	word("one")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	defer func() { _ = out.Close() }()
	lines := bufio.NewScanner(out)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("it never said %q", want)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	w := &watcher{name: "bell", program: "example.com/bell", root: root, args: unwatched([]string{"-watch", "-data", "d"}), addr: addr, stdout: in, stderr: in}
	go func() { ended <- w.loop(ctx) }()
	until("one [-data d] 1")
	word("two")
	until("one ends")
	until("two [-data d] 1")
	save("package main\n\nfunc main() { nonsense() }\n")
	until("undefined: nonsense")
	until("starts again when a Go file changes")
	answers(t, addr, "undefined: nonsense")
	word("fail")
	until("it can't start")
	until("starts again when a Go file changes")
	answers(t, addr, "it can't start")
	word("three")
	until("three [-data d] 1")
	end()
	until("three ends")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// answers asks the API of a program that does not run.
func answers(t *testing.T, addr, want string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	var response *http.Response
	for { // the answer is a moment behind the words
		if response, err = http.DefaultClient.Do(request); err == nil {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	if err == nil {
		err = json.Unmarshal(body, &problem)
	}
	if err != nil || response.StatusCode != http.StatusServiceUnavailable || problem.Code != "unavailable" || !strings.Contains(problem.Detail, want) {
		t.Errorf("got %d %s: %v", response.StatusCode, body, err)
	}
}

func TestUnwatched(t *testing.T) {
	t.Parallel()
	if got := unwatched([]string{"-watch", "-data", "watch", "--watch=true", "-demo"}); !slices.Equal(got, []string{"-data", "watch", "-demo"}) {
		t.Errorf("got %q", got)
	}
}

func TestMatters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"a/b.go": true, "go.mod": true, "a/b_test.go": false, "a/b.json": false} {
		if got := matters(fsnotify.Event{Name: name, Op: fsnotify.Write}); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if matters(fsnotify.Event{Name: "a.go", Op: fsnotify.Chmod}) {
		t.Error("another mode is a change")
	}
}

// TestWatched: a stack that is watched stops when its input ends.
func TestWatched(t *testing.T) {
	if watched(strings.NewReader(""), func() { t.Error("it stops unwatched") }) {
		t.Error("it is watched")
	}
	t.Setenv(envWatched, "1")
	stopped := make(chan struct{})
	if !watched(strings.NewReader(""), func() { close(stopped) }) {
		t.Error("it is not watched")
	}
	<-stopped
}

// What answers in a program's place gives the address back at once: the program
// is started on it next.
func TestAddressIsGivenBack(t *testing.T) {
	t.Parallel()
	for range 20 { // the server's goroutine may come first at times
		w := &watcher{name: "Bank", addr: "127.0.0.1:0", stderr: io.Discard}
		w.failed("it does not build")
		w.stop()
		if err := w.port.(*net.TCPListener).SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("the address is still taken: %v", err)
		}
	}
}
