package schema_test

import (
	"encoding/json/jsontext"
	"testing"

	"daybook/events/schema"
)

func BenchmarkOf(b *testing.B) {
	for b.Loop() {
		if _, err := schema.Of[order](); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	s, err := schema.Of[order]()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := schema.Decode[order](s, jsontext.Value(`{`+valid+`}`), "/payload"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	s, err := schema.Of[order]()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s.JSON() == nil {
			b.Fatal("no schema")
		}
	}
}
