package schema_test

import (
	"encoding/json/jsontext"
	"testing"

	"daybook/events/schema"
)

// Elements are told apart by their value, not by how it is written.
func TestUniqueNumbers(t *testing.T) {
	t.Parallel()
	type payload struct {
		Marks []float64 `json:"marks" rule:"unique"`
	}
	s, err := schema.Of[payload]()
	if err != nil {
		t.Fatal(err)
	}
	for text, unique := range map[string]bool{
		`[120,1e22]`: true, `[1,10,0.1,-1]`: true, `[120,1.2e2]`: false, `[0,-0.0]`: false,
	} {
		if got := s.Validate(jsontext.Value(`{"marks":`+text+`}`), ""); (got == nil) != unique {
			t.Errorf("%s: %v", text, got)
		}
	}
}
