#!/usr/bin/env bash
# Runs real clients of other makers against the embedded DynamoDB and SQS, and
# fails when one gets an answer that it did not expect.
#
#   localstack/awsclients/run.sh [all] [folder]
#
# all      the libraries too, not only the SDKs
# folder   where to install, kept for the next run; a temporary one by default
#
# Needs Go, Node, npm and python3 with venv. Versions are pinned here. It speaks
# on loopback only.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export GOTOOLCHAIN=${GOTOOLCHAIN:-auto}

BOTO3=1.44.8
AWSCLI=1.46.3
SDK=(@aws-sdk/client-dynamodb@3.1169.0 @aws-sdk/lib-dynamodb@3.1169.0 @aws-sdk/client-dynamodb-streams@3.1141.0 @aws-sdk/client-sqs@3.1175.0)
LIBRARIES=(electrodb@3.9.3 dynamodb-toolbox@2.10.6 dynamodb-onetable@2.7.7 @castore/core@2.4.2
	@castore/event-storage-adapter-dynamodb@2.4.2 event-store-adapter-js@2.2.94 dynamodb-admin@5.3.3)
PERSISTENCEKIT=github.com/dogmatiq/persistencekit@v0.10.0

all=false
if [ "${1:-}" = all ]; then
	all=true
	shift
fi
server=
folder=${1:-}
scratch=$(mktemp -d)
cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	chmod -R u+w "$scratch" # Go's modules are read-only
	rm -rf "$scratch"
}
trap cleanup EXIT
if [ -n "$folder" ]; then
	mkdir -p "$folder"
	folder=$(cd "$folder" && pwd)
else
	folder=$scratch/install
	mkdir "$folder"
fi

# A fresh stack that keeps nothing, on ports that are free.
start() {
	(cd "$root" && go build -o "$scratch/localstack" ./localstack)
	: >"$scratch/log" # before the first look at it
	"$scratch/localstack" -addr 127.0.0.1:0 -dynamodb-addr 127.0.0.1:0 -data "" -outbox none >"$scratch/log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		ENDPOINT=$(sed -n 's/^ *DynamoDB *\(http:[^ ]*\).*/\1/p' "$scratch/log")
		[ -z "$ENDPOINT" ] || return 0
		sleep 0.1
	done
	cat "$scratch/log"
	echo "the local stack did not start"
	exit 1
}

javascript() {
	local packages=("${SDK[@]}")
	if $all; then packages+=("${LIBRARIES[@]}"); fi
	[ -f "$folder/package.json" ] || echo '{"private":true}' >"$folder/package.json"
	npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error "${packages[@]}"
	cp "$here"/*.mjs "$folder"
}

python() {
	[ -x "$folder/python/bin/aws" ] || python3 -m venv "$folder/python"
	"$folder/python/bin/pip" install --quiet --disable-pip-version-check "boto3==$BOTO3" "awscli==$AWSCLI"
	PATH="$folder/python/bin:$PATH" python3 "$here/sdk.py"
}

# The module's own tests of its DynamoDB drivers.
persistencekit() {
	local module
	module=$(go mod download -json "$PERSISTENCEKIT" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
	cp -r "$module" "$scratch/persistencekit"
	chmod -R u+w "$scratch/persistencekit"
	(cd "$scratch/persistencekit" && DOGMATIQ_TEST_DYNAMODB_ENDPOINT=$ENDPOINT go test -count=1 ./driver/aws/dynamojournal ./driver/aws/dynamokv)
}

start
export ENDPOINT AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=secret AWS_PAGER=
python
javascript
(cd "$folder" && node --no-warnings sdk.mjs)
if $all; then
	(cd "$folder" && node --no-warnings libraries.mjs && node --no-warnings admin.mjs)
	persistencekit
fi
echo "all clients passed"
