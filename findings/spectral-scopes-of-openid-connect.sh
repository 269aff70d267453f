#!/usr/bin/env bash
# @stoplight/spectral-cli 6.16.3 (npm), ruleset spectral:oas
#
# A security requirement that names scopes of an openIdConnect scheme draws
# oas3-operation-security-defined: "must be listed among scopes". OpenAPI (3.0 and
# 3.1) lets a requirement name scopes for oauth2 and openIdConnect schemes, but an
# openIdConnect scheme has no list of scopes: the discovery document has. The list
# can only be written as a member that the scheme does not have.
#
# Where a user meets it: an API behind an OpenID Connect issuer whose operations
# say which scope they need, linted in CI with warnings as errors.
#
# Seen on 2026-11-29:
#   openIdConnect: oas3-operation-security-defined ""read" must be listed among scopes."
#   without the scope: no result of the rule
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --prefix "$dir" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error @stoplight/spectral-cli@6.16.3 >/dev/null
echo 'extends: [["spectral:oas", all]]' >ruleset.yaml

# lint SCOPES: prints what the rule says.
lint() {
	cat >openapi.json <<JSON
{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"a","security":[{"oidc":[$1]}],"responses":{"204":{"description":"d"}}}}},
 "components":{"securitySchemes":{"oidc":{"type":"openIdConnect","openIdConnectUrl":"https://id.example.com/.well-known/openid-configuration"}}}}
JSON
	node_modules/.bin/spectral lint --ruleset ruleset.yaml --format text openapi.json 2>/dev/null | grep -o 'oas3-operation-security-defined .*' || true
}

scoped=$(lint '"read"')
bare=$(lint '')
printf 'openIdConnect: %s\nwithout the scope: %s\n' "$scoped" "${bare:-no result of the rule}"
grep -q 'must be listed among scopes' <<<"$scoped" && [ -z "$bare" ]
