package peer

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"os"
)

// Entry is the data of one event, about half a kilobyte.
type Entry struct {
	Line     int64    `json:"line"`
	Product  string   `json:"product"`
	Name     string   `json:"name"`
	Category string   `json:"category"`
	Quantity int64    `json:"quantity"`
	Price    int64    `json:"price"`
	Currency string   `json:"currency"`
	Customer Customer `json:"customer"`
	Address  Address  `json:"address"`
	Note     string   `json:"note"`
}

// Customer is who an entry is for.
type Customer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Address is where an entry goes.
type Address struct {
	Street   string `json:"street"`
	City     string `json:"city"`
	Postcode string `json:"postcode"`
	Country  string `json:"country"`
}

// State is what every peer folds entries into.
type State struct {
	Entries int64  `json:"entries"`
	Total   int64  `json:"total"`
	Last    string `json:"last"`
}

func (s State) entered(e Entry) State {
	return State{s.Entries + 1, s.Total + e.Quantity*e.Price, e.Name}
}

// payloads are the entries of a run, the same for every peer.
type payloads struct {
	texts   []jsontext.Value
	entries []Entry
}

func readPayloads(path string) (p payloads, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return p, fmt.Errorf("reading the payloads: %w", err)
	}
	for line := range bytes.Lines(text) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return p, fmt.Errorf("payload %d: %w", len(p.texts)+1, err)
		}
		p.texts, p.entries = append(p.texts, bytes.TrimSpace(line)), append(p.entries, e)
	}
	return p, nil
}

func (p payloads) entry(i int) Entry { return p.entries[i%len(p.entries)] }

// list is the JSON array of the first n texts from i on.
func (p payloads) list(i, n int) []byte {
	out := []byte{'['}
	for k := range n {
		if k > 0 {
			out = append(out, ',')
		}
		out = append(out, p.texts[(i+k)%len(p.texts)]...)
	}
	return append(out, ']')
}
