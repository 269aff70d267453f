package simulation

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
)

// step is one thing that a client or an operator does. Its name and all it does are
// drawn by its place, so that leaving out another step changes nothing of it.
type step struct {
	name    string // "a3": the third of client a
	pause   time.Duration
	kind    stepKind
	command aggregate.Description
	id      string // of the aggregate; "" leaves it to Daybook
	payload jsontext.Value
	view    string // of a query, a rebuild

	aggregate string // of an erasure
	tenant    string // of an erasure, "" without tenants
}

type stepKind uint8

const (
	sendCommand stepKind = iota
	queueCommand
	readRow
	rebuildView
	deployNext
	redriveView
	erasePerson
)

// String describes the step for a person.
func (s step) String() string {
	switch s.kind {
	case sendCommand:
		return fmt.Sprintf("%s sends %s %s/%s %s", s.name, s.command.Name, s.command.Aggregate, s.id, s.payload)
	case queueCommand:
		return fmt.Sprintf("%s queues %s %s/%s %s", s.name, s.command.Name, s.command.Aggregate, s.id, s.payload)
	case readRow:
		return fmt.Sprintf("%s reads %s/%s", s.name, s.view, s.id)
	case rebuildView:
		return fmt.Sprintf("%s rebuilds view %s and switches to it", s.name, s.view)
	case erasePerson:
		return fmt.Sprintf("%s erases %s", s.name, s.person())
	case redriveView:
		return fmt.Sprintf("%s redrives view %s, and what is parked", s.name, s.view)
	}
	return s.name + " deploys the next program"
}

// person is whom an erasure erases.
func (s step) person() events.Stream { return events.StreamOf(s.aggregate, s.id).In(s.tenant) }

// commandID is the id under which the step's command is sent, each time.
func (s step) commandID() string { return "cmd-" + s.name }

// plan is the steps of each client, and of the operator last.
type plan struct {
	clients  [][]step
	operator []step
	rebuilds string // the view that is built again in the end; "" for none
}

func (p plan) all() (all []step) { return append(slices.Concat(p.clients...), p.operator...) }

// without leaves out the steps that keep does not name; nil keeps all.
func (p plan) without(keep map[string]bool) plan {
	if keep == nil {
		return p
	}
	gone := func(s step) bool { return !keep[s.name] }
	out := plan{rebuilds: p.rebuilds}
	for _, steps := range p.clients {
		out.clients = append(out.clients, slices.DeleteFunc(slices.Clone(steps), gone))
	}
	out.operator = slices.DeleteFunc(slices.Clone(p.operator), gone)
	return out
}

// newPlan draws what clients and the operator do.
func newPlan(app daybook.App, seed uint64, o Options) (plan, error) {
	g := &generator{options: o, seed: seed, personal: app.Personal(), ids: map[string]bool{}}
	for _, a := range app.Aggregates {
		g.ids[a.Name()] = true
	}
	for _, c := range app.Commands() {
		weight, said := o.Weights[c.Name]
		switch {
		case !said && (c.Internal || weight < 0):
			continue
		case !said:
			weight = 1
		}
		g.commands = append(g.commands, choice{c, weight})
		if g.total += weight; c.Creates && weight > 0 {
			g.creates = append(g.creates, c)
		}
	}
	if g.total <= 0 {
		return plan{}, fmt.Errorf("application %s has no command that a client may send: declare one that is not internal, or give one a positive Weight", app.Name)
	}
	var p plan
	for client := range o.Clients {
		var steps []step
		for n := range (o.Commands + o.Clients - 1 - client) / o.Clients {
			name := string(rune('a'+client)) + strconv.Itoa(n+1)
			random, _ := draw(seed, "step "+name)
			s, err := g.step(app, name, n, random)
			if err != nil {
				return plan{}, err
			}
			steps = append(steps, s)
		}
		p.clients = append(p.clients, steps)
	}
	p.operator = operations(app, seed, o)
	if random, _ := draw(seed, "check"); len(app.Views) > 0 && random.IntN(8) == 0 {
		p.rebuilds = app.Views[random.IntN(len(app.Views))].Describe().Name
	}
	return p, nil
}

