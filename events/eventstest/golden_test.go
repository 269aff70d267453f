package eventstest

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"daybook/events"
)

var _ = flag.Bool("update", false, "write missing golden files")

type opened struct {
	Owner string    `json:"owner"`
	Cents int64     `json:"cents"`
	Since time.Time `json:"since"`
}

type openedWider struct {
	Owner string    `json:"owner"`
	Cents int64     `json:"cents"`
	Since time.Time `json:"since"`
	Note  string    `json:"note,omitzero"`
}

type openedOther struct {
	Holder string    `json:"holder"`
	Cents  int64     `json:"cents"`
	Since  time.Time `json:"since"`
}

// amount writes its JSON itself.
type amount struct{ cents int64 }

func (a amount) MarshalJSON() ([]byte, error)  { return json.Marshal(a.cents + writtenMore) }
func (a *amount) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &a.cents) }

// writtenMore is what a change of how amounts are written adds.
const writtenMore = 1

// paid is an event of it.
type paid struct {
	Amount amount `json:"amount"`
}

// rename is an upcaster that puts one member's name for another's.
func rename(from, to string) events.Upcaster {
	return func(old jsontext.Value) (jsontext.Value, error) {
		return jsontext.Value(strings.Replace(string(old), `"`+from+`"`, `"`+to+`"`, 1)), nil
	}
}

// account is the declaration of an event whose data are of type E.
func account[E any](upcasters ...events.Upcaster) []events.Type {
	return []events.Type{{Name: "account-opened", Go: reflect.TypeFor[E](), Upcasters: upcasters}}
}

// wantOnly fails unless errs is exactly one error that is want.
func wantOnly(t *testing.T, errs []error, want error) {
	t.Helper()
	if len(errs) != 1 || !errors.Is(errs[0], want) {
		t.Errorf("got %v, want only %v", errs, want)
	}
}

func wantNone(t *testing.T, errs []error) {
	t.Helper()
	if len(errs) > 0 {
		t.Fatal(errs)
	}
}

func TestGoldenWritesOnlyOnUpdate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "golden")
	wantOnly(t, checkGolden(dir, false, account[opened]()), errMissing)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a file was written without -update")
	}
	wantNone(t, checkGolden(dir, true, account[opened]()))
	wantNone(t, checkGolden(dir, false, account[opened]()))
	text, err := os.ReadFile(filepath.Join(dir, "account-opened.v1.json"))
	if err != nil || !strings.Contains(string(text), `"cents": 1`) || !strings.Contains(string(text), "2026-01-31T12:00:00Z") {
		t.Errorf("wrote %s, %v", text, err)
	}
	Golden(t, dir, account[opened]()...)
}

func TestGoldenNoticesAChange(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string][]events.Type{
		"another member": account[openedOther](),
		"a field more":   account[openedWider](),
		"a field less":   account[struct{ Owner string }](),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			wantNone(t, checkGolden(dir, true, account[opened]()))
			wantOnly(t, checkGolden(dir, false, changed), errType)
			wantOnly(t, checkGolden(dir, true, changed), errType)
			wantNone(t, checkGolden(dir, false, account[opened]()))
		})
	}
}

// A type that writes its JSON itself has the same shape, however it writes it.
func TestGoldenNoticesAnotherWriting(t *testing.T) {
	t.Parallel()
	dir, types := t.TempDir(), []events.Type{{Name: "account-paid", Go: reflect.TypeFor[paid]()}}
	wantOnly(t, checkGolden(dir, true, types), errData)
	if err := os.WriteFile(filepath.Join(dir, "account-paid.v1.json"), []byte(`{"data":{"amount":"5"},"shape":"{amount:eventstest.amount}"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, checkGolden(dir, false, types), errData)
}

func TestGoldenOfARaisedSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wantNone(t, checkGolden(dir, true, account[opened]()))
	raised := account[openedOther](rename("owner", "holder"))
	if errs := checkGolden(dir, false, raised); len(errs) != 2 {
		t.Errorf("neither the new file nor the upcast data are there, got %v", errs)
	}
	wantNone(t, checkGolden(dir, true, raised))
	wantNone(t, checkGolden(dir, false, raised))
	wantOnly(t, checkGolden(dir, false, account[openedOther](rename("cents", "holder"))), errUpcast)

	again := account[struct {
		Holder string `json:"holder"`
	}](rename("owner", "holder"), rename("cents", "amount"))
	wantNone(t, checkGolden(dir, true, again))
	if err := os.Remove(filepath.Join(dir, "account-opened.v1.json")); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, checkGolden(dir, true, again), errLost)
}

func TestGoldenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wantNone(t, checkGolden(dir, true, account[opened]()))
	errs := checkGolden(dir, false, account[openedWider]())
	if want := "add an upcaster to its declaration (events.Upcast(func(old openedWiderV1) openedWider {…})), which raises its schema version to 2, and run go test -update"; len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
		t.Errorf("got %v, want %q", errs, want)
	}
}

func TestGoldenWantsFilesAndEventsToMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wantNone(t, checkGolden(dir, true, account[opened]()))
	for name, types := range map[string][]events.Type{
		"no Go type":       {{Name: "account-opened"}},
		"a name twice":     append(account[opened](), account[opened]()...),
		"not a JSON value": append(account[opened](), events.Type{Name: "account-broken", Go: reflect.TypeFor[func()]()}),
	} {
		if errs := checkGolden(dir, true, types); len(errs) == 0 {
			t.Errorf("%s passes", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "account-closed.v1.json"), []byte(`{"data":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if errs := checkGolden(dir, false, account[opened]()); len(errs) != 1 || !strings.Contains(errs[0].Error(), "declare it again") {
		t.Errorf("a file of no event: %v", errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "account-opened.v1.json"), []byte(`{"data":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if errs := checkGolden(dir, false, account[opened]()); len(errs) != 2 {
		t.Errorf("a damaged file: %v", errs)
	}
}

type example struct {
	Text     string            `json:"text"`
	Number   int32             `json:"number"`
	Unsigned uint64            `json:"unsigned"`
	Ratio    float64           `json:"ratio"`
	Flag     bool              `json:"flag"`
	Any      any               `json:"any"`
	At       *time.Time        `json:"at,omitzero"`
	List     []example         `json:"list"`
	Pair     [2]int            `json:"pair"`
	Map      map[string]string `json:"map"`
	hidden   int
}

func TestExampleSetsAllFields(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(exampleOf(reflect.TypeFor[example]()).Interface(), json.Deterministic(true))
	const inner = `{"text":"","number":0,"unsigned":0,"ratio":0,"flag":false,"any":null,"list":[],"pair":[0,0],"map":{}}`
	const want = `{"text":"text","number":1,"unsigned":1,"ratio":1.5,"flag":true,"any":"text","at":"2026-01-31T12:00:00Z","list":[` + inner + `],"pair":[1,1],"map":{"text":"text"}}`
	if err != nil || string(b) != want || (example{}).hidden != 0 {
		t.Errorf("got  %s, %v\nwant %s", b, err, want)
	}
}
