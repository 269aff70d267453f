#!/usr/bin/env bash
# Generates, compiles and calls a client by each generator, or by those named:
#
#   localstack/clients/run.sh [oapi-codegen ogen …]
set -euo pipefail
cd "$(dirname "$0")"
names=("$@")
[ $# -gt 0 ] || names=(oapi-codegen ogen openapi-generator-go openapi-generator-java openapi-python-client openapi-typescript hey-api)
failed=()
for name in "${names[@]}"; do
	printf '\n-- %s\n' "$name"
	"./$name.sh" || failed+=("$name")
done
if [ "${#failed[@]}" -gt 0 ]; then
	echo "failed: ${failed[*]}" >&2
	exit 1
fi