// operations draws what an operator does beside: mostly nothing.
func operations(app daybook.App, seed uint64, o Options) (all []step) {
	random, _ := draw(seed, "operator")
	after := time.Duration(random.Int64N(int64(time.Second)))
	if o.Next != nil {
		all = append(all, step{name: "o1", kind: deployNext, pause: after})
	}
	if len(app.Views) > 0 && random.IntN(4) == 0 {
		all = append(all, step{name: "o2", kind: rebuildView, pause: after, view: app.Views[random.IntN(len(app.Views))].Describe().Name})
	}
	if len(app.Views) > 0 && random.IntN(8) == 0 {
		all = append(all, step{name: "o3", kind: redriveView, pause: after, view: app.Views[random.IntN(len(app.Views))].Describe().Name})
	}
	return append(all, erasuresOf(app, seed)...)
}

// erasuresOf draws whom an operator erases, and when.
func erasuresOf(app daybook.App, seed uint64) (all []step) {
	of := subjects(app.Commands())
	if !app.Personal() || len(of) == 0 {
		return nil
	}
	random, _ := draw(seed, "erasures")
	tenants := tenantsOf(app)
	for n := range random.IntN(3) {
		all = append(all, step{
			name: "o" + strconv.Itoa(4+n), kind: erasePerson, pause: time.Duration(random.Int64N(int64(3 * time.Second))),
			aggregate: of[random.IntN(len(of))], id: strconv.Itoa(1 + random.IntN(population)), tenant: tenants[n%len(tenants)],
		})
	}
	return all
}

type choice struct {
	aggregate.Description
	weight int
}

// generator draws steps from the declarations.
type generator struct {
	seed     uint64
	personal bool // the application has personal values
	options  Options
	commands []choice
	creates  []aggregate.Description
	total    int
	ids      map[string]bool // names of aggregates
	marked   bool            // the value is personal
}

// population is how many aggregates of a kind there are in a run: few, so that
// commands meet.
const population = 3

func (g *generator) step(app daybook.App, name string, n int, random *rand.Rand) (step, error) {
	s := step{name: name, pause: time.Duration(random.Int64N(int64(60 * time.Millisecond)))}
	if random.IntN(4) == 0 {
		s.pause += time.Duration(random.Int64N(int64(time.Second)))
	}
	if late, _ := draw(g.seed, "late "+name); g.personal && late.IntN(8) == 0 { // some go on while a person is erased
		s.pause += time.Duration(late.Int64N(int64(90 * time.Second)))
	}
	if n > 0 && len(app.Views) > 0 && random.IntN(8) == 0 {
		s.kind, s.view, s.id = readRow, app.Views[random.IntN(len(app.Views))].Describe().Name, strconv.Itoa(1+random.IntN(population))
		return s, nil
	}
	if s.command = g.command(random, n); random.IntN(8) == 0 {
		s.kind = queueCommand
	}
	if s.id = strconv.Itoa(1 + random.IntN(population)); s.command.Creates && random.IntN(4) == 0 {
		s.id = "" // a new one
	}
	var err error
	if write := g.options.Payloads[s.command.Name]; write != nil {
		s.payload, err = json.Marshal(write(random), json.Deterministic(true))
	} else {
		s.payload, err = g.payload(random, s.command.Schema())
	}
	if err != nil {
		return s, fmt.Errorf("a payload of %s: %w", s.command.Name, err)
	}
	return s, nil
}

// command draws a command: mostly one that starts an aggregate at first.
func (g *generator) command(random *rand.Rand, n int) aggregate.Description {
	if len(g.creates) > 0 && (n == 0 || random.IntN(5) == 0) {
		return g.creates[random.IntN(len(g.creates))]
	}
	at := random.IntN(g.total)
	for _, c := range g.commands {
		if at -= c.weight; at < 0 {
			return c.Description
		}
	}
	return g.commands[0].Description
}

// payload draws a payload by a JSON Schema.
func (g *generator) payload(random *rand.Rand, schema jsontext.Value) (jsontext.Value, error) {
	var s map[string]any
	if err := json.Unmarshal(schema, &s); err != nil {
		return nil, err
	}
	return json.Marshal(g.value(random, "", s), json.Deterministic(true))
}

