package eventstest

import (
	"encoding/json/v2"
	"reflect"
	"slices"
	"time"

	"daybook/personal"
)

// exampleOf returns a value of a type with something in each field, always the
// same. A type that writes its JSON itself stays zero, but for time.Time, and so
// does what is nested in itself.
func exampleOf(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	fillExample(v, nil)
	return v
}

func fillExample(v reflect.Value, inside []reflect.Type) {
	t := v.Type()
	if t == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)))
		return
	}
	if elem := personal.Elem(t); elem != nil {
		if example, err := json.Marshal(exampleOf(elem).Interface()); err == nil {
			_ = json.Unmarshal(example, v.Addr().Interface()) // it was just written
		}
		return
	}
	if writesJSON(t) || slices.Contains(inside, t) {
		return
	}
	inside = append(slices.Clip(inside), t)
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("text")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			v.Set(reflect.ValueOf("text"))
		}
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		fillExample(v.Elem(), inside)
	case reflect.Array:
		for i := range v.Len() {
			fillExample(v.Index(i), inside)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 1, 1))
		fillExample(v.Index(0), inside)
	case reflect.Map:
		key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		fillExample(key, inside)
		fillExample(elem, inside)
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(key, elem)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				fillExample(f, inside)
			}
		}
	}
}
