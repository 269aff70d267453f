package simulation

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// A bubble that stands still since one of its goroutines waits for a lock is told by
// that goroutine's stack, and by no other.
func TestLockedGoroutinesAreTold(t *testing.T) {
	var lock sync.Mutex
	lock.Lock()
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		synctest.Test(t, func(*testing.T) {
			go waitForLock(&lock)
			never := make(chan struct{})
			go func() { <-never }() // waits for what the bubble itself ends
			close(began)
			synctest.Wait()
			close(never)
		})
	}()
	<-began
	text := ""
	for !strings.Contains(text, "waitForLock") {
		text = locked()
	}
	if n := strings.Count(text, "goroutine "); strings.Contains(text, "chan receive") || n == 0 {
		t.Errorf("told of %d goroutines:\n%s", n, text)
	}
	lock.Unlock()
	<-ended
}

func waitForLock(l *sync.Mutex) {
	l.Lock()
	defer l.Unlock()
}
