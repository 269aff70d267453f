#!/bin/sh
# Compares Daybook's embedded DynamoDB with the engines of which CI knows, and
# fails on any difference that allow/ does not explain. Needs Go, Node and npm;
# installs the engines into a folder of its own and speaks on loopback only.
#
#   localstack/compare/run.sh [folder]     folder: where to install, kept for the
#                                          next run; a temporary one by default
set -eu
. "$(dirname "$0")/engines.sh"

cd "$root"
go build -o "$engines/compare" ./localstack/compare
failed=0
# Each engine is a fresh process, started and ended by the comparison.
"$engines/compare" -engine dynoxide -exec "$dynoxide" 2>"$engines/dynoxide.log" || failed=1
"$engines/compare" -engine dynalite -exec "$dynalite" || failed=1
exit $failed
