package personal_test

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daybook/personal"
	"daybook/personal/personaltest"
)

type address struct {
	Street string `json:"street"`
	No     int    `json:"no"`
}

type registered struct {
	Name    personal.Value[string]            `json:"name"`
	Born    *personal.Value[time.Time]        `json:"born,omitzero"`
	Home    personal.Value[address]           `json:"home"`
	Phones  []personal.Value[string]          `json:"phones,omitempty"`
	Aliases map[string]personal.Value[string] `json:"aliases,omitempty"`
	Note    string                            `json:"note"`
}

func ann() registered {
	born := personal.Of(time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC))
	return registered{
		Name: personal.Of("Ann \"Q\" Ü"), Born: &born, Home: personal.Of(address{"Elm", 7}),
		Phones:  []personal.Value[string]{personal.Of("111"), personal.About("user/8", "222")},
		Aliases: map[string]personal.Value[string]{"a/b~": personal.Of("Annie")}, Note: "a note",
	}
}

var stream = personal.Place{Subject: "user/7", Bound: []string{"user/7", "registered"}}

// seal marshals and seals v at a place.
func seal(t *testing.T, s *personal.Sealer, p personal.Place, v any) jsontext.Value {
	t.Helper()
	data, err := personal.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context(), []personal.Doc{{Place: p, Data: &data}}); err != nil {
		t.Fatal(err)
	}
	return data
}

func open[T any](t *testing.T, s *personal.Sealer, p personal.Place, data jsontext.Value) (v T, err error) {
	t.Helper()
	data = data.Clone()
	if err := s.Open(t.Context(), []personal.Doc{{Place: p, Data: &data}}); err != nil {
		t.Fatal(err)
	}
	return v, json.Unmarshal(data, &v)
}

func plain(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSealedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	data := seal(t, s, stream, ann())
	if !data.IsValid() {
		t.Fatalf("not JSON: %s", data)
	}
	for _, word := range []string{"Ann", "Elm", "111", "222", "1990", `"no"`, "Annie"} {
		if bytes.Contains(data, []byte(word)) {
			t.Errorf("%q is readable in %s", word, data)
		}
	}
	if !bytes.Contains(data, []byte(`"note":"a note"`)) || !bytes.Contains(data, []byte(`.user/8"`)) || bytes.Contains(data, []byte("user/7")) {
		t.Errorf("sealed: %s", data)
	}
	got, err := open[registered](t, s, stream, data)
	if err != nil || plain(t, got) != plain(t, ann()) {
		t.Errorf("opened %s, %v", plain(t, got), err)
	}
	again := seal(t, s, stream, got) // with the keys that the values came with
	if got, err := open[registered](t, s, stream, again); err != nil || plain(t, got) != plain(t, ann()) {
		t.Errorf("opened again %s, %v", plain(t, got), err)
	}
	if a := keys.Calls(); a != (personaltest.Calls{Loads: 1, Creates: 2, Generates: 2}) {
		t.Errorf("asked %+v", a)
	}
}

