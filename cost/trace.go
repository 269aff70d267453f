package cost

import (
	"bufio"
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"daybook/functions/names"
)

// Trace is what was read of a recorded day.
type Trace struct {
	Counts
	Lines   int            // that were counted
	Skipped int            // lines that are about something else
	Unknown map[string]int // lines of commands and queries that were not measured, by name
	// Recorded is what the command function says that it consumed, if the trace has its
	// metrics.
	Recorded Units
}

// traceLine is a line of a trace: one of those that the functions and API Gateway log,
// or a count.
type traceLine struct {
	// Of a function's log, "command", and of a count.
	Msg      string  `json:"msg"`
	Function string  `json:"function"`
	Command  string  `json:"command"`
	Code     string  `json:"code"`
	Replayed bool    `json:"replayed"`
	Loads    int     `json:"loads"`
	Query    string  `json:"query"` // of a count: "users", "users/by-name"
	Count    float64 `json:"count"`
	Cold     float64 `json:"cold"` // how many of Count

	// Of a function's log, "request", and of an access log.
	Method string `json:"method"`
	Path   string `json:"path"` // not in an access log
	Status any    `json:"status"`
	// Of a line of metrics, in CloudWatch's embedded metric format.
	AWS jsontext.Value `json:"_aws"`
}

// longestLine bounds a line of a trace, in bytes: Lambda's log lines are shorter.
const longestLine = 1 << 20

// ReadTrace reads a recorded day, in JSON Lines: lines of the functions' logs
// ("msg":"command", and "msg":"request" of GET), and counts, such as
// {"command":"rename-user","count":1000,"cold":50} and {"query":"users/by-name","count":9000}.
// A request for a page names no index; it is spread evenly over the indexes of its view.
// Without such requests, those of API Gateway's access log ("method":"GET") are spread
// evenly over all queries. Lines of metrics go into Recorded. Other lines are skipped.
// Text before the JSON object of a line, such as a time, is ignored.
func (m Measurements) ReadTrace(r io.Reader) (Trace, error) {
	t := traceReader{m: m, cold: map[string]float64{}, Trace: Trace{
		Counts:  Counts{Commands: map[string]float64{}, Queries: map[QueryName]float64{}, Cold: map[string]float64{}},
		Unknown: map[string]int{},
	}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		_, text, object := bytes.Cut(lines.Bytes(), []byte("{"))
		var l traceLine
		if text = append([]byte("{"), text...); !object || json.Unmarshal(text, &l) != nil || !t.count(l, text) {
			t.Skipped++
			continue
		}
		t.Lines++
	}
	if err := lines.Err(); err != nil {
		return t.Trace, fmt.Errorf("read the trace: %w", err)
	}
	return t.end(), nil
}

type traceReader struct {
	Trace
	m       Measurements
	cold    map[string]float64 // commands
	asked   float64            // requests that name their view
	unnamed float64            // requests of an access log, which do not
	failed  float64            // those of an access log that found nothing
}

// count counts a line, and reports whether it is of a trace.
func (t *traceReader) count(l traceLine, text []byte) bool {
	status, _ := strconv.Atoi(fmt.Sprint(l.Status))
	switch {
	case l.AWS != nil:
		return t.metrics(text)
	case l.Query != "":
		t.query(l)
	case l.Command != "" && (l.Msg == "command" || l.Count > 0):
		t.command(l)
	case l.Method != http.MethodGet:
		return false
	case l.Msg == "request":
		t.asked++
		if !found(status) || !t.request(l.Path) {
			t.Missed++
		}
	case found(status):
		t.unnamed++
	default:
		t.failed++
	}
	return true
}

func found(status int) bool { return status >= 200 && status < 400 }

// request counts a request for a row or a page, and reports whether it is one.
func (t *traceReader) request(path string) bool {
	view, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	var of []QueryName
	for _, q := range t.m.Queries {
		if q.View == view && (q.Index == "") == (key != "") {
			of = append(of, q.Name())
		}
	}
	for _, q := range of {
		t.Queries[q] += 1 / float64(len(of))
	}
	return len(of) > 0
}

// metrics adds the units of a line of metrics.
func (t *traceReader) metrics(text []byte) bool {
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return false
	}
	read, _ := members[names.MetricReadUnits.String()].(float64)
	write, _ := members[names.MetricWriteUnits.String()].(float64)
	t.Recorded = t.Recorded.Add(Units{Read: read, Write: write})
	return read+write > 0
}

func (t *traceReader) query(l traceLine) {
	for _, q := range t.m.Queries {
		if q.Name().String() == l.Query {
			t.Queries[q.Name()] += max(l.Count, 1)
			return
		}
	}
	t.Unknown[l.Query]++
}

func (t *traceReader) command(l traceLine) {
	n, cold := l.Count, l.Cold
	if n == 0 {
		n = 1
		if l.Loads > 0 {
			cold = 1
		}
	}
	if l.Code != "" || l.Replayed {
		if l.Function != names.Process { // which handles commands without a request
			t.Other += n
		}
		return
	}
	for _, d := range t.m.Commands {
		if d.Name == l.Command {
			t.Commands[d.Name] += n
			t.cold[d.Name] += min(cold, n)
			return
		}
	}
	t.Unknown[l.Command]++
}

// end spreads what has no name, and makes shares of numbers.
func (t *traceReader) end() Trace {
	for name, n := range t.Commands {
		t.Cold[name] = t.cold[name] / n
	}
	if t.asked > 0 {
		return t.Trace // an access log tells of the same requests
	}
	for _, q := range t.m.Queries {
		if t.unnamed > 0 {
			t.Queries[q.Name()] += t.unnamed / float64(len(t.m.Queries))
		}
	}
	t.Missed += t.failed
	return t.Trace
}
