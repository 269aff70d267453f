package functions

import (
	"cmp"
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"daybook"
)

// maxTenants bounds the tenants whose rate an instance remembers: about 300 bytes each.
const maxTenants = 10_000

// limits bounds the requests per second of each tenant. It knows the requests of its own
// function instance alone. It is safe for concurrent use.
type limits struct {
	rate  rate.Limit
	burst int
	most  int // tenants

	mu      sync.Mutex
	tenants map[string]*list.Element // of *tenantRate
	order   *list.List               // most recently used in front
}

type tenantRate struct {
	tenant  string
	limiter *rate.Limiter
}

// newLimits returns the limits of an application, nil for none.
func newLimits(t daybook.Tenancy) *limits {
	if t.RequestsPerSecond == 0 {
		return nil
	}
	l := &limits{rate: rate.Limit(t.RequestsPerSecond), burst: t.Burst, most: maxTenants, tenants: map[string]*list.Element{}, order: list.New()}
	l.burst = cmp.Or(l.burst, int(math.Ceil(2*t.RequestsPerSecond)))
	return l
}

// limitOf is what an API is told of the limits, nil for none.
func limitOf(t daybook.Tenancy) func(tenant string) time.Duration {
	if l := newLimits(t); l != nil {
		return l.wait
	}
	return nil
}

// wait accepts a request of a tenant, or says after how long it would.
func (l *limits) wait(tenant string) time.Duration {
	r := l.of(tenant).Reserve()
	wait := r.Delay()
	if wait > 0 {
		r.Cancel()
	}
	return wait
}

// of returns the rate of a tenant. The one that was used the longest ago is forgotten for
// a new one: most likely it is that of a tenant at rest, which has all its burst again.
func (l *limits) of(tenant string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.tenants[tenant]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*tenantRate).limiter
	}
	if l.order.Len() >= l.most {
		oldest := l.order.Back()
		delete(l.tenants, oldest.Value.(*tenantRate).tenant)
		l.order.Remove(oldest)
	}
	one := &tenantRate{tenant, rate.NewLimiter(l.rate, l.burst)}
	l.tenants[tenant] = l.order.PushFront(one)
	return one.limiter
}
