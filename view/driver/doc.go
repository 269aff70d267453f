// Package driver is the contract between views and a database: the items that a
// table keeps, the writes and ranges that it is asked for, and the tables that a
// view may have. It holds no logic of views. Package dynamo implements it;
// viewtest.Run and viewtest.RunRouted check an implementation.
//
// It imports only package events and the standard library, and no other package
// of views.
package driver
