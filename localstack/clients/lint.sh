#!/usr/bin/env bash
# The OpenAPI description through Redocly's and Spectral's recommended rules, with
# warnings as errors: as the local stack answers it, and as deployments with IAM
# and with a JWT issuer do; and the AsyncAPI description through AsyncAPI's own
# parser. The linters fetch nothing once they are installed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
redocly=2.77.0
spectral=6.16.3
asyncapi=3.6.6

start_stack
go build -C "$root" -o "$work/document" ./localstack/clients/document
cd "$work"
mv openapi.json local.json
curl -sSf "$url/asyncapi.json" -o asyncapi.json
for authorization in iam jwt; do
	./document -authorization "$authorization" >"$authorization.json"
done
npm_install "@redocly/cli@$redocly" "@stoplight/spectral-cli@$spectral" "@asyncapi/parser@$asyncapi"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
node_modules/.bin/redocly lint --config "$here/lint/redocly.yaml" local.json iam.json jwt.json
node_modules/.bin/spectral lint --fail-severity warn --ruleset "$here/lint/spectral.yaml" local.json iam.json jwt.json
cp "$here/lint/asyncapi.mjs" .
node asyncapi.mjs asyncapi.json
