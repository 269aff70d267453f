package runner

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"daybook/benchmarks/report"
)

// Describe says on which machine and with which tools a run is made.
func Describe(ctx context.Context, command string, rounds int) (report.Run, error) {
	text, err := payloads()
	if err != nil {
		return report.Run{}, err
	}
	r := report.Run{
		Payload: len(text)/payloadCount - 1, // without the line feed
		Date:    time.Now().UTC().Format(time.DateOnly), Command: command, Rounds: rounds,
		CPU: processor(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Versions: map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")},
	}
	for name, tool := range map[string][]string{"Node.js": {"node", "--version"}, "Rust": {"rustc", "--version"}} {
		out, err := exec.CommandContext(ctx, tool[0], tool[1:]...).Output()
		if err != nil {
			return r, fmt.Errorf("asking %s for its version: %w", tool[0], err)
		}
		r.Versions[name] = version(string(out))
	}
	return r, nil
}

var numbers = regexp.MustCompile(`\d+\.\d+\.\d+`)

func version(text string) string { return numbers.FindString(text) }

// processor is the processor's name, as Linux tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
