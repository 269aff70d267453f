// Package inspect reads an installation of an application for people and agents:
// what the application declares, its streams with the state before and after each
// event, rows, lag, parked streams, dead letters, running processes, and one row
// compared with the events.
//
// An Installation only reads. Results are plain values with JSON names; lists are
// paged, and what has to read a table whole is bounded by the caller. How an
// installation is reached is not known here: stores and tables come in through the
// driver interfaces of packages events, view, process and aggregate, and dead
// letters through one of this package. Package connect opens an installation on
// DynamoDB and SQS.
package inspect
