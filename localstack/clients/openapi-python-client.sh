#!/usr/bin/env bash
# A Python client by openapi-python-client, type-checked, and called against the
# local stack. The generator warns and ends with 0 when it leaves an operation
# out, so they are counted.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=0.29.1

start_stack
sample openapi-python-client
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check "openapi-python-client==$version"
"$work/venv/bin/openapi-python-client" generate --path "$work/openapi.json" --output-path daybook --meta none | tee "$work/generator.log"
described=$(grep -o '"operationId"' "$work/openapi.json" | wc -l)
generated=$(find daybook/api -mindepth 2 -name '*.py' ! -name __init__.py | wc -l)
if [ "$described" != "$generated" ]; then
	echo "$described operations are described, $generated generated" >&2
	exit 1
fi
"$work/venv/bin/python" client.py "$url"
