#!/usr/bin/env bash
# Runs Daybook on engines that others made: the conformance suites of the event
# store and the query tables, and the end-to-end tests against
# go run ./localstack -endpoint. A test that an engine can't pass is named in
# dynamo/engine_test.go. Needs Go, Node and npm; speaks on loopback only.
#
#   localstack/compare/conformance.sh [folder]     folder: as for run.sh
set -euo pipefail
. "$(dirname "$0")/engines.sh"
cd "$root"

started=()
stop() {
	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	started=()
}
# engines.sh removes a folder of its own when the shell ends; so does this, then.
if [ $# -gt 0 ]; then trap stop EXIT; else trap 'stop; rm -rf "$engines"' EXIT; fi

# serve NAME COMMAND starts a fresh process on a free port and waits for it.
serve() {
	local port
	port=$(node -e 's = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
	url=http://127.0.0.1:$port
	${2//\{port\}/$port} >"$engines/$1.log" 2>&1 &
	started+=($!)
	for _ in $(seq 150); do
		if curl --silent --output /dev/null "$url"; then return; fi
		sleep 0.1
	done
	cat "$engines/$1.log" >&2
	echo "$1 does not answer on $url" >&2
	exit 1
}

# conforms ENGINE TESTS runs conformance suites against $url.
conforms() {
	DAYBOOK_TEST_ENDPOINT=$url DAYBOOK_TEST_ENGINE=$1 go test -count=1 -run "$2" ./dynamo
	echo "$1: the conformance suites pass"
}

serve dynoxide "$dynoxide"
conforms dynoxide Conform
stop

serve dynoxide "$dynoxide"
go build -o "$engines/localstack" ./localstack
: >"$engines/daybook.log" # before the first look at it
"$engines/localstack" -endpoint "$url" -data "" -addr 127.0.0.1:0 >"$engines/daybook.log" 2>&1 &
started+=($!)
api=
for _ in $(seq 300); do
	api=$(sed -n 's/^ *API  *//p' "$engines/daybook.log")
	if [ -n "$api" ] || ! kill -0 "${started[-1]}" 2>/dev/null; then break; fi
	sleep 0.1
done
[ -n "$api" ] || { cat "$engines/daybook.log" >&2; exit 1; }
DAYBOOK_URL=$api go test -count=1 ./domain/e2e
echo "dynoxide: the end-to-end tests pass on it"
stop

# dynalite has no streams, which the events table needs.
serve dynalite "$dynalite"
conforms dynalite 'Test(Routed)?TablesConform'
