#!/usr/bin/env bash
# openapi-python-client 0.29.1 (PyPI)
#
# An operation with an optional header whose schema is {"const":"*"} (OpenAPI 3.1,
# JSON Schema 2020-12) is left out of the client. The generator warns and ends with
# 0, so a build goes on without the operation. As {"type":"string","enum":["*"]},
# which accepts the same value, the operation is there.
#
# Where a user meets it: If-None-Match: * of an API that creates resources; a call
# of the client that "can't be imported".
#
# Seen on 2026-11-29:
#   const: exit 0, operations: none
#   enum: exit 0, operations: create.py
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check openapi-python-client==0.29.1

# generate SCHEMA: prints the exit code and the operations that are there.
generate() {
	rm -rf "$dir/client"
	cat >"$dir/openapi.json" <<JSON
{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/things":{"post":{"operationId":"create","tags":["things"],
 "parameters":[{"name":"If-None-Match","in":"header","schema":$1}],"responses":{"204":{"description":"d"}}}}}}
JSON
	local code=0 found
	"$dir/venv/bin/openapi-python-client" generate --path "$dir/openapi.json" --output-path "$dir/client" --meta none >"$dir/log" 2>&1 || code=$?
	found=$(find "$dir/client/api" -mindepth 2 -name '*.py' ! -name __init__.py -printf '%f ')
	echo "exit $code, operations: ${found:-none}"
}

const=$(generate '{"const":"*"}')
enum=$(generate '{"type":"string","enum":["*"]}')
printf 'const: %s\nenum: %s\n' "$const" "$enum"
[ "$const" = "exit 0, operations: none" ] && [ "$enum" = "exit 0, operations: create.py " ]
