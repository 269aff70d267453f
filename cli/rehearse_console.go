package cli

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/console"
	"daybook/rehearse"
	"daybook/view/admin"
)

// inConsole rehearses while a console shows it, and keeps the console until ctx ends.
func (j *rehearsalJob) inConsole(ctx context.Context, c *cli.Command) error {
	if err := checkLoopback(c.String("addr")); err != nil {
		return err
	}
	shown := &shownRehearsal{began: time.Now(), r: console.Rehearsal{State: console.RehearsalRunning, Report: &j.of}}
	if j.export == "" {
		info, err := j.reachable(ctx)
		if err != nil {
			return err
		}
		shown.r.Total = info.Items
	}
	j.opts.Progress = shown.progress
	j.opts.Save = func(s rehearse.State) error { shown.found(j.with(s.Partial())); return nil }
	o := j.consoleOptions(c)
	o.Rehearsal = shown.now
	pages, err := console.New(o)
	if err != nil {
		return err
	}
	defer pages.Close()
	listener, err := listen(c.String("addr"))
	if err != nil {
		return err
	}
	return j.show(ctx, listener, pages, consoleURL(listener, o)+"/rehearsal", shown)
}

// show rehearses beside the server, and returns what the result means once ctx ends.
func (j *rehearsalJob) show(ctx context.Context, listener net.Listener, pages *console.Console, url string, shown *shownRehearsal) error {
	both, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var serving sync.WaitGroup
	serving.Go(func() { cancel(serve(both, listener, pages)) })
	j.summary(servedLine{URL: url}, "The rehearsal is shown at "+url)
	r, err := j.run(both)
	shown.end(r, err)
	if err == nil {
		err = j.write(r)
	} else if both.Err() == nil {
		j.note("it failed: %s", line(withHint(err)))
		err = &exitError{code: exitCode(both, err)} // it is told
	}
	if both.Err() == nil {
		j.note("the console keeps showing it until Ctrl-C")
	}
	<-both.Done()
	serving.Wait()
	if ctx.Err() == nil {
		return context.Cause(both) // of the server
	}
	return err
}

// shownRehearsal is what the console shows of a rehearsal. Its methods may be called
// concurrently.
type shownRehearsal struct {
	began time.Time

	mu sync.Mutex
	r  console.Rehearsal
}

func (s *shownRehearsal) now() console.Rehearsal {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.r
	if r.State == console.RehearsalRunning {
		r.Seconds = time.Since(s.began).Seconds()
	}
	return r
}

func (s *shownRehearsal) progress(p admin.VerifyProgress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Commits, s.r.Rows = max(s.r.Commits, p.Commits), max(s.r.Rows, p.Items) // they are told in no order
}

// found takes in what the parts that are done have found.
func (s *shownRehearsal) found(r rehearsal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Report = &r
}

// end takes in the result; after a failure what was found before stays.
func (s *shownRehearsal) end(r rehearsal, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.r.Seconds = time.Since(s.began).Seconds()
	if err != nil {
		s.r.State, s.r.Error = console.RehearsalFailed, line(withHint(err))
		return
	}
	s.r.State, s.r.Report = console.RehearsalDone, &r
}

// keptRehearsal reads the report that an earlier rehearsal has written.
func keptRehearsal(path, app string) (func() console.Rehearsal, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("-rehearsal: %w", err)
	}
	var r rehearsal
	if err := json.Unmarshal(text, &r); err != nil || r.App == "" {
		return nil, usage("-rehearsal %s: the file is not a report of rehearse -json: %w", path, cmp.Or(err, errNoReport))
	}
	if r.App != app {
		return nil, usage("-rehearsal %s: it is of the application %q, this is %q", path, r.App, app)
	}
	kept := console.Rehearsal{State: console.RehearsalDone, Commits: r.Commits, Seconds: r.Seconds, Report: &r}
	return func() console.Rehearsal { return kept }, nil
}

var errNoReport = errors.New("it names no application")
