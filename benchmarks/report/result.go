package report

import (
	"bufio"
	"encoding/json/v2"
	"fmt"
	"io"

	"daybook/benchmarks/peer"
)

// Scenarios, in the order in which they are told.
const (
	Create     = "create"
	AppendCold = "append-1-cold"
	AppendWarm = "append-1-warm"
	Append10   = "append-10"
	Load20     = "load-20"
	Load1000   = "load-1000"
	Contended  = "contended"
	Repeat     = "repeat"
	LoadFirst  = "load-first" // by an instance that has not met the aggregate, for a small command
	LoadBusy   = "load-busy"  // 10,000 events of a day, each command with an idempotency key
)

// LoadAt names the load of a stream of n events.
func LoadAt(n int) string { return fmt.Sprintf("load-%d", n) }

// AppendAt names the cold append of one event to a stream of n events.
func AppendAt(n int) string { return fmt.Sprintf("append-1-at-%d", n) }

// Lengths are the stream lengths at which growth is measured.
func Lengths() []int { return []int{10, 100, 1_000, 10_000} }

// Names of the peers.
const (
	Daybook         = peer.NameDaybook
	Bare            = peer.NameBare
	Castore         = "castore"
	DynamoES        = "dynamo-es"
	DynamoSnapshots = "dynamo-es-snapshots"
	Adapter         = peer.NameAdapter
)

// Peers lists them in the order of the tables.
func Peers() []string {
	return []string{Daybook, Bare, Castore, DynamoES, DynamoSnapshots, Adapter}
}

// Run is the first line of a file of results.
type Run struct {
	Date     string            `json:"date"` // of the run, UTC
	Command  string            `json:"command"`
	Rounds   int               `json:"rounds"`  // measured, after one that was not
	Payload  int               `json:"payload"` // bytes of an event's data, as JSON, on average
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	System   string            `json:"system"`
	Versions map[string]string `json:"versions"` // of the tools and libraries
}

// Result is what one scenario took of one peer, per operation.
type Result struct {
	Peer     string `json:"peer"`
	Scenario string `json:"scenario"`
	Ops      int    `json:"ops"` // measured, in all rounds

	Requests   float64            `json:"requests"`
	Operations map[string]float64 `json:"operations"` // requests by the API's operation
	ReadUnits  float64            `json:"readUnits"`
	WriteUnits float64            `json:"writeUnits"`
	BytesIn    float64            `json:"bytesIn"`  // sent to the store, headers included
	BytesOut   float64            `json:"bytesOut"` // received from it
	Processor  float64            `json:"processorMicros"`
	Median     float64            `json:"medianMicros"`
	Refused    float64            `json:"refused,omitzero"` // attempts that ended in an error at the caller

	Seen        int64  `json:"seen,omitzero"`   // entries that the loaded state counts
	Stored      int64  `json:"stored,omitzero"` // entries that the stream has
	Error       string `json:"error,omitzero"`  // the last
	Unsupported bool   `json:"unsupported,omitzero"`
}

// Cost is what the units cost on demand, in read units: a write unit has the price of
// five strongly consistent reads.
func (r *Result) Cost() float64 { return writePrice*r.WriteUnits + r.ReadUnits }

// writePrice is the on-demand price of a write unit in read units: 0.625 and 0.125
// dollars a million in us-east-1, November 2026.
const writePrice = 5

// Results are a run and its results.
type Results struct {
	Run Run
	All []Result
}

// Of returns the result of a peer in a scenario, nil if it has none.
func (r *Results) Of(peer, scenario string) *Result {
	for i := range r.All {
		if r.All[i].Peer == peer && r.All[i].Scenario == scenario {
			return &r.All[i]
		}
	}
	return nil
}

// Write writes JSON lines, the run first.
func (r *Results) Write(w io.Writer) error {
	lines := []any{r.Run}
	for _, result := range r.All {
		lines = append(lines, result)
	}
	for _, line := range lines {
		text, err := json.Marshal(line, json.Deterministic(true))
		if err != nil {
			return err
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// Read reads what Write wrote.
func Read(from io.Reader) (*Results, error) {
	r := &Results{}
	lines := bufio.NewScanner(from)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			if err := json.Unmarshal(lines.Bytes(), &r.Run, json.RejectUnknownMembers(true)); err != nil {
				return nil, fmt.Errorf("line 1: %w", err)
			}
			continue
		}
		var result Result
		if err := json.Unmarshal(lines.Bytes(), &result, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		r.All = append(r.All, result)
	}
	return r, lines.Err()
}
