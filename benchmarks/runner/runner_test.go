package runner

import (
	"bytes"
	"testing"
)

// TestPayloads: events of half a kilobyte, the same in each run.
func TestPayloads(t *testing.T) {
	t.Parallel()
	first, err := payloads()
	if err != nil {
		t.Fatal(err)
	}
	again, err := payloads()
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("other payloads (%v)", err)
	}
	if mean := len(first)/payloadCount - 1; mean < 480 || mean > 540 {
		t.Errorf("an event has %d bytes on average", mean)
	}
	if n := bytes.Count(first, []byte("\n")); n != payloadCount {
		t.Errorf("%d payloads", n)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("got %v", got)
	}
	if got := median[float64](nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
