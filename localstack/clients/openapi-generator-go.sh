#!/usr/bin/env bash
# A Go client by openapi-generator, compiled, and called against the local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$here/openapi-generator.sh"

start_stack
sample openapi-generator-go
generate go daybook --additional-properties=packageName=daybook
rm -r daybook/go.mod daybook/go.sum daybook/test # a package of this module, not a module
go mod tidy
go build ./... # not go vet: the generator writes struct tags that it refuses
go run . "$url"
