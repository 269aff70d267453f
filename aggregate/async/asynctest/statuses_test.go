package asynctest_test

import (
	"testing"

	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	asynctest.RunStatuses(t, func(*testing.T) async.Statuses { return &asynctest.Statuses{} })
}
