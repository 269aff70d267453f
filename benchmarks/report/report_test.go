package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

func recorded(t *testing.T) *Results {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // only read
	r, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestFiles: the page, the README's table and the plots are what the recorded results
// give.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := Make(recorded(t), root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what benchmarks/results.jsonl gives: run go -C benchmarks run . report (%v)", name, err)
		}
		if strings.HasSuffix(name, ".svg") {
			if err := wellFormed(want); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			page := string(files[filepath.Join("docs", "benchmarks.md")])
			if !strings.Contains(page, "](images/benchmarks/"+filepath.Base(name)+")") {
				t.Errorf("docs/benchmarks.md does not show %s", name)
			}
		}
	}
}

func wellFormed(text []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// TestRecordedRunIsWhole: every peer has every scenario, and Daybook every state right.
func TestRecordedRunIsWhole(t *testing.T) {
	t.Parallel()
	r := recorded(t)
	scenarios := append(append(steps(), grown(LoadAt)...), grown(AppendAt)...)
	for _, p := range Peers() {
		for _, s := range scenarios {
			if result := r.Of(p, s); result == nil || result.Ops == 0 && !result.Unsupported {
				t.Errorf("%s has no %s", p, s)
			}
		}
	}
	for _, result := range r.All {
		if result.Peer == Daybook && (result.wrong() || result.Error != "" || result.Refused > 0 && result.Scenario != Contended) {
			t.Errorf("Daybook's %s: %+v", result.Scenario, result)
		}
	}
}

func TestResultsSurviveAFile(t *testing.T) {
	t.Parallel()
	want := recorded(t)
	var text bytes.Buffer
	if err := want.Write(&text); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join("..", "results.jsonl"))
	if err != nil || !bytes.Equal(text.Bytes(), file) {
		t.Errorf("the recorded results change when they are read and written (%v)", err)
	}
	if _, err := Read(strings.NewReader("{}\n{\"peer\":\"x\",\"speed\":1}\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("an unknown member: %v", err)
	}
}

// TestContrast: text has a contrast of 4.5 to its ground, and the series' signs 3, in
// both themes, as WCAG asks.
func TestContrast(t *testing.T) {
	t.Parallel()
	for name, th := range map[string]theme{"light": light(), "dark": dark()} {
		if c := contrast(t, th.text, th.ground); c < 4.5 {
			t.Errorf("%s: text has a contrast of %.1f", name, c)
		}
		if len(th.series) != len(Peers()) {
			t.Errorf("%s: %d colors for %d peers", name, len(th.series), len(Peers()))
		}
		for _, color := range th.series {
			if c := contrast(t, color, th.ground); c < 3 {
				t.Errorf("%s: %s has a contrast of %.1f", name, color, c)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(color string) (sum float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum + 0.05
	}
	return max(light(a)/light(b), light(b)/light(a))
}

func small() *Results {
	return &Results{All: []Result{
		{Peer: Daybook, Scenario: Create, Ops: 1, Processor: 200, WriteUnits: 1},
		{Peer: Castore, Scenario: Create, Ops: 1, Processor: 500, WriteUnits: 2},
		{Peer: Castore, Scenario: Append10, Ops: 1, Processor: 500, WriteUnits: 20},                                // Daybook has none
		{Peer: DynamoES, Scenario: Create, Ops: 1, Processor: 100, WriteUnits: 1, Refused: 1, Error: "it is full"}, // not compared
		{Peer: Adapter, Scenario: Repeat, Unsupported: true},
	}}
}

func TestRatios(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := PrintRatios(&out, Ratios(small())); err != nil {
		t.Fatal(err)
	}
	if want := "ratio castore-create-processor 2.5\nratio castore-create-cost 2\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestFallen(t *testing.T) {
	t.Parallel()
	ratios := Ratios(small())
	for recorded, want := range map[string]string{
		"castore-create-cost 2\n":         "",
		"castore-create-cost 2.49\n":      "",
		"castore-create-cost 2.6\n":       "fell to 2",
		"castore-create-speed 1\n":        "was not measured",
		"castore-create-processor fast\n": "the recorded line",
	} {
		err := Fallen(ratios, recorded)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", recorded, err, want)
		}
	}
}

// TestTablesTellWhatIsMissing: a peer without a scenario, with one that fails, and with a
// state that differs are told so.
func TestTablesTellWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := small()
	r.All = append(r.All, Result{Peer: DynamoES, Scenario: Load20, Ops: 1, ReadUnits: 4, Seen: 34, Stored: 20})
	table := r.amounts(measures()["read"], []string{Create, Load20, Repeat})
	for _, want := range []string{"| create | 0 | – | 0 | fails |", `| load 20 | – | – | – | 4 \* |`, "| has none |"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if states := r.states(); !strings.Contains(states, "the state counts 34 entries, the stream has 20") || !strings.Contains(states, "it is full") {
		t.Errorf("states:\n%s", states)
	}
}

// TestEquinoxByHand: with events of 964 bytes, 1 KB in the Tip, the Tip takes 31 of them
// beside its 200 bytes. Those 31 appends write 2, 3, … 32 units; the 32nd moves all to a
// batch of 32,868 bytes, 33 units, beside a Tip of 200 bytes, in a transaction.
func TestEquinoxByHand(t *testing.T) {
	t.Parallel()
	want := ((2.0+32)*31/2 + 2*(33+1)) / 32
	if got := tipAppends(964, 1); math.Abs(got-want) > 1e-9 {
		t.Errorf("got %v units, want %v", got, want)
	}
	if got := equinox(964)[0]; got.Scenario != Create || got.WriteUnits != 2 || got.Requests != 1 {
		t.Errorf("create: %+v", got)
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for x, want := range map[float64]string{0: "0", 1: "1", 1.5: "1.50", 0.333: "0.33", 12.34: "12.3", 456.7: "457", 1234.5: "1,235", 10_000: "10,000"} {
		if got := amount(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}

func TestTicksCoverTheScale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0.02, 4, []float64{0.03, 0.1, 0.3, 1, 3}},
		{700, 250_000, []float64{1000, 3000, 10_000, 30_000, 100_000}},
	} {
		got := ticks(logScale{low: c.low, high: c.high})
		if len(got) != len(c.want) {
			t.Errorf("%g to %g: %v, want %v", c.low, c.high, got, c.want)
			continue
		}
		for i, v := range got {
			if math.Abs(v/c.want[i]-1) > 1e-9 {
				t.Errorf("%g to %g: %v, want %v", c.low, c.high, got, c.want)
			}
		}
	}
}
