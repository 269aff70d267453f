package cost

import (
	"fmt"
	"slices"
	"strings"
)

// Counts are the numbers of commands and queries.
type Counts struct {
	Commands map[string]float64 // accepted, by command, those of process managers included
	Queries  map[QueryName]float64
	// Other are commands that were rejected or had been accepted before, and Missed are
	// queries that found no row. They cost an API request and an invocation, and consume
	// no units that are known here.
	Other, Missed float64
	// Cold is the share of commands whose instance does not know the stream, by
	// command; "" is for those that are not named.
	Cold map[string]float64
}

// QueryName names a query: a view, and the index of a page, "" for one row.
type QueryName struct{ View, Index string }

// String is the view, and the index behind a slash.
func (q QueryName) String() string { return Place{q.View, q.Index}.String() }

// Name names the query.
func (q Query) Name() QueryName { return QueryName{q.View, q.Index} }

// Spread spreads commands and queries evenly over those that were measured, or by
// weights: of commands, and of queries by their names ("users", "users/by-name"). The
// commands that process managers send because of them come on top.
func (m Measurements) Spread(commands, queries, cold float64, weights map[string]float64) (Counts, error) {
	c := Counts{Commands: map[string]float64{}, Queries: map[QueryName]float64{}, Cold: map[string]float64{"": cold}}
	var public, internal, asked []string
	for _, d := range m.Commands {
		if d.Internal {
			internal = append(internal, d.Name)
		} else {
			public = append(public, d.Name)
		}
	}
	for _, q := range m.Queries {
		asked = append(asked, q.Name().String())
	}
	for name := range weights {
		if !slices.Contains(public, name) && !slices.Contains(asked, name) {
			return c, fmt.Errorf("weight %s: no command of this name can be sent over the API, and no query was measured; there are %s", name, strings.Join(append(public, asked...), ", "))
		}
	}
	for name, n := range share(commands, public, weights) {
		c.Commands[name] = n
	}
	byName := share(queries, asked, weights)
	for _, q := range m.Queries {
		if n := byName[q.Name().String()]; n > 0 {
			c.Queries[q.Name()] = n
		}
	}
	sent := 0.0
	for _, d := range m.Commands {
		sent += c.Commands[d.Name] * d.Sends
	}
	for name, n := range share(sent, internal, nil) {
		c.Commands[name] += n
	}
	return c, nil
}

// share divides a number among names by weights; evenly where none of them has one.
func share(n float64, names []string, weights map[string]float64) map[string]float64 {
	sum := 0.0
	for _, name := range names {
		sum += weights[name]
	}
	all := map[string]float64{}
	for _, name := range names {
		weight, of := weights[name], sum
		if sum == 0 {
			weight, of = 1, float64(len(names))
		}
		if n > 0 && weight > 0 {
			all[name] = n * weight / of
		}
	}
	return all
}

// Times is a multiple of the counts.
func (c Counts) Times(n float64) Counts {
	all := Counts{Commands: map[string]float64{}, Queries: map[QueryName]float64{}, Other: c.Other * n, Missed: c.Missed * n, Cold: c.Cold}
	for name, of := range c.Commands {
		all.Commands[name] = of * n
	}
	for name, of := range c.Queries {
		all.Queries[name] = of * n
	}
	return all
}

// cold is the share of a command that is cold.
func (c Counts) cold(command string) float64 {
	if share, ok := c.Cold[command]; ok {
		return share
	}
	return c.Cold[""]
}

// Assumptions are what is not measured. The zero value is no assumption: begin with
// DefaultAssumptions.
type Assumptions struct {
	REST     bool    // a REST API in place of an HTTP API
	Recovery bool    // point-in-time recovery of all tables
	Memory   float64 // MB of each function
	// Milliseconds of an invocation.
	CommandMS, QueryMS, ProjectorMS, ProcessMS float64
	Batch                                      float64 // commits in a batch of the projector and the process function
	LogKBCommand, LogKBQuery                   float64 // KB of all logs of a command with its projection, and of a query
	Async                                      float64 // share of commands that are queued
	Stored                                     float64 // GB that the tables hold already
	Metrics                                    float64 // custom metrics that are written
}

// DefaultAssumptions are those of docs/deploy.md.
func DefaultAssumptions() Assumptions {
	return Assumptions{Recovery: true, Memory: 512, CommandMS: 10, QueryMS: 8, ProjectorMS: 30, ProcessMS: 100, Batch: 10, LogKBCommand: 2, LogKBQuery: 1}
}