func (g *generator) value(random *rand.Rand, name string, s map[string]any) any {
	if s["x-personal"] == true && !g.marked {
		g.marked = true
		defer func() { g.marked = false }()
	}
	kind, _ := s["type"].(string)
	if either, ok := s["type"].([]any); ok { // or null
		if kind, _ = either[0].(string); random.IntN(4) == 0 {
			return nil
		}
	}
	number := func(of string, otherwise int64) int64 {
		if n, ok := s[of].(float64); ok {
			return int64(n)
		}
		return otherwise
	}
	switch kind {
	case "object":
		return g.object(random, s)
	case "array":
		items, _ := s["items"].(map[string]any)
		least := number("minItems", 0)
		all := make([]any, least+random.Int64N(min(number("maxItems", 3)-least, 2)+1))
		for i := range all {
			all[i] = g.value(random, name, items)
		}
		return all
	case "integer", "number":
		least, most := number("minimum", 0), number("maximum", 1<<53)
		if least < 0 && most >= 0 {
			least = 0
		}
		return least + random.Int64N(min(most-least, 8)+1)
	case "boolean":
		return random.IntN(2) == 0
	}
	least, most := int(number("minLength", 0)), int(number("maxLength", 100))
	text := g.text(random, name, s, least, most)
	if g.marked && random.IntN(2) == 0 { // nobody else's
		own := fmt.Sprintf("%s %06x", text, random.Uint32()&0xffffff)
		if user, host, ok := strings.Cut(text, "@"); ok {
			own = fmt.Sprintf("%s.%06x@%s", user, random.Uint32()&0xffffff, host)
		}
		format, _ := s["format"].(string)
		pattern, _ := s["pattern"].(string)
		if len(own) <= most && s["enum"] == nil && (format == "" || format == "email") && matches(pattern, own) {
			return own
		}
	}
	return text
}

func (g *generator) object(random *rand.Rand, s map[string]any) map[string]any {
	all := map[string]any{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if of, ok := properties[name].(map[string]any); ok && (slices.Contains(required, any(name)) || random.IntN(2) == 0) {
			all[name] = g.value(random, name, of)
		}
	}
	return all
}

// text draws a string: of few, so that commands that name the same meet. A member
// that is called as an aggregate, or that is as long as an id may be, names one.
func (g *generator) text(random *rand.Rand, name string, s map[string]any, least, most int) string {
	few := strconv.Itoa(1 + random.IntN(population))
	if enum, ok := s["enum"].([]any); ok && len(enum) > 0 {
		at := slices.Index(enum, any("EUR"))
		if at < 0 || random.IntN(10) == 0 {
			at = random.IntN(len(enum))
		}
		text, _ := enum[at].(string)
		return text
	}
	if format, _ := s["format"].(string); format != "" {
		switch format {
		case "email":
			return "user" + few + "@example.com"
		case "date-time":
			return time.Date(2026, 1, 1+random.IntN(3), 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
		case "date":
			return time.Date(2026, 1, 1+random.IntN(3), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		case "uri":
			return "https://example.com/" + few
		case "uuid":
			return "00000000-0000-4000-8000-00000000000" + few
		}
	}
	if example, ok := s["examples"].([]any); ok && len(example) > 0 && s["pattern"] != nil && !g.ids[name] {
		if text, ok := example[0].(string); ok {
			// Others like it: were all the same, a change of the field would change nothing.
			other := text + " " + few
			if pattern, _ := s["pattern"].(string); random.IntN(3) > 0 && len(other) <= most && matches(pattern, other) {
				return other
			}
			return text
		}
	}
	if g.ids[name] || s["pattern"] != nil || most == events.MaxIDLength {
		return few
	}
	text := strings.TrimSpace(name + " " + few)
	if len(text) < least {
		text += strings.Repeat("x", least-len(text))
	}
	return text[:min(len(text), most)]
}

// matches reports whether a text is of a pattern that Go knows.
func matches(pattern, text string) bool {
	of, err := regexp.Compile(pattern)
	return err == nil && of.MatchString(text)
}
