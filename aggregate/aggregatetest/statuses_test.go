package aggregatetest_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	aggregatetest.RunStatuses(t, func(*testing.T) aggregate.Statuses { return &aggregatetest.Statuses{} })
}
