package functions

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"daybook"
)

// TestLimits: a tenant gets its burst and then its rate, whatever the others do; the
// answer says when the next request is accepted, and then it is.
func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(daybook.Tenancy{Claim: "org", RequestsPerSecond: 2, Burst: 3})
		for n := range 3 {
			if wait := l.wait("acme"); wait != 0 {
				t.Fatalf("request %d of the burst waits %v", n, wait)
			}
		}
		for range 3 { // refused requests use nothing up
			if wait := l.wait("acme"); wait != 500*time.Millisecond {
				t.Fatalf("waits %v", wait)
			}
		}
		if wait := l.wait("globex"); wait != 0 {
			t.Errorf("another tenant waits %v", wait)
		}
		time.Sleep(500 * time.Millisecond)
		if wait := l.wait("acme"); wait != 0 {
			t.Errorf("after the wait it waits %v", wait)
		}
		if wait := l.wait("acme"); wait != 500*time.Millisecond {
			t.Errorf("two in half a second: waits %v", wait)
		}
	})
	if newLimits(daybook.Tenancy{Claim: "org"}) != nil {
		t.Error("there are limits without a rate")
	}
	if l := newLimits(daybook.Tenancy{Claim: "org", RequestsPerSecond: 0.6}); l.burst != 2 {
		t.Errorf("the burst by default is %d, want 2", l.burst)
	}
}

// TestLimitsOfManyTenants: an instance remembers so many tenants and no more, those that
// came last.
func TestLimitsOfManyTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(daybook.Tenancy{Claim: "org", RequestsPerSecond: 1, Burst: 1})
		l.most = 100
		for n := range 1000 {
			l.wait("busy")
			l.wait(fmt.Sprint("t", n))
			if len(l.tenants) > 100 || len(l.tenants) != l.order.Len() {
				t.Fatalf("%d tenants, %d in order", len(l.tenants), l.order.Len())
			}
		}
		if l.wait("busy") == 0 || l.wait("t999") == 0 || l.wait("t1") != 0 {
			t.Error("the tenants that came last are not those that are remembered")
		}
	})
}
