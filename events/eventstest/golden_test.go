package eventstest

import (
	"encoding/json/jsontext"
	"errors"
	"flag"
	"os"
	"path/filepath"
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

var (
	openedSample = Sample{"account-opened", opened{"Ann", 5, instant}}
	otherSample  = Sample{"account-opened", openedOther{"Ann", 5, instant}}
)

// rename is an upcaster that puts one member's name for another's.
func rename(from, to string) events.Upcaster {
	return func(old jsontext.Value) (jsontext.Value, error) {
		return jsontext.Value(strings.Replace(string(old), `"`+from+`"`, `"`+to+`"`, 1)), nil
	}
}

func codecOf(t *testing.T, upcasters ...events.Upcaster) *events.Codec {
	t.Helper()
	c, err := events.NewCodec(events.Type{Name: "account-opened", Upcasters: upcasters})
	if err != nil {
		t.Fatal(err)
	}
	return c
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
	dir, codec := filepath.Join(t.TempDir(), "golden"), codecOf(t)
	wantOnly(t, checkGolden(dir, false, codec, []Sample{openedSample}), errMissing)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a file was written without -update")
	}
	wantNone(t, checkGolden(dir, true, codec, []Sample{openedSample}))
	wantNone(t, checkGolden(dir, false, codec, []Sample{openedSample}))
	Golden(t, dir, codec, openedSample)
}

func TestGoldenNoticesAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sample Sample
		want   error
	}{
		"another member":   {otherSample, errData},
		"another value":    {Sample{"account-opened", opened{"Bob", 5, instant}}, errData},
		"a field more":     {Sample{"account-opened", openedWider{Owner: "Ann", Cents: 5, Since: instant}}, errType},
		"a type that fits": {Sample{"account-opened", map[string]any{"owner": "Ann", "cents": 5, "since": instant}}, errType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, codec := t.TempDir(), codecOf(t)
			wantNone(t, checkGolden(dir, true, codec, []Sample{openedSample}))
			wantOnly(t, checkGolden(dir, false, codec, []Sample{c.sample}), c.want)
			wantOnly(t, checkGolden(dir, true, codec, []Sample{c.sample}), c.want)
			wantNone(t, checkGolden(dir, false, codec, []Sample{openedSample}))
		})
	}
}

func TestGoldenOfARaisedSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wantNone(t, checkGolden(dir, true, codecOf(t), []Sample{openedSample}))
	raised := codecOf(t, rename("owner", "holder"))
	if errs := checkGolden(dir, false, raised, []Sample{otherSample}); len(errs) != 2 {
		t.Errorf("neither the new file nor the upcast data are there, got %v", errs)
	}
	wantNone(t, checkGolden(dir, true, raised, []Sample{otherSample}))
	wantNone(t, checkGolden(dir, false, raised, []Sample{otherSample}))
	wantOnly(t, checkGolden(dir, false, codecOf(t, rename("cents", "holder")), []Sample{otherSample}), errUpcast)

	again := codecOf(t, rename("owner", "holder"), rename("cents", "amount"))
	other := Sample{"account-opened", map[string]any{"holder": "Ann"}}
	wantNone(t, checkGolden(dir, true, again, []Sample{other}))
	if err := os.Remove(filepath.Join(dir, "account-opened.v1.json")); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, checkGolden(dir, true, again, []Sample{other}), errLost)
}

func TestGoldenWantsSamplesAndEventsToMatch(t *testing.T) {
	t.Parallel()
	dir, codec := t.TempDir(), codecOf(t)
	wantNone(t, checkGolden(dir, true, codec, []Sample{openedSample}))
	for name, errs := range map[string][]error{
		"no sample":        checkGolden(dir, false, codec, nil),
		"two samples":      checkGolden(dir, false, codec, []Sample{openedSample, openedSample}),
		"no such event":    checkGolden(dir, false, codec, []Sample{openedSample, {"account-closed", 1}}),
		"not a JSON value": checkGolden(dir, false, codec, []Sample{{"account-opened", func() {}}}),
	} {
		if len(errs) == 0 {
			t.Errorf("%s passes", name)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "account-closed.v1.json"), []byte(`{"data":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if errs := checkGolden(dir, false, codec, []Sample{openedSample}); len(errs) != 1 {
		t.Errorf("a file of no event: %v", errs)
	}
	if err := os.WriteFile(filepath.Join(dir, "account-opened.v1.json"), []byte(`{"data":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if errs := checkGolden(dir, false, codec, []Sample{openedSample}); len(errs) != 2 {
		t.Errorf("a damaged file: %v", errs)
	}
}
