package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar with rate and time left on standard error, when that is a
// terminal. Its methods may be called from any goroutine.
type progress struct {
	mu   sync.Mutex
	bar  *progressbar.ProgressBar // nil: not shown
	max  int64
	done int64
}

// progress begins a bar for about total things; the number is an estimate and
// grows when it was too small.
func (s *session) progress(what, things string, total int64) *progress {
	return newProgress(s.stderr, isTerminal(s.stderr), what, things, total)
}

func newProgress(w io.Writer, shown bool, what, things string, total int64) *progress {
	p := &progress{max: max(total, 1)}
	if shown {
		p.bar = progressbar.NewOptions64(p.max,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(things),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(),
		)
	}
	return p
}

// set says how many are done.
func (p *progress) set(done int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.move(done)
}

// add says that n more are done.
func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.move(p.done + n)
}

func (p *progress) move(done int64) {
	if p.bar == nil || done <= p.done {
		p.done = max(p.done, done)
		return
	}
	p.done = done
	if p.done >= p.max { // the estimate was too small
		p.max = p.done + p.done/10 + 1
		p.bar.ChangeMax64(p.max)
	}
	_ = p.bar.Set64(p.done) // a bar that can't be drawn is not an error
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

// rate writes a number of things and how fast they went.
func rate(n int64, things string, took time.Duration) string {
	return fmt.Sprintf("%d %s in %.1f s, %.0f %s/s", n, things, took.Seconds(), float64(n)/max(took.Seconds(), 1e-9), things)
}
