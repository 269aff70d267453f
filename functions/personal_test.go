package functions

import (
	"strings"
	"testing"

	"daybook/functions/names"
	"daybook/internal/peopledomain"
	"daybook/internal/testdomain"
)

// A function of an application with personal values does not start without keys, and
// one of an application without any asks for none.
func TestSealingNeedsKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {KeysTable: "keys"}, {WrappingKey: "alias/x"}} {
		_, err := NewCommand(peopledomain.App(), c)
		if err == nil || !strings.Contains(err.Error(), names.EnvKeysTable) || !strings.Contains(err.Error(), names.EnvWrappingKey) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if s, err := (Config{KeysTable: "keys", WrappingKey: "alias/x", Region: "us-east-1"}).Sealing(peopledomain.App(), nil); err != nil || s.Sealer == nil {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := (Config{}).Sealing(testdomain.App(), nil); err != nil || s.Sealer != nil {
		t.Errorf("without marks: %v, %v", s, err)
	}
}
