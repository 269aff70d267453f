#!/usr/bin/env bash
# Runs the end-to-end tests against the API that deploy.sh has deployed. They are
# the tests that run against go run ./localstack.
. "$(dirname "$0")/lib.sh"

DAYBOOK_URL=$("$here/url.sh")
export DAYBOOK_URL
echo "end-to-end tests against $DAYBOOK_URL"
cd "$daybook"
go test -count=1 ./domain/e2e "$@"
