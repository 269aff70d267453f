package run

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// moment is how long a step of the start may take without a word.
const moment = time.Second

// announcer says on w what the start is doing, once per step, when the step takes
// longer than a moment. It is safe for concurrent use.
type announcer struct {
	name string // of the application
	w    io.Writer

	mu    sync.Mutex
	timer *time.Timer // of the step that runs; nil for none
}

// doing says that a step begins, and the one before it has ended.
func (a *announcer) doing(step string) {
	a.end()
	a.mu.Lock()
	defer a.mu.Unlock()
	var own *time.Timer
	own = time.AfterFunc(moment, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.timer == own {
			fmt.Fprintf(a.w, "%s: %s …\n", a.name, step)
		}
	})
	a.timer = own
}

// end says that no step runs. Nothing is written afterwards.
func (a *announcer) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}
