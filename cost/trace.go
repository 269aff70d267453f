package cost

import (
	"bufio"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Trace is what was read of a recorded day.
type Trace struct {
	Counts
	Lines   int            // that were counted
	Skipped int            // lines that are about something else
	Unknown map[string]int // lines of commands and queries that were not measured, by name
}

// traceLine is a line of a trace: one of those that the functions and API Gateway log,
// or a count.
type traceLine struct {
	// Of a function's log, "command", and of a count.
	Msg      string  `json:"msg"`
	Command  string  `json:"command"`
	Code     string  `json:"code"`
	Replayed bool    `json:"replayed"`
	Loads    int     `json:"loads"`
	Query    string  `json:"query"` // of a count: "users", "users/by-name"
	Count    float64 `json:"count"`
	Cold     float64 `json:"cold"` // how many of Count

	// Of an access log.
	Method string `json:"method"`
	Status string `json:"status"`
}

// longestLine bounds a line of a trace, in bytes: Lambda's log lines are shorter.
const longestLine = 1 << 20

// ReadTrace reads a recorded day, in JSON Lines. Lines are those of the functions'
// logs ("msg":"command"), of API Gateway's access log ("method":"GET"), which name no
// view and are spread evenly over the queries, and counts: {"command":"rename-user",
// "count":1000,"cold":50} and {"query":"users/by-name","count":9000}. Other lines are
// skipped; one that is not a JSON object is an error with its number.
func (m Measurements) ReadTrace(r io.Reader) (Trace, error) {
	t := traceReader{m: m, cold: map[string]float64{}, Trace: Trace{
		Counts:  Counts{Commands: map[string]float64{}, Queries: map[QueryName]float64{}, Cold: map[string]float64{}},
		Unknown: map[string]int{},
	}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var l traceLine
		if err := json.Unmarshal(lines.Bytes(), &l, lenient); err != nil {
			return t.Trace, fmt.Errorf("line %d of the trace is not one of a log or a count: %w", n, err)
		}
		if t.count(l) {
			t.Lines++
		} else {
			t.Skipped++
		}
	}
	if err := lines.Err(); err != nil {
		return t.Trace, fmt.Errorf("read the trace: %w", err)
	}
	return t.end(), nil
}

// lenient ignores members that other lines have.
var lenient = json.RejectUnknownMembers(false)

type traceReader struct {
	Trace
	m       Measurements
	cold    map[string]float64 // commands
	unnamed float64            // queries
}

// count counts a line, and reports whether it is of a trace.
func (t *traceReader) count(l traceLine) bool {
	status, _ := strconv.Atoi(l.Status)
	switch {
	case l.Query != "":
		t.query(l)
	case l.Command != "" && (l.Msg == "command" || l.Count > 0):
		t.command(l)
	case l.Method == http.MethodGet && status >= 200 && status < 400:
		t.unnamed++
	case l.Method == http.MethodGet:
		t.Other++
	default:
		return false
	}
	return true
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
	for _, d := range t.m.Commands {
		switch {
		case d.Name != l.Command:
		case l.Code != "" || l.Replayed:
			t.Other += n
			return
		default:
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
	for _, q := range t.m.Queries {
		if t.unnamed > 0 {
			t.Queries[q.Name()] += t.unnamed / float64(len(t.m.Queries))
		}
	}
	return t.Trace
}
