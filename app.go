package daybook

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"daybook/aggregate"
	"daybook/functions/names"
	"daybook/personal"
	"daybook/process"
	"daybook/view"
)

// App is an application: its name and its parts. It is a
// value; making one registers nothing anywhere.
type App struct {
	// Name begins every physical name: stack, tables, queues, functions. Two
	// applications of different names live in one account, region and stage.
	Name       string
	Aggregates []aggregate.Aggregate
	Views      []view.View
	Processes  []process.Reactor
	// Tenancy keeps the data of tenants apart; its zero value is an application without
	// tenants.
	Tenancy Tenancy
}

// Tenancy says where the tenant of a request comes from. All that a request reads and
// writes is then its tenant's own: ids, keys, claims, cursors, tokens and command ids of
// one tenant mean nothing to another.
type Tenancy struct {
	// Claim names the verified claim of the caller's token that holds the tenant's name
	// (events.ValidateTenant), such as "org_id". A request without it is forbidden. ""
	// turns tenancy off.
	Claim string
	// RequestsPerSecond is how many requests of one tenant each instance of a function
	// accepts, and Burst how many at once; more are refused with 429 throttled. Instances
	// do not know of each other, so that a tenant gets this times the instances that serve
	// it. 0 is no limit; a Burst of 0 is twice the rate.
	RequestsPerSecond float64
	Burst             int
}

// On reports whether the application has tenants.
func (t Tenancy) On() bool { return t.Claim != "" }

// check reports what is wrong with the declaration.
func (t Tenancy) check() error {
	switch {
	case !t.On() && t != (Tenancy{}):
		return errors.New("App.Tenancy: a rate without a Claim limits nobody: name the claim that holds the tenant")
	case !(t.RequestsPerSecond >= 0) || math.IsInf(t.RequestsPerSecond, 0) || t.Burst < 0:
		return fmt.Errorf("App.Tenancy: RequestsPerSecond %v and Burst %d: use numbers from 0", t.RequestsPerSecond, t.Burst)
	case t.RequestsPerSecond == 0 && t.Burst > 0:
		return errors.New("App.Tenancy: a Burst without RequestsPerSecond limits nobody: give both, or neither")
	}
	return nil
}

// Prefix returns what the physical names of a stage begin with: "shop-dev". Names
// have no hyphen, so that no two applications share a prefix.
func (a App) Prefix(stage string) string { return names.Join(a.Name, stage) }

// Title returns the name for people, and for CloudWatch: the namespace of metrics,
// the title of the API's description.
func (a App) Title() string {
	if a.Name == "" {
		return ""
	}
	return strings.ToUpper(a.Name[:1]) + a.Name[1:]
}

// Aggregate returns the aggregate of a name, nil for none.
func (a App) Aggregate(name string) aggregate.Aggregate {
	return named(a.Aggregates, name, aggregate.Aggregate.Name)
}

// View returns the view of a name, nil for none.
func (a App) View(name string) view.View {
	return named(a.Views, name, func(v view.View) string { return v.Describe().Name })
}

// Process returns the process manager or outbox of a name, nil for none.
func (a App) Process(name string) process.Reactor {
	return named(a.Processes, name, func(r process.Reactor) string { return r.Describe().Name })
}

func named[T any](all []T, name string, nameOf func(T) string) (found T) {
	if i := slices.IndexFunc(all, func(one T) bool { return nameOf(one) == name }); i >= 0 {
		return all[i]
	}
	return found
}

// Commands returns the commands of all aggregates, in the order of declaration.
func (a App) Commands() (all []aggregate.Description) {
	for _, of := range a.Aggregates {
		all = append(all, of.Describe()...)
	}
	return all
}

// Personal reports whether the application marks personal values (package personal) in
// an event, a command or a row. It then has a table of data keys and a key that wraps
// them.
func (a App) Personal() bool {
	for _, of := range a.Aggregates {
		if of == nil {
			continue
		}
		for _, e := range of.Events() {
			if personal.Marks(e.Go) {
				return true
			}
		}
		for _, c := range of.Describe() {
			if personal.Marks(c.Go) {
				return true
			}
		}
	}
	return slices.ContainsFunc(a.Views, func(v view.View) bool { return v != nil && personal.Marks(v.Describe().Row) })
}

