#!/usr/bin/env bash
# A Go client by ogen, compiled, and called against the local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=v1.25.0

start_stack
sample ogen
go run "github.com/ogen-go/ogen/cmd/ogen@$version" \
	--target daybook --package daybook --clean "$work/openapi.json" 2>"$work/ogen.log" || { cat "$work/ogen.log" >&2; exit 1; }
go mod tidy
go vet .
go run . "$url"
