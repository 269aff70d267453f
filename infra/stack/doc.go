// Package stack is Daybook on AWS, as CDK constructs: tables, functions with
// their roles, the API, the event source mapping, alarms and a dashboard. New
// puts them together; each construct is usable alone.
//
// Nothing here names a command or a view: tables, indexes and permissions come
// from the declarations in package domain, so a new view or command changes no
// file of this package.
//
// It imports the CDK, package settings, and packages view and dynamo for what a
// view's table looks like.
package stack
