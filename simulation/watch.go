package simulation

import (
	"sync"
	"time"
)

// longestRun is how long a run may take in real time before it counts as one that
// stands still.
const longestRun = 2 * time.Minute

// watch calls expired once it has seen longestRun pass, a second at a time: seconds in
// which the process is suspended, as by Ctrl-Z, are not seen. The function it returns
// ends the watch.
func watch(seconds <-chan time.Time, expired func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		for range int(longestRun / time.Second) {
			select {
			case <-seconds:
			case <-done:
				return
			}
		}
		expired()
	}()
	return sync.OnceFunc(func() { close(done) })
}
