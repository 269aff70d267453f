// Package admin is for operators of an installation: it rebuilds tables of views
// and switches queries between them, chooses the tables that a program works on,
// compares tables with the declarations that filled them and with the events, and
// drops them. Parked streams are redriven by a projection.Projector on tables of
// Pin.
//
// It imports view, view/driver and view/projection, and not view/query.
package admin
