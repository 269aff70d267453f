package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"daybook/api"
	"daybook/events"
)

const (
	// envWatched tells a stack that another process watches: it stops when its
	// standard input ends.
	envWatched = "DAYBOOK_WATCHED"
	// settle is how long files must be quiet before a build: editors write in steps.
	settle = 200 * time.Millisecond
	// stopTime is how long a stack may take to stop.
	stopTime = 20 * time.Second
)

// watched reports whether another process watches this one, and calls stop when that
// is gone.
func watched(stdin io.Reader, stop func()) bool {
	if os.Getenv(envWatched) == "" {
		return false
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		stop()
	}()
	return true
}

// watcher builds the program again whenever a Go file of its module changes, and
// keeps it running. While it can't be built, or has failed, the watcher answers in its
// place.
type watcher struct {
	name           string   // of the application
	program        string   // its import path
	root           string   // of its module
	args           []string // for the program
	addr           string   // of the API
	stdout, stderr io.Writer
	binary         string // that is built

	sum     [sha256.Size]byte // of the binary that runs
	running *running          // nil for none
	down    *http.Server      // answers while nothing runs; nil otherwise
	port    net.Listener      // of down
}

// watch runs the program over and over until ctx ends. It returns the exit code.
func watch(ctx context.Context, name, addr string, args []string, stdout, stderr io.Writer) int {
	w := &watcher{name: name, addr: addr, args: unwatched(args), stdout: stdout, stderr: stderr}
	if err := w.run(ctx); err != nil {
		fmt.Fprintf(stderr, "%s: -watch: %s\n", name, line(err))
		return 1
	}
	return 0
}

// unwatched are arguments without -watch.
func unwatched(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		return strings.HasPrefix(arg, "-") && name == "watch"
	})
}

func (w *watcher) run(ctx context.Context) error {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Path == "" || info.Path == "command-line-arguments" {
		return errors.New("the program does not say which package it is; start it with go run ./localstack -watch")
	}
	w.program = info.Path
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Module.Dir}}", w.program).Output()
	if err != nil {
		return fmt.Errorf("the module of %s is not here: start it in a directory of the module", w.program)
	}
	w.root = strings.TrimSpace(string(out))
	return w.loop(ctx)
}

// loop builds, runs and watches the program until ctx ends.
func (w *watcher) loop(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "daybook-watch")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w.binary = filepath.Join(dir, "localstack")
	changes, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { _ = changes.Close() }()
	if err := watchBelow(changes, w.root); err != nil {
		return err
	}
	fmt.Fprintf(w.stdout, "%s restarts when a Go file below %s changes.\n", w.name, w.root)
	w.rebuild(ctx)
	defer w.stop()
	return w.follow(ctx, changes)
}

// follow rebuilds after each change until ctx ends.
func (w *watcher) follow(ctx context.Context, changes *fsnotify.Watcher) error {
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-changes.Events:
			if e.Has(fsnotify.Create) {
				_ = watchBelow(changes, e.Name) // a file, or it has gone again
			}
			if matters(e) {
				quiet.Reset(settle)
			}
		case err := <-changes.Errors:
			fmt.Fprintf(w.stderr, "%s: -watch: %s\n", w.name, line(err))
			quiet.Reset(settle) // changes were lost
		case <-quiet.C:
			w.rebuild(ctx)
		case <-w.ended():
			w.failed(w.running.said.String())
		}
	}
}

// matters reports whether a change can change the program.
func matters(e fsnotify.Event) bool {
	name := filepath.Base(e.Name)
	goFile := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") || name == "go.mod"
	return goFile && !e.Has(fsnotify.Chmod)
}

// watchBelow watches a directory and those below it that hold Go files of the module.
func watchBelow(changes *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != dir && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"node_modules", "cdk.out", "build", "testdata"}, d.Name())):
			return filepath.SkipDir
		}
		return changes.Add(path)
	})
}

// rebuild builds the program and starts it in place of the one that runs. A program
// that is the same stays.
func (w *watcher) rebuild(ctx context.Context) {
	build := exec.CommandContext(ctx, "go", "build", "-o", w.binary+".new", w.program)
	build.Dir = w.root
	out, err := build.CombinedOutput()
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.stop()
		w.failed("the build failed:\n" + string(out))
		return
	}
	built, err := os.ReadFile(w.binary + ".new")
	if err != nil {
		w.failed(err.Error())
		return
	}
	if sum := sha256.Sum256(built); w.running == nil || sum != w.sum {
		w.sum = sum
		w.restart()
	}
}

// restart starts the binary that was built.
func (w *watcher) restart() {
	w.stop()
	if err := os.Rename(w.binary+".new", w.binary); err != nil {
		w.failed(err.Error())
		return
	}
	r, err := start(w.binary, w.args, w.stdout, w.stderr)
	if err != nil {
		w.failed(err.Error())
		return
	}
	w.running = r
}

// ended is closed when what runs ends by itself; nil, which never is, for none.
func (w *watcher) ended() <-chan struct{} {
	if w.running == nil {
		return nil
	}
	return w.running.ended
}

// stop stops what runs, and what answers in its place.
func (w *watcher) stop() {
	if w.running != nil {
		w.running.stop()
		w.running = nil
	}
	if w.down != nil {
		_ = w.down.Close()
		_ = w.port.Close() // a server that has not begun to serve does not close it
		w.down = nil
	}
}

// failed tells why nothing runs, here and to callers of the API.
func (w *watcher) failed(why string) {
	w.stop()
	why = strings.TrimSpace(why)
	fmt.Fprintf(w.stderr, "%s\n%s: it starts again when a Go file changes\n", why, w.name)
	listener, err := net.Listen("tcp", w.addr)
	if err != nil {
		return // the terminal has said why
	}
	w.down = &http.Server{ReadHeaderTimeout: stopTime, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		api.WriteProblem(rw, r, events.Errorf(events.CodeUnavailable, "%s", why))
	})}
	w.port = listener
	go func(s *http.Server) { _ = s.Serve(listener) }(w.down) // ends with Close
}

// running is a program that was started.
type running struct {
	command *exec.Cmd
	stdin   io.Closer
	said    *tail // the end of its standard error
	ended   chan struct{}
}

func start(binary string, args []string, stdout, stderr io.Writer) (*running, error) {
	r := &running{command: exec.Command(binary, args...), said: &tail{}, ended: make(chan struct{})}
	r.command.Env = append(os.Environ(), envWatched+"=1")
	r.command.Stdout, r.command.Stderr = stdout, io.MultiWriter(stderr, r.said)
	stdin, err := r.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	r.stdin = stdin
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = r.command.Wait() // said has told it
		close(r.ended)
	}()
	return r, nil
}

// stop ends the program's input, which stops it, and ends it if it takes too long.
func (r *running) stop() {
	_ = r.stdin.Close()
	select {
	case <-r.ended:
	case <-time.After(stopTime):
		_ = r.command.Process.Kill()
		<-r.ended
	}
}

// tail keeps the end of what is written. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = bytes.Clone(t.text[max(0, len(t.text)-maxTail):])
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
