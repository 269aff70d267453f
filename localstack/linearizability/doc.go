// Package linearizability holds no code but tests: concurrent clients send commands
// and queries over HTTP to one or two local stacks on one database, kind or hostile,
// some of them killed meanwhile: about one stream, or about a few streams that claim the
// same values. Porcupine then looks for one order of all requests,
// each between its beginning and its end, in which every answer is right: a history
// without such an order is a lost update, a command handled twice, or a read that
// misses what was acknowledged before.
//
// The tests need the local stack and the sample domain of tests only. They are short
// by default; -histories says how many histories each of them makes:
//
//	go test ./localstack/linearizability -histories 100
package linearizability
