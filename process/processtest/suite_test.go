package processtest_test

import (
	"testing"

	"daybook/process"
	"daybook/process/processtest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	processtest.Run(t, func(*testing.T) process.Ledger { return &processtest.Memory{} })
}