func TestErasedByItsKey(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	ring := personal.NewRing(&keys, &keys, nil)
	s := personal.NewSealer(ring)
	data := seal(t, s, stream, ann())
	warm, err := open[registered](t, s, stream, data)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := ring.Delete(t.Context(), "user/7"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := ring.Delete(t.Context(), "user/7"); ok || err != nil {
		t.Fatal(ok, err)
	}
	got, err := open[registered](t, s, stream, data)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Name.Erased() || got.Name.Reveal() != "" || !got.Home.Erased() || !got.Born.Erased() || got.Phones[1].Reveal() != "222" {
		t.Errorf("after erasure: %s", plain(t, got))
	}
	// What was erased stays so, in new data and for who still has the values, and
	// makes no new key.
	for _, v := range []registered{got, warm} {
		again, err := open[registered](t, s, stream, seal(t, s, stream, v))
		if err != nil || plain(t, again) != plain(t, got) {
			t.Errorf("sealed again: %s, %v", plain(t, again), err)
		}
	}
	if got := keys.Subjects(); !reflect.DeepEqual(got, []string{"user/8"}) {
		t.Errorf("keys of %v", got)
	}
	// The person comes back: a new key, and the old values stay erased.
	fresh := seal(t, s, stream, registered{Name: personal.Of("Ann again")})
	if v, err := open[registered](t, s, stream, fresh); err != nil || v.Name.Reveal() != "Ann again" {
		t.Errorf("after erasure: %s, %v", plain(t, v), err)
	}
	if v, err := open[registered](t, s, stream, data); err != nil || !v.Name.Erased() {
		t.Errorf("the new key opens old values: %s, %v", plain(t, v), err)
	}
}

func TestBoundToItsPlace(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	type two struct {
		A personal.Value[string] `json:"a"`
		B personal.Value[string] `json:"b"`
	}
	data := seal(t, s, stream, two{personal.Of("one"), personal.Of("two")})
	var raw map[string]string
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	swapped := jsontext.Value(fmt.Sprintf(`{"a":%q,"b":%q}`, raw["b"], raw["a"]))
	if _, err := open[two](t, s, stream, swapped); err == nil || !strings.Contains(err.Error(), "altered, or moved") {
		t.Errorf("swapped: %v", err)
	}
	for _, p := range []personal.Place{
		{Subject: "user/7", Bound: []string{"user/7", "renamed"}},
		{Subject: "user/7", Bound: []string{"user/8", "registered"}},
		{Subject: "user/7", Bound: []string{"user/7 registered"}},
	} {
		if _, err := open[two](t, s, p, data); err == nil {
			t.Errorf("opened at %v", p)
		}
	}
	altered := []byte(raw["a"])
	at := &altered[len(altered)-3] // base64url before and after
	if *at++; *at != 'B' {
		*at = 'A'
	}
	if _, err := open[two](t, s, stream, jsontext.Value(fmt.Sprintf(`{"a":%q,"b":""}`, altered))); err == nil {
		t.Error("opened an altered text")
	}
	// In a field that is not marked such a text is a text.
	type note struct {
		A string `json:"a"`
	}
	if v, err := open[note](t, s, personal.Place{Subject: "user/9"}, jsontext.Value(`{"a":"~p1.x"}`)); err != nil || v.A != "~p1.x" {
		t.Errorf("%q, %v", v.A, err)
	}
	for _, text := range []string{`{"a":"~p1.x"}`, `{"a":"~p1.a text of a client"}`, `{"a":"~p2"}`} {
		if got := personal.Plain(jsontext.Value(text)); string(got) != text {
			t.Errorf("%s is shown as %s", text, got)
		}
	}
	if v, err := open[note](t, s, stream, jsontext.Value(fmt.Sprintf(`{"a":%q}`, raw["b"]))); err != nil || v.A == "two" {
		t.Errorf("%q, %v", v.A, err)
	}
}

func TestKeysAreKeptForKeyTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys personaltest.Keys
		mine, other := personal.NewSealer(personal.NewRing(&keys, &keys, nil)), personal.NewRing(&keys, &keys, nil)
		data := seal(t, mine, stream, registered{Name: personal.Of("Ann")})
		keys.Calls()
		for range 10 {
			if v, err := open[registered](t, mine, stream, data); err != nil || v.Name.Erased() {
				t.Fatal(err)
			}
		}
		if a := keys.Calls(); a != (personaltest.Calls{}) {
			t.Errorf("warm: %+v", a)
		}
		if _, err := other.Delete(t.Context(), "user/7"); err != nil {
			t.Fatal(err)
		}
		keys.Calls()
		time.Sleep(personal.KeyTTL - time.Nanosecond)
		if v, err := open[registered](t, mine, stream, data); err != nil || v.Name.Erased() {
			t.Fatalf("before KeyTTL: %v", err)
		}
		time.Sleep(time.Nanosecond)
		for range 3 {
			if v, err := open[registered](t, mine, stream, data); err != nil || !v.Name.Erased() {
				t.Fatalf("after KeyTTL it is still there: %v", err)
			}
		}
		if a := keys.Calls(); a.Loads != 1 {
			t.Errorf("a deleted key is asked for again: %+v", a)
		}
	})
}

