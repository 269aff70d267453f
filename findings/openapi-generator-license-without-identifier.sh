#!/usr/bin/env bash
# openapi-generator 7.17.0 (Maven: org.openapitools:openapi-generator-cli)
#
# An OpenAPI 3.1 document whose info.license has a name alone is refused:
# "attribute info.license.identifier is missing". In OpenAPI 3.1 only name is
# required; identifier and url are optional (and exclude each other). With an
# identifier, or without a license, the same document is taken; as OpenAPI 3.0 it
# is taken as it is.
#
# Where a user meets it: a description that other tools call valid yields no client.
#
# Seen on 2026-11-29:
#   3.1.0, license with a name alone: refused
#     -attribute info.license.identifier is missing
#   3.1.0, license with an identifier: taken
#   3.1.0, no license: taken
#   3.0.3, license with a name alone: taken
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
version=7.17.0
mvn -q -B dependency:copy -Dartifact="org.openapitools:openapi-generator-cli:$version" -DoutputDirectory="$dir"

# generate VERSION LICENSE: prints taken, or refused and why.
generate() {
	cat >"$dir/openapi.json" <<JSON
{"openapi":"$1","info":{"title":"t","version":"1"$2},"paths":{"/a":{"get":{"operationId":"a","responses":{"204":{"description":"d"}}}}}}
JSON
	if java -jar "$dir/openapi-generator-cli-$version.jar" generate -g go -i "$dir/openapi.json" -o "$dir/out" >"$dir/log" 2>&1; then
		echo taken
	else
		echo refused
		grep -o -- '-attribute .*' "$dir/log" | head -1
	fi
}

failed=0
expect() {
	local got
	got=$(generate "$2" "$3")
	echo "$2, $1: $got"
	[ "$(head -1 <<<"$got")" = "$4" ] || failed=1
}
expect "license with a name alone" 3.1.0 ',"license":{"name":"All rights reserved"}' refused
expect "license with an identifier" 3.1.0 ',"license":{"name":"MIT","identifier":"MIT"}' taken
expect "no license" 3.1.0 '' taken
expect "license with a name alone" 3.0.3 ',"license":{"name":"All rights reserved"}' taken
exit $failed
