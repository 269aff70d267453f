#!/usr/bin/env bash
# Prints the URL of the API that deploy.sh has deployed. The stack's output names
# an address of AWS; emulators answer for it below their own endpoint.
. "$(dirname "$0")/lib.sh"

[ -f "$state/outputs.json" ] || fail "nothing is deployed: make localstack-deploy ENDPOINT=… does it"
endpoint=$(cat "$state/endpoint")
url=$(sed -n 's/.*"ApiUrl": *"\([^"]*\)".*/\1/p' "$state/outputs.json")
address=${url#*://}
id=${address%%.*}
case "$address" in
*/?*) stage=${address#*/} ;;
*) stage='$default' ;;
esac
echo "$endpoint/_aws/execute-api/$id/${stage%/}"
