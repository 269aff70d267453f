package runner

import (
	"bufio"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"daybook/benchmarks/peer"
)

// Client is how to start a peer's process; the store's URL and the file of payloads
// follow Args.
type Client struct {
	Name string
	Args []string
}

// process is a running client.
type process struct {
	Client
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(c Client, url, payloads string) (*process, error) {
	args := append(append([]string{}, c.Args[1:]...), url, payloads)
	p := &process{Client: c, cmd: exec.Command(c.Args[0], args...)}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	return p, nil
}

// ask sends a request and waits for its reply. Errors of operations are in the reply.
func (p *process) ask(r peer.Request) (reply peer.Reply, err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return reply, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return reply, fmt.Errorf("%s: asking for %s: %w", p.Name, r.Op, err)
	}
	answer, err := p.out.ReadBytes('\n')
	if err != nil {
		return reply, fmt.Errorf("%s: no reply to %s: %w", p.Name, r.Op, err)
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return reply, fmt.Errorf("%s: its reply to %s: %w", p.Name, r.Op, err)
	}
	return reply, nil
}

func (p *process) stop() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}
