// Command compare sends the same requests to Daybook's embedded DynamoDB and to
// another engine and fails on every difference that nobody has explained.
//
//	go run ./localstack/compare -engine dynalite -exec "node dynalite/cli.js --port {port}"
//	go run ./localstack/compare -engine local -endpoint http://127.0.0.1:8000
//
// A case is a few requests of the raw wire protocol on a table of its own. Of
// each answer the status, the error's type and message, and the body are
// compared, without what must differ: ids, times and table names. Differences
// are explained by name in allow/ENGINE.txt, which says who is right by AWS's
// documentation and why; an explanation that no difference needs any more fails
// too. There is no verdict for a fault of our engine: it has to be fixed.
//
// run.sh installs the engines that CI compares with and runs all of them. It
// imports localstack/embedded and the standard library.
package main