// MaxName is the greatest length of App.Name. A stage has as many at most, and the
// shortest limit of AWS on a name made of both is 50 (AWS Backup's vaults).
const MaxName = 16

// wellNamed reports whether a name is a lower-case letter and then such letters and
// digits.
func wellNamed(name string) bool {
	return name != "" && name[0] >= 'a' && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// Check returns all that is wrong with the application, joined, or nil: its name,
// the declarations (each Err), names that are declared twice, events that are handled
// and that no followed aggregate declares, and commands that a process manager sends
// and that no aggregate declares or can take. It derives the schemas of all
// payloads, which a function's cold start must not pay for: call it in a test. The
// local stack and the CDK app call it when they start.
func (a App) Check() error {
	errs := []error{checkName(a.Name), a.Tenancy.check()}
	errs = append(errs, a.checkAggregates()...)
	declared := a.declaredEvents()
	followers := map[string]string{} // kinds by name
	once := func(kind, name string) {
		if other, ok := followers[name]; ok {
			errs = append(errs, fmt.Errorf("%s %q: there is a %s of this name; rename one, since the command line and the reports tell them apart by name", kind, name, other))
		}
		followers[name] = kind
	}
	for i, v := range a.Views {
		if v == nil {
			errs = append(errs, fmt.Errorf("entry %d of Views is nil; remove it", i))
			continue
		}
		d := v.Describe()
		once("view", d.Name)
		errs = append(errs, v.Err())
		errs = append(errs, declared.check("view", d.Name, d.Aggregates, d.Events)...)
	}
	for i, r := range a.Processes {
		if r == nil {
			errs = append(errs, fmt.Errorf("entry %d of Processes is nil; remove it", i))
			continue
		}
		d := r.Describe()
		once(d.Kind.String(), d.Name)
		errs = append(errs, r.Err())
		errs = append(errs, declared.check(d.Kind.String(), d.Name, d.Aggregates, d.Events)...)
		errs = append(errs, a.checkSends(d)...)
	}
	return errors.Join(errs...)
}

func checkName(name string) error {
	if len(name) > MaxName || !wellNamed(name) {
		return fmt.Errorf("App.Name %q: use a-z and 0-9, beginning with a letter, at most %d characters; it begins the names of stack, tables and queues", name, MaxName)
	}
	return nil
}

func (a App) checkAggregates() (errs []error) {
	aggregates, commands := map[string]bool{}, map[string]string{}
	for i, of := range a.Aggregates {
		if of == nil {
			errs = append(errs, fmt.Errorf("entry %d of Aggregates is nil; remove it", i))
			continue
		}
		if aggregates[of.Name()] {
			errs = append(errs, fmt.Errorf("aggregate %q is listed twice; rename one, since the name is the first part of its streams' names", of.Name()))
		}
		aggregates[of.Name()] = true
		errs = append(errs, of.Err())
		for _, c := range of.Describe() {
			if other, ok := commands[c.Name]; ok && other != c.Aggregate {
				errs = append(errs, fmt.Errorf("command %q is declared by aggregates %q and %q; rename one, since POST /commands/%s has one meaning", c.Name, other, c.Aggregate, c.Name))
			}
			commands[c.Name] = c.Aggregate
		}
	}
	return errs
}

// declared are the names of events by the names of aggregates.
type declared map[string][]string

func (a App) declaredEvents() declared {
	all := declared{}
	for _, of := range a.Aggregates {
		if of == nil {
			continue
		}
		for _, e := range of.Events() {
			all[of.Name()] = append(all[of.Name()], e.Name)
		}
		if all[of.Name()] == nil {
			all[of.Name()] = []string{}
		}
	}
	return all
}

// check reports followed aggregates that the App does not list, and handled events
// that no followed aggregate declares: a handler of such an event never runs.
func (all declared) check(kind, name string, aggregates, events []string) (errs []error) {
	var known []string
	for _, a := range aggregates {
		if all[a] == nil {
			errs = append(errs, fmt.Errorf("%s %q follows aggregate %q, which the App does not list; add it to Aggregates", kind, name, a))
			return errs
		}
		known = append(known, all[a]...)
	}
	for _, e := range events {
		if !slices.Contains(known, e) {
			errs = append(errs, fmt.Errorf("%s %q handles event %q, which %s does not declare; declare the event there, or remove the handler", kind, name, e, strings.Join(aggregates, ", ")))
		}
	}
	return errs
}
