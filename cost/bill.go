package cost

import (
	"maps"
	"slices"
	"strings"
)

// Bill is the cost of a month with some counts.
type Bill struct {
	Region   string  `json:"region"`
	Date     string  `json:"date"` // of the prices
	Lines    []Line  `json:"lines"`
	Total    float64 `json:"total"`    // dollars
	Commands []Share `json:"commands"` // what DynamoDB charges because of each command, views and reactors included
	Places   []Share `json:"places"`   // what it charges by table and index
	Units    Units   `json:"units"`
	Decided  Units   `json:"decided"` // of Units, what the command function consumes itself
}

// Line is one line of a bill.
type Line struct {
	Service  string  `json:"service"`
	What     string  `json:"what"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Amount   float64 `json:"amount"` // dollars
	Basis    Basis   `json:"basis"`
}

// Share is a part of what DynamoDB charges.
type Share struct {
	Name   string  `json:"name"`
	Count  float64 `json:"count,omitzero"` // of the command or query
	Units  Units   `json:"units"`
	Amount float64 `json:"amount"` // dollars
}

// Basis says where a quantity is from.
type Basis string

// The bases of quantities.
const (
	BasisGiven    Basis = "given"    // by the counts
	BasisMeasured Basis = "measured" // on the embedded DynamoDB
	BasisAssumed  Basis = "assumed"  // by the assumptions
	BasisDerived  Basis = "derived"  // by arithmetic from what is documented
)

// Bill bills counts.
func (m Measurements) Bill(c Counts, a Assumptions, p Prices) Bill {
	b := biller{Bill: Bill{Region: p.Region, Date: p.Date}, m: m, counts: c, a: a, prices: p}
	b.tables()
	b.requests()
	b.stored()
	b.services()
	for _, l := range b.Lines {
		b.Total += l.Amount
	}
	return b.Bill
}

type biller struct {
	Bill
	m         Measurements
	counts    Counts
	a         Assumptions
	prices    Prices
	used      Usage   // by tables and indexes
	commits   float64 // batches of the projector hold them
	bytes     float64 // of the commits
	reactions float64 // commits that reactors handled
	timers    float64
	published float64
}

func (b *biller) line(service, what string, quantity float64, unit string, amount float64, basis Basis) {
	if quantity > 0 {
		b.Lines = append(b.Lines, Line{service, what, quantity, unit, amount, basis})
	}
}

// tables adds up what commands, their projection and queries consume.
func (b *biller) tables() {
	b.used = Usage{}
	for _, d := range b.m.Commands {
		n := b.counts.Commands[d.Name]
		if n == 0 {
			continue
		}
		cold := b.counts.cold(d.Name)
		all := d.Warm.times(1 - cold)
		all.add(d.Cold.times(cold))
		if !d.Internal {
			b.Decided = b.Decided.Add(all.Total().Times(n))
		}
		all.add(d.Views)
		all.add(d.Reactors)
		delete(all, Place{Table: controlTable}) // by batches, below
		all = all.times(n)
		b.used.add(all)
		b.Commands = append(b.Commands, Share{d.Name, n, all.Total(), b.prices.Of(all.Total())})
		b.commits += n
		b.bytes += n * d.Bytes
		b.timers += n * d.Timers
		b.published += n * d.Publishes
		if d.Reactors.Total() != (Units{}) {
			b.reactions += n
		}
	}
	b.used.add(Usage{{Table: controlTable}: {Read: b.m.ControlReads * b.commits / b.a.Batch}})
	for _, q := range b.m.Queries {
		read := b.counts.Queries[q.Name()] * q.Read
		b.used.add(Usage{{Table: b.m.tables[q.View], Index: q.Index}: {Read: read}})
	}
	for _, place := range b.used.Places() {
		u := b.used[place]
		if u == (Units{}) {
			continue
		}
		b.Places = append(b.Places, Share{Name: place.String(), Units: u, Amount: b.prices.Of(u)})
		b.line("DynamoDB", "writes of "+place.String(), u.Write, "write units", b.prices.Of(Units{Write: u.Write}), BasisMeasured)
		b.line("DynamoDB", "reads of "+place.String(), u.Read, "read units", b.prices.Of(Units{Read: u.Read}), BasisMeasured)
	}
	b.Units = b.used.Total()
}

// requests bills the API and the functions.
func (b *biller) requests() {
	commands := 0.0
	for _, d := range b.m.Commands {
		if !d.Internal {
			commands += b.counts.Commands[d.Name]
		}
	}
	queries, late := b.counts.Missed, b.a.Async*commands
	for _, q := range b.m.Queries {
		queries += b.counts.Queries[q.Name()]
	}
	what, price := "requests of the HTTP API", b.prices.HTTPRequests
	if b.a.REST {
		what, price = "requests of the REST API", b.prices.RESTRequests
	}
	requests := commands + queries + b.counts.Other
	b.line("API Gateway", what, requests, "requests", requests*price/million, BasisGiven)
	for _, f := range []struct {
		name            string
		invocations, ms float64
	}{
		{"command", commands + late + b.counts.Other, b.a.CommandMS}, {"query", queries, b.a.QueryMS},
		{"projector", b.commits / b.a.Batch, b.a.ProjectorMS}, {"process", b.reactions / b.a.Batch, b.a.ProcessMS},
	} {
		seconds := f.invocations * f.ms / 1000 * b.a.Memory / 1024
		b.line("Lambda", "invocations of "+f.name, f.invocations, "invocations", f.invocations*b.prices.LambdaRequests/million, BasisGiven)
		b.line("Lambda", "time of "+f.name, seconds, "GB-seconds", seconds*b.prices.LambdaSeconds, BasisAssumed)
	}
	gigabytes := (b.commits*b.a.LogKBCommand + (queries+b.counts.Other)*b.a.LogKBQuery) / (1 << 20)
	b.line("CloudWatch", "logs taken in", gigabytes, "GB", gigabytes*b.prices.LogIngestion, BasisAssumed)
	b.line("CloudWatch", "logs stored", gigabytes, "GB and month", gigabytes*b.prices.LogStorage, BasisAssumed)
	b.line("CloudWatch", "metrics", b.a.Metrics, "metrics", b.a.Metrics*b.prices.Metrics, BasisAssumed)
}

// stored bills the tables' size at the end of the month.
func (b *biller) stored() {
	bytes := b.bytes
	for _, d := range b.m.Commands {
		if d.Creates {
			bytes += b.counts.Commands[d.Name] * b.m.viewBytes(d)
		}
	}
	gigabytes := bytes/(1<<30) + b.a.Stored
	b.line("DynamoDB", "tables and indexes stored", gigabytes, "GB and month", gigabytes*b.prices.TableStorage, BasisMeasured)
	if b.a.Recovery {
		b.line("DynamoDB", "recovery to a point in time", gigabytes, "GB and month", gigabytes*b.prices.TableRecovery, BasisMeasured)
	}
	b.line("DynamoDB", "change stream, read by Lambda", b.commits, "records", 0, BasisGiven)
}

// viewBytes are stored of all views that follow a new stream of a command.
func (m Measurements) viewBytes(d Command) (sum float64) {
	for _, view := range slices.Sorted(maps.Keys(m.ViewBytes)) {
		if slices.ContainsFunc(d.Views.Places(), func(p Place) bool { return p.Table == m.tables[view] }) {
			sum += m.ViewBytes[view]
		}
	}
	return sum
}

// requests to SQS for a queued command that is alone in its batch: send, receive,
// delete. The requests table notes that it waits, and its outcome.
const queueRequests, statusWrites = 3, 2

// services bills queue, timers and the event bus.
func (b *biller) services() {
	late := 0.0
	for _, d := range b.m.Commands {
		if !d.Internal {
			late += b.a.Async * b.counts.Commands[d.Name]
		}
	}
	b.line("SQS", "queued commands", late*queueRequests, "requests", late*queueRequests*b.prices.QueueRequests/million, BasisAssumed)
	b.line("DynamoDB", "status of queued commands", late*statusWrites, "write units", b.prices.Of(Units{Write: late * statusWrites}), BasisDerived)
	b.line("EventBridge Scheduler", "timers that go off, at most", b.timers, "invocations", b.timers*b.prices.Timers/million, BasisMeasured)
	b.line("EventBridge", "integration events", b.published, "events", b.published*b.prices.BusEvents/million, BasisMeasured)
}

// ByView is what a bill's places amount to by view, indexes included, of the tables of
// views only.
func (b Bill) ByView(m Measurements) (all []Share) {
	for _, view := range slices.Sorted(maps.Keys(m.tables)) {
		s := Share{Name: view}
		for _, p := range b.Places {
			if table, _, _ := strings.Cut(p.Name, "/"); table == m.tables[view] {
				s.Units, s.Amount = s.Units.Add(p.Units), s.Amount+p.Amount
			}
		}
		all = append(all, s)
	}
	return all
}
