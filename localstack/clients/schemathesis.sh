#!/usr/bin/env bash
# Requests made from the OpenAPI description, valid and not, against the local
# stack: nothing answers 5xx or otherwise than described, and no stream is parked.
#
#   localstack/clients/schemathesis.sh [seconds, 600 by default]
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=4.32.5
seconds=${1:-600}

start_stack -dynamodb-addr 127.0.0.1:0
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check "schemathesis==$version"
cd "$work"
cp "$here"/schemathesis/* .
SCHEMATHESIS_HOOKS=checks "$work/venv/bin/schemathesis" run "$work/openapi.json" --url "$url" \
	--max-time "$seconds" --rate-limit 20/s --seed 1 --suppress-health-check all --continue-on-failure --no-color

# Views follow; then the operator's command looks for parked streams and compares
# every row with the events.
export DAYBOOK_ENDPOINT
DAYBOOK_ENDPOINT=$(sed -n 's/^ *DynamoDB *\(http[^ ]*\).*/\1/p' "$work/stack.log")
go build -C "$root" -o "$work/daybook" ./cmd/daybook
for _ in $(seq 30); do
	"$work/daybook" verify >"$work/verify.log" 2>&1 && break
	sleep 1
done
"$work/daybook" verify
parked=$("$work/daybook" parked -json)
if [ -n "$parked" ]; then
	printf 'parked streams:\n%s\n' "$parked" >&2
	exit 1
fi
