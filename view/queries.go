package view

import (
	"time"

	"daybook/events"
)

// QueriesOptions changes how Queries works. The zero value is the default.
type QueriesOptions struct {
	// Wait bounds how long List waits for the commits that a consistency token
	// names; default 1.5 s.
	Wait time.Duration
	// CatchUp bounds how many missing commits Get applies in memory; default
	// 1,000. A view further behind answers busy.
	CatchUp int
	// ReadBudget bounds how many rows one List reads to find those that match;
	// default 2,000.
	ReadBudget int
	// Routed answers from the table that the control record names, in place of
	// the newest version's: tables must be RoutedTables. The record is read
	// again when it is RouteAge old.
	Routed bool
	// Now is the clock that switches are made by; default time.Now.
	Now func() time.Time
}

// Queries answers from the tables of views. It is safe for concurrent use.
type Queries struct {
	store History
	codec *events.Codec
	views map[string]*projected // unless routed
	opts  QueriesOptions

	routes *routes // nil unless routed
}
