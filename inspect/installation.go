package inspect

import (
	"cmp"
	"context"
	"slices"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
	"daybook/nearest"
	"daybook/process"
	"daybook/view/driver"
	"daybook/view/query"
)

// Sources are what an installation is read from. All may be called concurrently.
type Sources struct {
	Events   events.Store
	Tables   driver.RoutedTables
	Ledger   Ledger
	Statuses Statuses
	// DeadLetters may be nil for an installation without a command queue.
	DeadLetters DeadLetters
	// Source begins the source of integration events: the prefix of the
	// installation's names; see process.Options.
	Source string
	// Now is the clock for ages and lag; default time.Now.
	Now func() time.Time
}

// Ledger is a process.Ledger that can list its entries.
type Ledger interface {
	process.Ledger
	// Entries returns up to limit entries, of all reactors, in an order of the
	// store's own, and the cursor of the next page, "" after the last. A page may
	// be empty before the last. limit is from 1 to 1,000. Its errors are a
	// Ledger's, and malformed for a cursor that Entries did not return.
	Entries(ctx context.Context, cursor string, limit int) (page []process.Entry, next string, err error)
}

// Statuses knows the outcomes of queued commands: see aggregate.Statuses.
type Statuses interface {
	Get(ctx context.Context, now time.Time, tenant, commandID string) (*async.Status, error)
}

// Installation is an application's installation, opened. It is safe for concurrent
// use.
type Installation struct {
	app     daybook.App
	sources Sources
	codec   *events.Codec
	queries *query.Queries
}

// Open opens an installation. It sends nothing. An error says what is wrong with
// the application's declarations.
func Open(app daybook.App, s Sources) (*Installation, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Source = cmp.Or(s.Source, "daybook")
	codec, err := aggregate.Codec(app.Aggregates)
	if err != nil {
		return nil, err
	}
	queries, err := query.New(s.Events, codec, s.Tables, app.Views, &query.Options{Routed: true, Tenants: app.Tenancy.On(), Now: s.Now})
	if err != nil {
		return nil, err
	}
	return &Installation{app: app, sources: s, codec: codec, queries: queries}, nil
}

// App returns the application.
func (i *Installation) App() daybook.App { return i.app }

// Sources returns what the installation is read from.
func (i *Installation) Sources() Sources { return i.sources }

// CheckTenant refuses a look-up that names no tenant where the application has tenants,
// and one that names one where it has none. Codes: tenant-required; malformed.
func (i *Installation) CheckTenant(tenant string) error {
	err := events.CheckTenant(i.app.Tenancy.On(), tenant)
	if events.CodeOf(err) == events.CodeTenantRequired {
		return events.Errorf(events.CodeTenantRequired, "the application has tenants: name one with -tenant, or write a stream in full, as in acme:order/7")
	}
	return err
}

// checkLimit refuses the size of a page that is out of bounds.
func checkLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return events.Errorf(events.CodeMalformed, "a page has a limit from 1 to %d, not %d", most, limit)
	}
	return nil
}

// unknown is the error of a name that is not declared.
func unknown(kind, name string, names []string) error {
	return events.Errorf(events.CodeNotFound, "there is no %s %q%s", kind, name, nearest.Hint(name, slices.Values(names)))
}

// aggregate returns a declared aggregate by its name.
func (i *Installation) aggregate(name string) (aggregate.Aggregate, error) {
	if of := i.app.Aggregate(name); of != nil {
		return of, nil
	}
	var names []string
	for _, of := range i.app.Aggregates {
		names = append(names, of.Name())
	}
	return nil, unknown("aggregate", name, names)
}
