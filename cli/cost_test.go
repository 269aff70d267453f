package cli

import (
	"bytes"
	"encoding/json/v2"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/internal/testdomain"
	"daybook/view"
)

// aBill is what the tests read of a bill.
type aBill struct {
	Bill struct {
		Region string
		Total  float64
		Lines  []struct {
			Service, What string
			Quantity      float64
			Amount        float64
		}
		Commands []struct {
			Name  string
			Count float64
		}
	}
	Measured struct {
		Commands []struct {
			Command string
			Warm    map[string]struct{ Read, Write float64 }
		}
	}
	Designs []struct {
		Design string
		Basis  string
		Amount float64
	}
	Unknown map[string]int
}

// ofMembers runs a command line of an application of members only, which is measured
// soon.
func ofMembers(t *testing.T, args ...string) result {
	t.Helper()
	app := daybook.App{Name: "members", Aggregates: []aggregate.Aggregate{testdomain.Member}, Views: []view.View{testdomain.Members}}
	var out, errors bytes.Buffer
	code := run(t.Context(), app, args, nil, &out, &errors)
	return result{code, out.String(), errors.String()}
}

func bill(t *testing.T, args ...string) aBill {
	t.Helper()
	r := ofMembers(t, append([]string{"cost", "-json"}, args...)...)
	if r.code != exitOK {
		t.Fatalf("%q: exit %d, %s", args, r.code, r.errors)
	}
	var b aBill
	if err := json.Unmarshal([]byte(r.out), &b, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b aBill) amount(what string) (amount float64) {
	for _, l := range b.Bill.Lines {
		if l.What == what {
			amount += l.Amount
		}
	}
	return amount
}

// A bill scales with the numbers, knows the kinds of API and regions, and compares
// designs.
func TestCost(t *testing.T) {
	t.Parallel()
	one := bill(t, "-commands", "1e6", "-queries", "0")
	if got := one.amount("requests of the HTTP API"); math.Abs(got-1) > 1e-9 {
		t.Errorf("a million requests cost %g", got)
	}
	if one.amount("writes of events") < 0.6 || one.Bill.Total < 3 {
		t.Errorf("a million commands: %+v", one.Bill)
	}
	for _, c := range one.Measured.Commands {
		if c.Command == "rename-member" && c.Warm["events"].Write != 1 {
			t.Errorf("%+v", c)
		}
	}
	two := bill(t, "-commands", "1e6", "-queries", "0", "-rest", "-price-region", "eu-central-1", "-weight", "rename-member=1")
	if got := two.amount("requests of the REST API"); math.Abs(got-3.70) > 1e-9 || len(two.Bill.Commands) != 1 || two.Bill.Commands[0].Count != 1e6 {
		t.Errorf("renames over a REST API in Europe: %+v", two.Bill)
	}
	if len(one.Designs) < 4 || one.Designs[0].Design != "Daybook" || one.Designs[0].Amount >= one.Designs[1].Amount {
		t.Errorf("designs: %+v", one.Designs)
	}
}

func TestCostOfATrace(t *testing.T) {
	t.Parallel()
	day := filepath.Join(t.TempDir(), "day.jsonl")
	text := `{"msg":"command","command":"rename-member","code":"","loads":0}` + "\n" + `{"query":"members","count":10}` + "\n" + `{"query":"planets","count":10}` + "\n"
	if err := os.WriteFile(day, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := bill(t, "-trace", day, "-days", "2")
	if len(b.Bill.Commands) != 1 || b.Bill.Commands[0].Count != 2 || b.amount("reads of members-v2") == 0 || b.Unknown["planets"] != 1 {
		t.Errorf("%+v", b)
	}
}

func TestCostRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, prices := filepath.Join(dir, "empty.jsonl"), filepath.Join(dir, "prices.json")
	for path, text := range map[string]string{empty: `{"msg":"batch"}`, prices: `[{"region":"x","date":"2026-11-29"}]`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for want, args := range map[string][]string{
		"cost takes no arguments": {"x"}, "-cold must be a share": {"-cold", "2"}, "-commands must be between": {"-commands", "NaN"},
		"no prices are known for region": {"-price-region", "mars"}, "must be a positive number": {"-prices", prices}, "-weight: \"x\"": {"-weight", "x"},
		"no command of this name": {"-weight", "sing=1"}, "has no line of a command": {"-trace", empty}, "-length must be one of": {"-length", "7"},
		"leave out -commands": {"-trace", empty, "-commands", "1"}, "-batch must be above 0": {"-batch", "0"},
	} {
		if r := ofMembers(t, append([]string{"cost"}, args...)...); r.code != exitUsage || !strings.Contains(r.errors, want) {
			t.Errorf("%q says %q, want %q", args, r.errors, want)
		}
	}
}
