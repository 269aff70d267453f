package simulation

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// fault is what goes wrong with one request.
type fault uint8

const (
	noFault     fault = iota
	throttled         // refused by the service, nothing done
	failed            // refused by the service, nothing done
	conflicting       // a transaction that met another one
	requestLost       // the connection broke before anything was done
	answerLost        // the connection broke after it was done
	late              // it arrives after its sender has given up
	crashBefore       // the instance dies before it is done
	crashAfter        // the instance dies after it is done
	freeze            // the instance stands still before it reads the answer
)

var faultNames = [...]string{"", "throttled", "failed", "conflict", "request lost", "answer lost", "late", "crash", "crash after", "freeze"}

// String returns the name of the fault in a trace.
func (f fault) String() string { return faultNames[f] }

// fate is what is to happen to a request.
type fate struct {
	id          uint32 // names the fault in a recipe
	there, back time.Duration
	gaveUp      time.Duration // from the end of the sender's context to its knowing
	fault       fault
	frozen      time.Duration
}

// The chances of faults of one request, in a thousand. Those of one service sum up to
// about 7 %: a run of a few hundred requests meets each of them, and gets somewhere.
var chances = []struct {
	fault
	perMille float64
	kind     requestKind
}{
	{throttled, 12, toTables}, {failed, 8, toTables}, {conflicting, 30, transactions},
	{requestLost, 8, anywhere}, {answerLost, 16, anywhere}, {late, 8, anywhere},
	{crashBefore, 2, ofInstances}, {crashAfter, 4, ofInstances}, {freeze, 4, ofInstances},
}

type requestKind uint8

const (
	anywhere requestKind = iota
	toTables
	transactions
	ofInstances
)

// faultPlan says which faults a run may have.
type faultPlan struct {
	scale float64         // of the chances; 0 for a kind network
	only  map[uint32]bool // the faults that may happen; nil for all
	calm  atomic.Bool     // no more faults
}

// Latencies of a calm network, one way.
const (
	leastLatency  = 200 * time.Microsecond
	spreadLatency = 6 * time.Millisecond
	slowLatency   = 700 * time.Millisecond
	longestLate   = 9 * time.Second
	longestFreeze = 20 * time.Second
)

// draw returns a random source for something with a name.
func draw(seed uint64, name string) (*rand.Rand, uint64) {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // never fails
	sum := h.Sum64()
	return rand.New(rand.NewPCG(seed, sum)), sum
}

// fate draws what happens to a request.
func (p *faultPlan) fate(seed uint64, name string, c *call, ofInstance bool) fate {
	random, sum := draw(seed, name)
	f := fate{id: uint32(sum>>32) ^ uint32(sum), there: latency(random), back: latency(random), gaveUp: time.Duration(random.Int64N(int64(time.Millisecond)))}
	roll := random.Float64() * 1000
	long, frozen := random.Float64(), random.Float64()
	if !p.may(f.id) || strings.HasPrefix(c.operation, "DescribeTable") {
		return f
	}
	for _, one := range chances {
		switch one.kind {
		case toTables:
			if !c.dynamo() {
				continue
			}
		case transactions:
			if c.operation != "TransactWriteItems" {
				continue
			}
		case ofInstances:
			if !ofInstance {
				continue
			}
		}
		if roll -= one.perMille * p.scale; roll < 0 {
			f.fault = one.fault
			break
		}
	}
	switch f.fault {
	case late:
		f.there = 2500*time.Millisecond + time.Duration(long*float64(longestLate-2500*time.Millisecond))
	case freeze:
		f.frozen = 100*time.Millisecond + time.Duration(frozen*frozen*float64(longestFreeze))
	}
	return f
}

// may reports whether a fault may happen, in this run and by now.
func (p *faultPlan) may(id uint32) bool {
	return !p.calm.Load() && p.scale > 0 && (p.only == nil || p.only[id])
}

// clientFate draws what happens to a request of a client: of 60 one is lost, and of one
// the answer.
func (p *faultPlan) clientFate(seed uint64, name string) fate {
	random, sum := draw(seed, "client "+name)
	f := fate{id: uint32(sum), there: latency(random), back: latency(random)}
	switch roll := float64(random.IntN(60)) + random.Float64(); {
	case !p.may(f.id):
	case roll < p.scale:
		f.fault = requestLost
	case roll < 2*p.scale:
		f.fault = answerLost
	}
	return f
}

// latency is the time of one way: short, and now and then long.
func latency(random *rand.Rand) time.Duration {
	d := leastLatency + time.Duration(random.Int64N(int64(spreadLatency)))
	if random.IntN(50) == 0 {
		d += time.Duration(random.Int64N(int64(slowLatency)))
	}
	return d
}

// answer is what a service says that refuses a request.
func (f fault) answer(c *call, r *http.Request) *http.Response {
	status, body := http.StatusBadRequest, ""
	switch f {
	case throttled:
		body = `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"The level of configured provisioned throughput for the table was exceeded."}`
	case failed:
		status, body = http.StatusInternalServerError, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"The request processing has failed because of an unknown error."}`
	case conflicting:
		reasons := slices.Repeat([]string{`{"Code":"None"}`}, len(c.tables.TransactItems))
		reasons[0] = `{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}`
		body = fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]","CancellationReasons":[%s]}`, strings.Join(reasons, ","))
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
		ContentLength: int64(len(body)), Request: r,
	}
}
