package dynamo_test

import (
	"testing"

	"daybook/dynamo"
)

// TestTenantOf: an item is the tenant's that its key begins with, as each table has it;
// ids and values that look like a tenant are none.
func TestTenantOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ table, key, want string }{
		{"events", "acme:user/7", "acme"}, {"events", "user/7", ""}, {"events", "user/acme:7", ""}, {"events", "globex:user/acme:user/7", "globex"},
		{"keys", "acme:user/7", "acme"}, {"keys", "user/acme:7", ""},
		{"claims", "acme:user-email=a", "acme"}, {"claims", "user-email=acme:x", ""}, {"claims", "note#acme:9f", ""}, {"claims", "acme:once:7", "acme"}, {"claims", "globex:once:acme:7", "globex"},
		{"requests", "acme:7", "acme"}, {"requests", "globex:acme:7", "globex"}, {"requests", "7", ""},
		{"processes", "fulfilment/acme:order/7", "acme"}, {"processes", "fulfilment/order/acme:7", ""},
		{"users-v1", "@tenant/acme/7", "acme"}, {"users-v1", "@tenant/acme/@row/3/@tenant/globex/7", "acme"}, {"users-v1-g2", "@stream/acme:user/7", "acme"},
		{"users-v1", "@parked/acme:user/7", "acme"}, {"users-v1", "@stream/user/acme:7", ""}, {"users-v1", "acme:7", ""}, {"users-v1", "@@tenant/acme/7", ""},
		{"control", "acme:routes", ""}, {"control", "@tenant/acme/7", ""},
	} {
		if got := dynamo.TenantOf(c.table, c.key); got != c.want {
			t.Errorf("%s of table %s is tenant %q's, want %q", c.key, c.table, got, c.want)
		}
	}
}
