package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"daybook/localstack/embedded"
)

// startTimeout is how long an engine may take until it answers.
const startTimeout = 30 * time.Second

// engine is one side of the comparison.
type engine interface {
	// client returns a client of the running engine.
	client() *client
	// revive starts the engine again if its process has ended, and tells whether
	// it had.
	revive(ctx context.Context) (bool, error)
	// stop ends what was started.
	stop() error
}

// remote is an engine that somebody else runs.
type remote struct{ c *client }

func (r remote) client() *client { return r.c }

func (r remote) revive(context.Context) (bool, error) { return false, nil }

func (r remote) stop() error { return nil }

// serveOurs starts Daybook's embedded DynamoDB on a loopback port. Streams have
// one shard, as the streams of a small table on AWS.
func serveOurs(ctx context.Context) (engine, error) {
	db, err := embedded.Open(ctx, embedded.Options{Shards: 1})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	server := &http.Server{Handler: db, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return &localEngine{
		c: newClient("http://" + listener.Addr().String()),
		close: func() error {
			err := server.Close()
			if served := <-done; !errors.Is(served, http.ErrServerClosed) {
				err = errors.Join(err, served)
			}
			return errors.Join(err, db.Close())
		},
	}, nil
}

// localEngine is an engine inside this process.
type localEngine struct {
	c     *client
	close func() error
}

func (s *localEngine) client() *client { return s.c }

func (s *localEngine) revive(context.Context) (bool, error) { return false, nil }

func (s *localEngine) stop() error { return s.close() }

// process is an engine in a process of its own.
type process struct {
	command []string // {port} stands for its port
	c       *client
	cmd     *exec.Cmd
	ended   chan error
}

// startProcess runs a command, words parted by spaces, and waits until it
// answers.
func startProcess(ctx context.Context, command string) (engine, error) {
	p := &process{command: strings.Fields(command)}
	if len(p.command) == 0 {
		return nil, errors.New("no command")
	}
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) start(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	words := make([]string, len(p.command))
	for i, w := range p.command {
		words[i] = strings.ReplaceAll(w, "{port}", strconv.Itoa(port))
	}
	p.c = newClient("http://127.0.0.1:" + strconv.Itoa(port))
	p.cmd = exec.Command(words[0], words[1:]...)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", words[0], err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	return p.await(ctx)
}

// await returns when the engine answers, or an error when it ends or is late.
func (p *process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if a := p.c.send(ctx, "ListTables", "{}"); a.lost == nil && a.status == http.StatusOK {
			return nil
		}
		select {
		case err := <-p.ended:
			return fmt.Errorf("%s ended at its start: %w", p.command[0], err)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s does not answer: %w", p.command[0], ctx.Err()), p.stop())
		case <-tick.C:
		}
	}
}

func (p *process) client() *client { return p.c }

func (p *process) revive(ctx context.Context) (bool, error) {
	select {
	case <-p.ended:
		return true, p.start(ctx)
	case <-time.After(100 * time.Millisecond): // a process that crashes needs a moment to end
		return false, nil
	}
}

// stop ends the process by its id.
func (p *process) stop() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}
