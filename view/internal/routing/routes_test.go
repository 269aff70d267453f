package routing

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"daybook/events"
	"daybook/view/driver"
)

// hanging is a table of control records whose reads never end.
type hanging struct{ driver.Table }

func (hanging) Get(ctx context.Context, _ []string) ([]*driver.Item, error) {
	<-ctx.Done()
	return nil, events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
}

// A query that waits for another's read of the control record gives up with its own
// context, and does not wait as long as that read hangs.
func TestWaitingForTheRecordEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &Routes{Control: hanging{}, now: time.Now, reading: make(chan struct{}, 1)}
		first, endFirst := context.WithCancel(t.Context())
		second, endSecond := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { _, _ = r.current(first) }()
		synctest.Wait()
		go func() {
			_, err := r.current(second)
			gone <- err
		}()
		endSecond()
		synctest.Wait()
		select {
		case err := <-gone:
			if events.CodeOf(err) != events.CodeCanceled {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("the second waits for the read of the first")
		}
		endFirst()
	})
}
