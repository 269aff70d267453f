package load

import (
	"cmp"
	"net/http"
	"time"

	"daybook"
	"daybook/workload"
)

// Options say what to send where.
type Options struct {
	App   daybook.App
	Plans *workload.Plans
	URL   string // of the API, without a slash at the end
	// Send sends a request, signed or with a token if the API wants that.
	Send func(*http.Request) (*http.Response, error)

	Rate float64       // requests per second
	For  time.Duration // of the load
	// Surge multiplies the rate in the middle third; 1 by default.
	Surge float64
	// Queries is the share of queries among the requests.
	Queries float64
	// Weights of commands, by name, and of queries, by view or view/index. If any command
	// is named here, the others are not sent; the same holds for queries.
	Weights map[string]float64
	// Streams are made for each creating command before the load begins.
	Streams int
	// InFlight bounds the requests under way. When so many wait, later ones begin late,
	// which their latency shows.
	InFlight int
	// Seed fixes when what is sent.
	Seed uint64
	// Run is a part of each new stream's id, so that two loads of one installation differ.
	Run string
	// Watch reads the process that is under load; nil for none. Settle closes idle
	// connections of the client, so that they do not count as a leak.
	Watch  func() Resources
	Settle func()
}

// Resources are what a process has at a moment.
type Resources struct {
	Bytes      uint64 `json:"bytes"` // of memory that the Go runtime holds
	Goroutines int    `json:"goroutines"`
}

func (o Options) withDefaults() Options {
	o.Surge = cmp.Or(o.Surge, 1)
	o.InFlight = cmp.Or(o.InFlight, 2000)
	return o
}
