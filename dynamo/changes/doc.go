// Package changes follows the change stream of the events table: for people who watch,
// not for what must see every commit. It is apart from package dynamo so that functions
// do without the client of DynamoDB Streams.
package changes
