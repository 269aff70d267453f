package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Errors of the network.
var (
	errLost    = errors.New("simulation: the connection was lost")
	errCrashed = errors.New("simulation: the instance has crashed")
)

// network carries requests from links to the services. Whatever happens to a request
// is drawn from the seed and the request's name, so that leaving one command or one
// fault out of a run leaves the fate of all other requests as it was.
type network struct {
	seed     uint64
	faults   *faultPlan
	timeline *timeline
	trace    *trace
	over     chan struct{} // closed when the run is over: nothing is carried any more
	work     *workLog
	before   func(c *call) // a request is carried out
	carried  func(c *call, answer *http.Response)
}

// link is the way of one instance, or one poller, to the services behind it.
type link struct {
	*network
	name     string
	services http.RoundTripper
	instance *instance // nil for what neither crashes nor freezes

	mu   sync.Mutex
	seen map[string]*occurrence
}

// occurrence counts the instants at which requests of one name were sent.
type occurrence struct {
	n    int
	last time.Time
}

func (n *network) link(name string, services http.RoundTripper, of *instance) *link {
	return &link{network: n, name: name, services: services, instance: of, seen: map[string]*occurrence{}}
}

// pause waits for an instant of its own, or for the end of the run.
func (n *network) pause(name string, d time.Duration) {
	e := n.timeline.at(time.Now().Add(d), name)
	select {
	case <-e.reached:
	case <-n.over:
		n.timeline.forget(e)
	}
}

type invocationKey struct{}

// invoked marks a context with the invocation that requests belong to.
func invoked(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, invocationKey{}, id)
}

func invocationOf(ctx context.Context) string {
	id, _ := ctx.Value(invocationKey{}).(string)
	return id
}

// occurs gives a request its name among all of the run. Requests that one invocation
// sends at one instant with the same name have the same name here too: nobody can
// tell them apart, so the same has to happen to them.
func (l *link) occurs(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, now := l.seen[name], time.Now()
	switch {
	case o == nil:
		o = &occurrence{n: 1, last: now}
		l.seen[name] = o
	case !o.last.Equal(now):
		o.n, o.last = o.n+1, now
	}
	if o.n == 1 {
		return name
	}
	return name + " (" + strconv.Itoa(o.n) + ")"
}

// RoundTrip implements http.RoundTripper.
func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := readCall(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if l.dead() {
		<-l.over
		return nil, errCrashed
	}
	who := l.name
	if id := invocationOf(ctx); id != "" {
		who += " " + id
	}
	l.work.add(l, c)
	name := l.occurs(who + ": " + c.label)
	f := l.faults.fate(l.seed, name, c, l.instance != nil)
	p := &passage{link: l, call: c, name: name, fate: f, request: r}
	arrival := l.timeline.at(time.Now().Add(f.there), name)
	select {
	case <-arrival.reached:
	case <-ctx.Done(): // it is on its way, and arrives
		go p.arriveLate(arrival)
		return nil, p.giveUp(ctx)
	case <-l.crashes():
		go p.arriveLate(arrival)
		<-l.over
		return nil, errCrashed
	case <-l.over:
		l.timeline.forget(arrival)
		return nil, errLost
	}
	answer, err := p.arrive(arrival.twins > 0)
	return p.back(ctx, answer, err)
}

func (l *link) dead() bool {
	select {
	case <-l.crashes():
		return true
	default:
		return false
	}
}

// crashes is closed when the instance crashes; nil for what never does.
func (l *link) crashes() <-chan struct{} {
	if l.instance == nil {
		return nil
	}
	return l.instance.crashed
}

// passage is one request on its way.
type passage struct {
	*link
	call    *call
	name    string
	fate    fate
	request *http.Request
}

// arriveLate carries out a request whose sender does not wait for it any more.
func (p *passage) arriveLate(arrival *event) {
	select {
	case <-arrival.reached:
	case <-p.over:
		p.timeline.forget(arrival)
		return
	}
	if answer, err := p.arrive(arrival.twins > 0); err == nil {
		_ = answer.Body.Close()
	}
}

// arrive carries out a request, or lets happen to it what its fate says. Twins are
// spared, since a fault of one of them would tell them apart.
func (p *passage) arrive(twins bool) (*http.Response, error) {
	if twins {
		p.fate.fault = noFault
	}
	switch p.fate.fault {
	case throttled, failed, conflicting:
		p.record(p.fate.fault.String())
		return p.fate.fault.answer(p.call, p.request), nil
	case requestLost:
		p.record("request lost")
		return nil, errLost
	case crashBefore:
		p.record("the instance crashed before")
		p.instance.crash()
		return nil, errLost
	}
	answer, err := p.execute()
	if err != nil {
		p.record(err.Error())
		return nil, err
	}
	switch p.fate.fault {
	case answerLost:
		p.record(strconv.Itoa(answer.StatusCode) + ", answer lost")
		_ = answer.Body.Close()
		return nil, errLost
	case crashAfter:
		p.record(strconv.Itoa(answer.StatusCode) + ", the instance crashed after")
		p.instance.crash()
	case freeze:
		p.record(fmt.Sprintf("%d, the instance froze for %v", answer.StatusCode, p.fate.frozen.Round(time.Millisecond)))
		p.instance.freeze(p.fate.frozen)
	default:
		p.record(strconv.Itoa(answer.StatusCode))
	}
	return answer, nil
}

// execute hands the request to its service, apart from its sender's context: who
// gives up does not stop it.
func (p *passage) execute() (*http.Response, error) {
	r := p.request.Clone(context.WithoutCancel(p.request.Context()))
	r.Body = io.NopCloser(bytes.NewReader(p.call.body))
	r.ContentLength = int64(len(p.call.body))
	if p.before != nil {
		p.before(p.call)
	}
	answer, err := p.services.RoundTrip(r)
	if err == nil && p.carried != nil {
		p.carried(p.call, answer)
	}
	return answer, err
}

// back brings an answer, or the loss of it, to the sender.
func (p *passage) back(ctx context.Context, answer *http.Response, err error) (*http.Response, error) {
	at := time.Now().Add(p.fate.back)
	if p.instance != nil {
		at = p.instance.awake(at)
	}
	arrival := p.timeline.at(at, p.name+" <")
	select {
	case <-arrival.reached:
		return answer, err
	case <-ctx.Done():
		p.timeline.forget(arrival)
		return nil, p.giveUp(ctx)
	case <-p.crashes():
		p.timeline.forget(arrival)
		<-p.over
		return nil, errCrashed
	case <-p.over:
		p.timeline.forget(arrival)
		return nil, errLost
	}
}

// giveUp brings the end of a context to the sender, at an instant of its own: requests
// that were sent together have one deadline, and must not go on together.
func (p *passage) giveUp(ctx context.Context) error {
	p.pause(p.name+" gives up", p.fate.gaveUp)
	return ctx.Err()
}

func (p *passage) record(outcome string) { p.trace.add(p.name, outcome, p.fate.fault, p.fate.id) }
