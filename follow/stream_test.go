package follow

import (
	"context"
	"testing"
	"testing/synctest"

	"daybook/events"
)

// hanging is a history whose reads never end.
type hanging struct{}

func (hanging) Read(ctx context.Context, _ events.Stream, _ int64, _ int) ([]events.Commit, error) {
	<-ctx.Done()
	return nil, events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
}

// A caller that waits for another's read of the shared page gives up with its own
// context, and does not wait as long as that read hangs.
func TestWaitingForAPageEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(hanging{}, "order/7", nil)
		first, endFirst := context.WithCancel(t.Context())
		second, endSecond := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { _, _, _ = s.at(first, 1, 1, new([]events.Commit)) }()
		synctest.Wait()
		go func() {
			_, _, err := s.at(second, 1, 1, new([]events.Commit))
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
