package eventstest

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"daybook/events"
)

// Sample is a value of a declared event, as a command emits it. Use one whose
// fields are all set.
type Sample struct {
	Event string // stored name
	Value any    // the Go value that is encoded
}

// golden is the content of a golden file: an event as it was written at one
// schema version.
type golden struct {
	// Data is the event's data as written. It never changes.
	Data jsontext.Value `json:"data"`
	// Shape is the Go type that wrote it, see shapeOf. It is there while the
	// schema version is the newest.
	Shape string `json:"shape,omitzero"`
	// Newest is what Data must become at the newest schema version; it is there
	// when that is another.
	Newest *upcast `json:"newest,omitzero"`
}

type upcast struct {
	Schema int            `json:"schema"`
	Data   jsontext.Value `json:"data"`
}

// Golden keeps the events of a codec readable for ever. dir holds a file
// <event>.v<N>.json for each declared event and schema version N: the data as
// they were written at that version, and for older versions what they must
// become at the newest. It fails when
//
//   - a file is missing,
//   - a sample is no longer encoded as its newest file says,
//   - the Go type of a sample has changed under the same schema version,
//   - old data are no longer upcast to what their file says,
//   - an event has no sample, or a file no declared event.
//
// With go test -update, files of newest versions that are missing are written,
// and so is what older data become. Data that were written once are never
// overwritten: raise the schema version, or delete the file of an event that
// was never deployed. The test package declares the flag:
//
//	var _ = flag.Bool("update", false, "write missing golden files")
func Golden(t *testing.T, dir string, codec *events.Codec, samples ...Sample) {
	t.Helper()
	for _, err := range checkGolden(dir, updating(), codec, samples) {
		t.Error(err)
	}
}

// updating reports whether the tests were started with -update.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// checkGolden does what Golden says and returns what is wrong.
func checkGolden(dir string, update bool, codec *events.Codec, samples []Sample) []error {
	var errs []error
	values := map[string]any{}
	for _, s := range samples {
		if _, ok := values[s.Event]; ok {
			errs = append(errs, fmt.Errorf("event %s has two samples", s.Event))
		}
		values[s.Event] = s.Value
	}
	known := map[string]bool{}
	for _, t := range codec.Types() {
		v, ok := values[t.Name]
		if !ok {
			errs = append(errs, fmt.Errorf("event %s has no sample", t.Name))
			continue
		}
		delete(values, t.Name)
		for schema := 1; schema <= t.Schema(); schema++ {
			g := goldenFile{path: filepath.Join(dir, fmt.Sprintf("%s.v%d.json", t.Name, schema)), update: update}
			known[g.path] = true
			var err error
			if schema == t.Schema() {
				err = g.checkNewest(codec, t.Name, v)
			} else {
				err = g.checkOlder(codec, events.Event{Name: t.Name, Schema: schema})
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", g.path, err))
			}
		}
	}
	for name := range values {
		errs = append(errs, fmt.Errorf("the sample of %s has no declared event", name))
	}
	return append(errs, orphans(dir, known)...)
}

// orphans reports files that belong to no declared event: stored events of that
// name could no longer be read.
func orphans(dir string, known map[string]bool) []error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return []error{err}
	}
	var errs []error
	for _, f := range files {
		if !known[f] {
			errs = append(errs, fmt.Errorf("%s: no declared event has this name and schema version", f))
		}
	}
	return errs
}

// goldenFile is one golden file.
type goldenFile struct {
	path   string
	update bool
}

var (
	errMissing = errors.New("the golden file is missing; go test -update writes it")
	errLost    = errors.New("the golden file of an older schema version is missing; take it back from version control")
	errData    = errors.New("the event is encoded in another way; raise its schema version")
	errType    = errors.New("the Go type has changed; raise the event's schema version")
	errUpcast  = errors.New("old data become something else; go test -update writes what they become now")
)

