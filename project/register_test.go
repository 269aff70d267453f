package project

import (
	"strings"
	"testing"
)

const registered = `package domain

import (
	"daybook/aggregate"
	"daybook/view"

	"example.com/bank/domain/account"
)

// Aggregates lists the aggregates.
func Aggregates() []aggregate.Aggregate {
	return []aggregate.Aggregate{
		account.Account, // the first
	}
}

var views = []view.View{account.Accounts, account.ByName}
`

func TestInsert(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry entry
		want  []string
	}{
		"of another folder": {entry{aggregates, "example.com/bank/domain/invoice", "Invoice"},
			[]string{"\t\"example.com/bank/domain/account\"\n\t\"example.com/bank/domain/invoice\"\n", "\t\taccount.Account, // the first\n\t\tinvoice.Invoice,\n\t}"}},
		"behind others on one line": {entry{views, "example.com/bank/domain/account", "Third"},
			[]string{"account.Accounts, account.ByName,\n\taccount.Third}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, there, err := insert([]byte(registered), c.entry)
			if err != nil || there {
				t.Fatalf("there %v, error %v", there, err)
			}
			for _, want := range c.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("lacks %q:\n%s", want, text)
				}
			}
			again, there, err := insert(text, c.entry)
			if err != nil || !there || string(again) != string(text) {
				t.Errorf("the second time: there %v, error %v\n%s", there, err, again)
			}
		})
	}
}

func TestInsertIntoAnEmptyList(t *testing.T) {
	t.Parallel()
	source := "package domain\n\nimport \"daybook/view\"\n\nvar views = []view.View{}\n"
	text, _, err := insert([]byte(source), entry{views, "example.com/bank/domain/account", "Accounts"})
	want := "package domain\n\nimport \"example.com/bank/domain/account\"\n\nimport \"daybook/view\"\n\nvar views = []view.View{\n\taccount.Accounts,\n}\n"
	if err != nil || string(text) != want {
		t.Errorf("error %v\n%s", err, text)
	}
}

func TestInsertRefuses(t *testing.T) {
	t.Parallel()
	for want, source := range map[string]string{
		"it is not valid Go":      "package",
		"it has 0 lists":          "package domain\n",
		"it has 2 lists":          "package domain\n\nvar a, b = []view.View{}, []view.View{}\n",
		"which has the name that": "package domain\n\nimport \"example.com/other/account\"\n\nvar a = []view.View{}\n",
	} {
		text, _, err := insert([]byte(source), entry{views, "example.com/bank/domain/account", "Accounts"})
		if err == nil || !strings.Contains(err.Error(), want) || text != nil {
			t.Errorf("%q: error %v, want %q", source, err, want)
		}
	}
}
