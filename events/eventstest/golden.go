package eventstest

import (
	"bytes"
	"cmp"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"daybook/events"
)

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

// Golden keeps declared events readable for ever. dir holds a file
// <event>.v<N>.json for each event and schema version N: data as they were
// written at that version, and for older versions what they must become at the
// newest. It fails when
//
//   - a file is missing,
//   - what the newest file holds is read by the event's Go type and written in
//     another way,
//   - that type has changed under the same schema version,
//   - old data are no longer upcast to what their file says,
//   - a file belongs to no declared event.
//
// With go test -update, files of newest versions that are missing are written,
// with a value in each field, and so is what older data become. Data that were
// written once are never overwritten: raise the schema version, or delete the file
// of an event that was never stored. The test package declares the flag:
//
//	var _ = flag.Bool("update", false, "write missing golden files")
func Golden(t testing.TB, dir string, types ...events.Type) {
	t.Helper()
	for _, err := range checkGolden(dir, updating(), types) {
		t.Error(err)
	}
}

// updating reports whether the tests were started with -update.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// checkGolden does what Golden says and returns what is wrong.
func checkGolden(dir string, update bool, types []events.Type) []error {
	codec, err := events.NewCodec(types...)
	if err != nil {
		return []error{err}
	}
	var errs []error
	known := map[string]bool{}
	for _, t := range codec.Types() {
		if t.Go == nil {
			errs = append(errs, fmt.Errorf("event %s has no Go type", t.Name))
			continue
		}
		for schema := 1; schema <= t.Schema(); schema++ {
			g := goldenFile{path: filepath.Join(dir, fmt.Sprintf("%s.v%d.json", t.Name, schema)), update: update}
			known[g.path] = true
			var err error
			if schema == t.Schema() {
				err = g.checkNewest(t)
			} else {
				err = g.checkOlder(codec, events.Event{Name: t.Name, Schema: schema})
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", g.path, err))
			}
		}
	}
	return append(errs, orphans(dir, known)...)
}

// orphans reports files that belong to no declared event: stored events of that
// name can't be read any more.
func orphans(dir string, known map[string]bool) []error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return []error{err}
	}
	var errs []error
	for _, f := range files {
		if !known[f] {
			errs = append(errs, fmt.Errorf("%s: no declared event has this name and schema version, so stored ones can't be read; declare it again, or delete the file if it was never stored", f))
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
	errData    = errors.New("the event is written in another way")
	errType    = errors.New("the Go type has changed")
	errUpcast  = errors.New("old data become something else; go test -update writes what they become now")
)

// nextSteps says what to do about an event that is no longer what its newest file
// says.
func nextSteps(t events.Type) string {
	return fmt.Sprintf("add an upcaster to its declaration (events.Upcast(func(old %[1]sV%[2]d) %[1]s {…})), which raises its schema version to %[3]d, and run go test -update; "+
		"or delete the file, if the event was never stored", t.Go.Name(), t.Schema(), t.Schema()+1)
}

// checkNewest compares the file with what the event's Go type makes of it now.
func (g goldenFile) checkNewest(t events.Type) error {
	shape := shapeOf(t.Go)
	have, err := g.read()
	switch {
	case errors.Is(err, fs.ErrNotExist) && g.update:
		have, err = g.begin(t.Go, shape)
	case errors.Is(err, fs.ErrNotExist):
		err = errMissing
	}
	if err != nil {
		return err
	}
	if have.Shape != shape {
		return fmt.Errorf("%w\n  stored %s\n  now    %s\n%s", errType, have.Shape, shape, nextSteps(t))
	}
	v := reflect.New(t.Go)
	if err := json.Unmarshal(have.Data, v.Interface()); err != nil {
		return fmt.Errorf("%w: %w\n%s", errData, err, nextSteps(t))
	}
	now, err := json.Marshal(v.Elem().Interface(), json.Deterministic(true))
	if err != nil {
		return err
	}
	if !equalJSON(have.Data, now) {
		return fmt.Errorf("%w\n  stored %s\n  now    %s\n%s", errData, have.Data, now, nextSteps(t))
	}
	return nil
}

// begin writes the file of an event that has none.
func (g goldenFile) begin(t reflect.Type, shape string) (golden, error) {
	data, err := json.Marshal(exampleOf(t).Interface(), json.Deterministic(true))
	if err != nil {
		return golden{}, err
	}
	have := golden{Data: data, Shape: shape}
	return have, g.write(have)
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

// writesJSON reports whether a named type has one of them.
func writesJSON(t reflect.Type) bool {
	return t.Name() != "" && slices.ContainsFunc(marshalMethods, func(name string) bool {
		_, ok := reflect.PointerTo(t).MethodByName(name)
		return ok
	})
}

func writeShape(b *strings.Builder, t reflect.Type, inside []reflect.Type) {
	if t == nil {
		b.WriteString("null")
		return
	}
	switch {
	case writesJSON(t):
		b.WriteString(t.String())
		return
	case slices.Contains(inside, t):
		b.WriteString("recursive " + t.Name())
		return
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
		name = cmp.Or(name, f.Name)
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
