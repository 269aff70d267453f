package costtest_test

import (
	"fmt"
	"strings"
	"testing"

	"daybook/cost"
	"daybook/costtest"
	"daybook/internal/testdomain"
)

func TestAMembersCommands(t *testing.T) {
	t.Parallel()
	db := costtest.Open(t, testdomain.App())
	db.Send("member/7", testdomain.CreateMember{Name: "Ann", Email: "ann@example.com"})
	renamed := db.Send("member/7", testdomain.RenameMember{Name: "Anna"})
	costtest.AtMost(t, renamed.Command, cost.Units{Write: 1})
	costtest.AtMost(t, renamed.View("members"), cost.Units{Write: 6, Read: 1})
	costtest.AtMost(t, renamed.View("courses"), cost.Units{})
	costtest.AtMost(t, renamed.Reactors, cost.Units{})

	db.Cold()
	cold := db.Send("member/7", testdomain.RenameMember{Name: "Ann"})
	costtest.AtMost(t, cold.Command, cost.Units{Write: 1, Read: 1})
	if cold.Command.Total().Read == 0 {
		t.Error("a command of an instance that knows no stream read nothing")
	}
}

// failures takes what a test says.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// A limit that is exceeded names the units by table and index; one that is met says
// nothing. Reads and writes have limits of their own.
func TestALimitThatIsExceeded(t *testing.T) {
	t.Parallel()
	used := cost.Usage{{Table: "events"}: {Write: 1}, {Table: "members-v2", Index: "by-name"}: {Write: 2, Read: 0.5}}
	for _, test := range []struct {
		limit cost.Units
		fails bool
	}{{cost.Units{Write: 3, Read: 0.5}, false}, {cost.Units{Write: 9, Read: 9}, false}, {cost.Units{Write: 2, Read: 9}, true}, {cost.Units{Write: 9}, true}} {
		f := &failures{TB: t}
		costtest.AtMost(f, used, test.limit)
		if (len(f.said) > 0) != test.fails {
			t.Errorf("limit %v: %q", test.limit, f.said)
		}
		if test.fails && !strings.Contains(f.said[0], "members-v2/by-name: 2 write and 0.5 read units") {
			t.Errorf("the failure does not say where: %q", f.said)
		}
	}
}
