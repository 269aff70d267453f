package expect

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// Failure returns the text with which a scenario fails, "" when it passes: for tests
// of the kits. Spaces and quotes, which the comparison does not promise to keep, are
// those of Line and Fields.
func Failure(t testing.TB, scenario func(testing.TB)) string {
	r, done := &recorder{TB: t}, make(chan struct{})
	go func() {
		defer close(done)
		scenario(r)
	}()
	<-done
	return plain(r.failure)
}

// recorder records the failure of a scenario, which ends it.
type recorder struct {
	testing.TB
	failure string
}

// Helper implements testing.TB.
func (r *recorder) Helper() {}

// Fatalf implements testing.TB.
func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// Fatal implements testing.TB.
func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// element is a line of cmp's report with an element of a list of texts.
var element = regexp.MustCompile("^([-+] )?[\"`](.*)[\"`],$")

// plain is a failure without spaces, quotes and the list around the lines.
func plain(failure string) string {
	var lines []string
	for line := range strings.Lines(failure) {
		line = strings.Join(strings.Fields(line), " ")
		if line != "[]string{" && line != "}" {
			lines = append(lines, element.ReplaceAllString(line, "$1$2"))
		}
	}
	return strings.Join(lines, "\n")
}
