package api

import (
	"cmp"
	"log/slog"
	"time"
	"uuid"

	"daybook/process"
)

// Options sets what is not the same for every API; nil, and the zero value of
// each field, means its default.
type Options struct {
	// Logger takes faults (level error) and every request (level debug);
	// slog.Default() by default.
	Logger *slog.Logger
	// NewID names requests that came without a name: random UUIDs by default.
	NewID func() string
	// Sender queues the commands of requests with Prefer: respond-async. Without
	// one the preference is not applied.
	Sender Sender
	// Statuses answer GET /commands/{commandId}, and say that the description
	// tells of queued commands. Without them there is no such path.
	Statuses Statuses
	// Tenants says that the application has tenants: every request is one of a tenant
	// (WithTenant).
	Tenants bool
	// Limit accepts a request of a tenant, or says after how long it would; nil accepts
	// all. Requests that need no tenant are not asked about.
	Limit func(tenant string) time.Duration
	// Now is the clock by which statuses are forgotten, time.Now by default.
	Now func() time.Time
	// Title and Version are those of the OpenAPI description: "Daybook" and "1"
	// by default.
	Title, Version string
	// License is the license of the API in the description, an SPDX expression:
	// "LicenseRef-Proprietary" by default.
	License string
	// Processes are the application's; the integration events of its outboxes are
	// described at /asyncapi.json. Without outboxes there is no such path.
	Processes []process.Reactor
	// Pages are the addresses, relative to that of GET /, of pages that stand beside
	// the API, such as "docs", for GET / to name. The API itself has none.
	Pages []string
	// Security is what the gateway in front asks of callers, for the OpenAPI
	// description: nothing by default.
	Security Security
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Logger = cmp.Or(d.Logger, slog.Default())
	if d.NewID == nil {
		d.NewID = func() string { return uuid.New().String() }
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	d.Title = cmp.Or(d.Title, "Daybook")
	d.Version = cmp.Or(d.Version, "1")
	d.License = cmp.Or(d.License, "LicenseRef-Proprietary")
	return d
}
