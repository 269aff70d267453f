package events_test

import (
	"strings"
	"testing"

	"daybook/events"
)

func TestTraceParent(t *testing.T) {
	t.Parallel()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	later := "cc" + trace[2:]
	for header, want := range map[string]string{
		trace: trace, later: trace, later + "-what-the-future-brings": trace,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",

		"": "", trace[:54]: "", trace + "-x": "", "ff" + trace[2:]: "", later + "x": "", strings.ToUpper(trace): "", " " + trace: "", trace + "," + trace: "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": "",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "", "0g" + trace[2:]: "", trace[:53] + "0g": "", trace[:53] + "é": "",
	} {
		got := events.TraceParent(header)
		if got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
		if packed := events.PackTrace(got); got != "" && (len(packed) != 25 || events.UnpackTrace(packed) != got) {
			t.Errorf("%q is packed as %x", got, packed)
		}
	}
	for _, trace := range []string{"", "x", later} {
		if packed := events.PackTrace(trace); packed != nil {
			t.Errorf("%q is packed as %x", trace, packed)
		}
	}
	for _, packed := range [][]byte{nil, make([]byte, 24), make([]byte, 25)} {
		if trace := events.UnpackTrace(packed); trace != "" {
			t.Errorf("%x is unpacked as %q", packed, trace)
		}
	}
}
