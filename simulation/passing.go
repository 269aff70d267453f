package simulation

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"daybook/functions/names"
	"daybook/personal"
)

// passing keeps the texts of requests in which personal values are to be encrypted: some
// wait in a queue, or as a timer, and are gone when a run ends.
type passing struct {
	mu    sync.Mutex
	texts map[string]string // to what they were a part of
}

// sealedTables are the tables in which every personal value is encrypted. The table of a
// view may hold copies that the view made.
var sealedTables = []string{
	names.EventsTable, names.ClaimsTable, names.RequestsTable, names.ControlTable, names.ProcessesTable, names.KeysTable,
}

// sealedPart says in what way the values in a request are kept, "" where they may be
// readable: in a view's table, and in what an outbox publishes.
func (c *call) sealedPart() string {
	switch {
	case c.writes():
		for _, t := range append(c.parts(), c.tables) {
			if slices.Contains(sealedTables, t.short()) {
				return "a write to table " + t.short()
			}
		}
	case strings.HasPrefix(c.target, "AmazonSQS.SendMessage"):
		return "a message to the queue"
	case c.target == "" && c.operation != http.MethodGet:
		return "a timer"
	}
	return ""
}

// record keeps the texts of a request.
func (p *passing) record(c *call) {
	part := c.sealedPart()
	if part == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range textsOf(c.body) {
		if text = personal.WithoutSealed(text); len(text) >= leastNeedle {
			p.texts[text] = part
		}
	}
}

// passed searches what was on its way at any time.
func (s *privacySearch) passed() {
	found := map[string]bool{}
	for _, text := range slices.Sorted(maps.Keys(s.passing.texts)) {
		if part := s.passing.texts[text]; !found[part] {
			found[part] = s.look(part+", while it was on its way,", text)
		}
	}
}
