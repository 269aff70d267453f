package linearizability

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/internal/testdomain"
	"daybook/localstack/stack"
)

// The variables that make the test binary a stack: the directory of its data, or the
// endpoint of another stack's database; and the seed of a hostile database.
const (
	envData     = "DAYBOOK_TEST_DATA"
	envEndpoint = "DAYBOOK_TEST_ENDPOINT"
	envSeed     = "DAYBOOK_TEST_SEED"
)

func TestMain(m *testing.M) {
	if os.Getenv(envData)+os.Getenv(envEndpoint) == "" {
		os.Exit(m.Run())
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is the process that is killed. It says its addresses in one line, and ends
// with its standard input, so that it never outlives the test.
func serve() error {
	o := stack.Options{Data: os.Getenv(envData), Endpoint: os.Getenv(envEndpoint), LogTo: io.Discard, LogLevel: slog.LevelError}
	if o.Endpoint == "" {
		o.DynamoDBAddr = "127.0.0.1:0"
	}
	if seed := os.Getenv(envSeed); seed != "" {
		var n uint64
		if _, err := fmt.Sscan(seed, &n); err != nil {
			return err
		}
		o.Hostile = stack.Hostile(n)
	}
	s, err := stack.Start(context.Background(), testdomain.App(), o)
	if err != nil {
		return err
	}
	fmt.Println("ready", s.URL(), s.DynamoDBURL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

var errNotReady = errors.New("it did not say its address")

// process is a stack in a process of its own.
type process struct {
	cmd           *exec.Cmd
	stdin         io.Closer
	url, database string
}

func startProcess(env ...string) (*process, error) {
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) < 2 {
		p.kill()
		return nil, fmt.Errorf("the stack did not start, it said %q: %w", line, cmp.Or(err, errNotReady))
	}
	if p.url = words[1]; len(words) > 2 {
		p.database = words[2]
	}
	return p, nil
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // the signal is its outcome
	_ = p.stdin.Close()
}

// site is one or two processes on one database on disk.
type site struct {
	t    *testing.T
	data string
	env  []string
	two  bool

	mu        sync.Mutex
	processes []*process // the first has the database
}

func (s *site) urls() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		all = append(all, p.url)
	}
	return all
}

// restart kills the processes from the given one on, which may be none, and starts
// them again.
func (s *site) restart(from int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes[min(from, len(s.processes)):] {
		p.kill()
	}
	s.processes = s.processes[:min(from, len(s.processes))]
	if len(s.processes) == 0 {
		s.start(append(s.env, envData+"="+s.data)...)
	}
	if s.two && len(s.processes) == 1 {
		s.start(envEndpoint + "=" + s.processes[0].database)
	}
}

// start starts one more process.
func (s *site) start(env ...string) {
	p, err := startProcess(env...)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.processes = append(s.processes, p)
}

func (s *site) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		p.kill()
	}
}

// TestLinearizableWhileKilled: the same when processes are killed under their load;
// clients repeat what was not answered. Two instances in the short form, since they
// include one.
func TestLinearizableWhileKilled(t *testing.T) {
	t.Parallel()
	for n := range *histories {
		seed := uint64(n + 1)
		s := &site{t: t, data: t.TempDir(), two: n%2 == 0}
		if n%4 < 2 {
			s.env = []string{fmt.Sprintf("%s=%d", envSeed, seed)}
		}
		s.restart(0)
		stop := make(chan struct{})
		var killer sync.WaitGroup
		killer.Go(func() { s.kill(stop, seed) })
		var one, several *recorder
		var both sync.WaitGroup
		both.Go(func() { one = makeHistory(t, "killed", seed, s.urls) })
		both.Go(func() { several = makeClaims(t, "claimed", seed, s.urls) })
		both.Wait()
		close(stop)
		killer.Wait()
		s.close()
		check(t, seed, one, model())
		check(t, seed, several, claimsModel())
	}
}

// kills bounds how often a site is killed.
const kills = 4

// kill kills processes in the middle of requests until it is told to stop.
func (s *site) kill(stop <-chan struct{}, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	for range kills {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(5+random.IntN(60)) * time.Millisecond):
		}
		from := 0
		if s.two {
			from = random.IntN(2)
		}
		s.restart(from)
	}
}