// A ring that drops keys for want of room takes none of them for deleted.
func TestMoreSubjectsThanKeysInMemory(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	const subjects = 10_001
	all := registered{Phones: make([]personal.Value[string], subjects)}
	for i := range all.Phones {
		all.Phones[i] = personal.About(fmt.Sprintf("user/%d", i), "111")
	}
	writer := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	data := seal(t, writer, stream, all)
	if a := keys.Calls(); a.Loads != 101 || a.Creates != subjects {
		t.Errorf("sealing asked %+v", a)
	}
	// Of a full ring one key makes room for another.
	if _, err := open[registered](t, writer, stream, data); err != nil {
		t.Fatal(err)
	}
	if a := keys.Calls(); a != (personaltest.Calls{Loads: 1, Unwraps: 1}) {
		t.Errorf("opening asked %+v", a)
	}
	reader := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	for range 2 {
		got, err := open[registered](t, reader, stream, data)
		if err != nil {
			t.Fatal(err)
		}
		for i, phone := range got.Phones {
			if phone.Reveal() != "111" {
				t.Fatalf("the value of user/%d is erased: %v", i, phone.Erased())
			}
		}
	}
}

// A key that took long to unwrap is kept no longer for that.
func TestKeysAreKeptFromWhenTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys personaltest.Keys
		data := seal(t, personal.NewSealer(personal.NewRing(&keys, &keys, nil)), stream, registered{Name: personal.Of("Ann")})
		reader := personal.NewSealer(personal.NewRing(&keys, slowUnwrap{&keys}, nil))
		if v, err := open[registered](t, reader, stream, data); err != nil || v.Name.Erased() {
			t.Fatal(err)
		}
		if _, err := personal.NewRing(&keys, &keys, nil).Delete(t.Context(), "user/7"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(personal.KeyTTL - 10*time.Second)
		if v, err := open[registered](t, reader, stream, data); err != nil || !v.Name.Erased() {
			t.Errorf("KeyTTL after the key was read: %q, %v", v.Name.Reveal(), err)
		}
	})
}

// slowUnwrap takes ten seconds to unwrap a key.
type slowUnwrap struct{ *personaltest.Keys }

func (s slowUnwrap) Unwrap(ctx context.Context, subject string, wrapped []byte) ([]byte, error) {
	time.Sleep(10 * time.Second) // of fake time
	return s.Keys.Unwrap(ctx, subject, wrapped)
}