// checkNewest compares the file with what v is encoded as now.
func (g goldenFile) checkNewest(codec *events.Codec, name string, v any) error {
	e, err := codec.Encode(name, v)
	if err != nil {
		return err
	}
	shape := shapeOf(reflect.TypeOf(v))
	have, err := g.read()
	switch {
	case errors.Is(err, fs.ErrNotExist) && g.update:
		return g.write(golden{Data: e.Data, Shape: shape})
	case errors.Is(err, fs.ErrNotExist):
		return errMissing
	case err != nil:
		return err
	case !equalJSON(have.Data, e.Data):
		return fmt.Errorf("%w\n  stored %s\n  now    %s", errData, have.Data, e.Data)
	case have.Shape != shape:
		return fmt.Errorf("%w\n  stored %s\n  now    %s", errType, have.Shape, shape)
	}
	return nil
}

// checkOlder compares the file with what its data are upcast to now.
func (g goldenFile) checkOlder(codec *events.Codec, e events.Event) error {
	have, err := g.read()
	if errors.Is(err, fs.ErrNotExist) {
		return errLost
	}
	if err != nil {
		return err
	}
	e.Data = bytes.Clone(have.Data)
	now, err := codec.Upgrade(e)
	if err != nil {
		return err
	}
	if n := have.Newest; n != nil && n.Schema == now.Schema && equalJSON(n.Data, now.Data) {
		return nil
	}
	if g.update {
		return g.write(golden{Data: have.Data, Newest: &upcast{Schema: now.Schema, Data: now.Data}})
	}
	if have.Newest == nil {
		return fmt.Errorf("%w\n  stored nothing\n  now    %s", errUpcast, now.Data)
	}
	return fmt.Errorf("%w\n  stored %s (version %d)\n  now    %s (version %d)", errUpcast, have.Newest.Data, have.Newest.Schema, now.Data, now.Schema)
}

func (g goldenFile) read() (golden, error) {
	b, err := os.ReadFile(g.path)
	if err != nil {
		return golden{}, err
	}
	var have golden
	err = json.Unmarshal(b, &have, json.RejectUnknownMembers(true))
	return have, err
}

func (g goldenFile) write(content golden) error {
	b, err := json.Marshal(content, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(g.path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(g.path, append(b, '\n'), 0o644)
}

// equalJSON compares values without regard to space and the order of members;
// numbers must be written alike, for 1.0 may be another thing than 1.
func equalJSON(a, b jsontext.Value) bool {
	a, b = bytes.Clone(a), bytes.Clone(b)
	form := []jsontext.Options{jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)}
	return a.Canonicalize(form...) == nil && b.Canonicalize(form...) == nil && bytes.Equal(a, b)
}

// shapeOf writes the structure of a type as far as its JSON depends on it: the
// names, types and options of the fields, all the way down. Types that write
// their JSON themselves are written by their name.
func shapeOf(t reflect.Type) string {
	var b strings.Builder
	writeShape(&b, t, nil)
	return b.String()
}

// methods with which a type takes its JSON into its own hands.
var marshalMethods = []string{"MarshalJSONTo", "MarshalJSON", "AppendText", "MarshalText"}

func writeShape(b *strings.Builder, t reflect.Type, inside []reflect.Type) {
	if t == nil {
		b.WriteString("null")
		return
	}
	for _, name := range marshalMethods {
		if _, ok := reflect.PointerTo(t).MethodByName(name); ok && t.Name() != "" {
			b.WriteString(t.String())
			return
		}
	}
	for _, outer := range inside {
		if outer == t {
			b.WriteString("recursive " + t.Name())
			return
		}
	}
	inside = append(inside, t)
	switch t.Kind() {
	case reflect.Pointer:
		b.WriteString("*")
		writeShape(b, t.Elem(), inside)
	case reflect.Slice, reflect.Array:
		b.WriteString("[]")
		writeShape(b, t.Elem(), inside)
	case reflect.Map:
		b.WriteString("map[")
		writeShape(b, t.Key(), inside)
		b.WriteString("]")
		writeShape(b, t.Elem(), inside)
	case reflect.Struct:
		writeStruct(b, t, inside)
	default:
		b.WriteString(t.Kind().String())
	}
}

func writeStruct(b *strings.Builder, t reflect.Type, inside []reflect.Type) {
	b.WriteString("{")
	first := true
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" || (!f.IsExported() && !f.Anonymous) {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		if !first {
			b.WriteString(" ")
		}
		first = false
		b.WriteString(name + ":")
		writeShape(b, f.Type, inside)
		if options != "" {
			b.WriteString("," + options)
		}
	}
	b.WriteString("}")
}
