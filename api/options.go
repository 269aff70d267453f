package api

import (
	"log/slog"
	"uuid"
)

// Options sets what is not the same for every API; nil, and the zero value of
// each field, means its default.
type Options struct {
	// Logger takes faults (level error) and every request (level debug);
	// slog.Default() by default.
	Logger *slog.Logger
	// NewID names requests that came without a name: random UUIDs by default.
	NewID func() string
	// Title and Version are those of the OpenAPI description: "Daybook" and "1"
	// by default.
	Title, Version string
	// Security is what the gateway in front asks of callers, for the OpenAPI
	// description: nothing by default.
	Security Security
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.NewID == nil {
		d.NewID = func() string { return uuid.New().String() }
	}
	if d.Title == "" {
		d.Title = "Daybook"
	}
	if d.Version == "" {
		d.Version = "1"
	}
	return d
}