// The key that several make at once is one.
func TestOneKeyOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys personaltest.Keys
		sealed := make(chan jsontext.Value, 8)
		for range cap(sealed) {
			s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
			go func() { sealed <- seal(t, s, stream, registered{Name: personal.Of("Ann")}) }()
		}
		reader := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
		for range cap(sealed) {
			if v, err := open[registered](t, reader, stream, <-sealed); err != nil || v.Name.Reveal() != "Ann" {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestNothingMarkedNothingDone(t *testing.T) { // counts allocations, so not parallel
	type plainEvent struct {
		Text string `json:"text"`
	}
	data, err := personal.Marshal(plainEvent{"a ~p1. {\"~"})
	if err != nil || string(data) != `{"text":"a ~p1. {\"~"}` {
		t.Fatalf("%s, %v", data, err)
	}
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	docs := []personal.Doc{{Place: stream, Data: &data}}
	if n := testing.AllocsPerRun(10, func() {
		if s.Seal(context.Background(), docs) != nil || s.Open(context.Background(), docs) != nil {
			t.Error("failed")
		}
		_ = personal.Plain(data)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if a := keys.Calls(); a != (personaltest.Calls{}) {
		t.Errorf("asked %+v", a)
	}
	if personal.Marks(reflect.TypeFor[plainEvent]()) || !personal.Marks(reflect.TypeFor[registered]()) {
		t.Error("Marks")
	}
}

func TestHiddenInText(t *testing.T) {
	t.Parallel()
	v := ann()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "name", v.Name)
	for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %q %x", v, v, v.Name, v.Name, v.Name), log.String()} {
		if strings.Contains(text, "Ann") || strings.Contains(text, "416e6e") || strings.Contains(text, "Elm") {
			t.Errorf("readable: %s", text)
		}
	}
}

type placed struct {
	Customer string                 `json:"customer"`
	To       personal.Value[string] `json:"to"`
	Friend   personal.Value[string] `json:"friend"`
}

func (p placed) PersonalSubject() string { return "user/" + p.Customer }

func TestSubjectOfAnother(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	order := personal.Place{Subject: "order/9", Bound: []string{"order/9", "placed"}}
	data := seal(t, s, order, placed{"7", personal.Of("Elm 7"), personal.About("user/8", "Bob")})
	if got := keys.Subjects(); !reflect.DeepEqual(got, []string{"user/7", "user/8"}) {
		t.Errorf("keys of %v", got)
	}
	if v, err := open[placed](t, s, order, data); err != nil || v.To.Reveal() != "Elm 7" || v.Friend.Reveal() != "Bob" {
		t.Errorf("%s, %v", plain(t, v), err)
	}
}

func TestNobodysValueIsRefused(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	data, err := personal.Marshal(registered{Name: personal.Of("Ann")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context(), []personal.Doc{{Data: &data}}); err == nil || !strings.Contains(err.Error(), "personal.About") {
		t.Errorf("%v", err)
	}
}

func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	data := seal(t, s, stream, registered{Name: personal.Of("Ann")})
	var v registered
	if err := json.Unmarshal(data, &v); err != nil || !v.Name.Erased() {
		t.Fatalf("%v", err)
	}
	if again, err := personal.Marshal(v); err != nil || string(again) != string(data) {
		t.Errorf("%s, %v", again, err)
	}
	if got := personal.Plain(data); string(got) != string(data) {
		t.Errorf("%s", got)
	}
}

// A text of a field that is not marked comes back as it was, whatever it looks like; what
// does not look sealed is stored as it is.
func TestTextsThatLookSealed(t *testing.T) {
	t.Parallel()
	var keys personaltest.Keys
	s := personal.NewSealer(personal.NewRing(&keys, &keys, nil))
	var sealed map[string]string
	if err := json.Unmarshal(seal(t, s, stream, map[string]personal.Value[string]{"a": personal.Of("Ann")}), &sealed); err != nil {
		t.Fatal(err)
	}
	for text, stored := range map[string]string{
		sealed["a"]: "~p=" + sealed["a"], "~p1.aaaaaaaa.AAAA": "~p=~p1.aaaaaaaa.AAAA", "~p1.aaaaaaaa.": "~p=~p1.aaaaaaaa.", "~p0": "~p=~p0",
		"~p=": "~p=~p=", "~p=~p=~p0": "~p=~p=~p=~p0", "~p1.x": "~p1.x", "~p!": "~p!", "~p": "~p", "a ~p0": "a ~p0", "": "",
	} {
		in := map[string]any{"text": text, "in": []any{text, map[string]any{"name": personal.Of(text)}}}
		data, err := personal.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		want := personal.Plain(data)
		docs := []personal.Doc{{Place: stream, Data: &data}}
		if err := s.Seal(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal(data, &got); err != nil || got.Text != stored {
			t.Errorf("%q is stored as %q, %v", text, got.Text, err)
		}
		if err := s.Open(t.Context(), docs); err != nil || string(personal.Plain(data)) != string(want) {
			t.Errorf("%q: %s, want %s, %v", text, personal.Plain(data), want, err)
		}
	}
}

func BenchmarkMarshalUnmarked(b *testing.B) {
	type line struct {
		Product  string `json:"product"`
		Quantity int    `json:"quantity"`
	}
	v := struct {
		ID    string    `json:"id"`
		Lines []line    `json:"lines"`
		At    time.Time `json:"at"`
	}{"7", []line{{"a", 1}, {"b", 2}}, time.Unix(0, 0)}
	b.Run("json", func(b *testing.B) {
		for b.Loop() {
			_, _ = json.Marshal(v, json.Deterministic(true))
		}
	})
	b.Run("personal", func(b *testing.B) {
		for b.Loop() {
			_, _ = personal.Marshal(v)
		}
	})
}
