// Package e2e holds the end-to-end tests: the sample business over HTTP, from the
// outside, since it is what is deployed.
//
// They run against the URL in DAYBOOK_URL, which may be a deployed stack or a
// LocalStack (DAYBOOK_AUTHORIZATION is then sent as the header Authorization, and
// with DAYBOOK_SIGN, a region, requests are signed with the keys in AWS_*);
// else against stacks that they start in process: an HTTP API, a REST API with a
// stage, and one on a hostile DynamoDB.
//
//	go test ./domain/e2e
//	DAYBOOK_URL=https://….execute-api.eu-west-1.amazonaws.com go test -count=1 ./domain/e2e
//
// They assume nothing of what the store holds (their ids are new) and wait by
// consistency tokens.
package e2e
