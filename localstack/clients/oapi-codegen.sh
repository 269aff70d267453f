#!/usr/bin/env bash
# A Go client by oapi-codegen, compiled, and called against the local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=v2.8.2

start_stack
sample oapi-codegen
mkdir daybook
go run "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@$version" \
	-generate types,client -package daybook "$work/openapi.json" >daybook/client.go
go mod tidy
go vet ./...
go run . "$url"
