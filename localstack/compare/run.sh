#!/bin/sh
# Compares Daybook's embedded DynamoDB with the engines of which CI knows, and
# fails on any difference that allow/ does not explain. Needs Go, Node and npm;
# installs the engines into a folder of its own and speaks on loopback alone.
#
#   localstack/compare/run.sh [folder]     folder: where to install, kept for the
#                                          next run; a temporary one by default
set -eu
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ]; then
	mkdir -p "$1"
	engines=$(cd "$1" && pwd)
else
	engines=$(mktemp -d)
	trap 'rm -rf "$engines"' EXIT
fi
case "$(uname -s)-$(uname -m)" in
Linux-x86_64) dynoxide=@dynoxide/linux-x64 ;;
Linux-aarch64) dynoxide=@dynoxide/linux-arm64 ;;
Darwin-x86_64) dynoxide=@dynoxide/darwin-x64 ;;
Darwin-arm64) dynoxide=@dynoxide/darwin-arm64 ;;
*)
	echo "compare: no Dynoxide for $(uname -sm)" >&2
	exit 1
	;;
esac
npm install --prefix "$engines" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	"$dynoxide@1.2.1" dynalite@4.0.0

go build -o "$engines/compare" ./localstack/compare
failed=0
# Each engine is a fresh process, started and ended by the comparison.
"$engines/compare" -engine dynoxide \
	-exec "$engines/node_modules/$dynoxide/dynoxide serve --port {port}" 2>"$engines/dynoxide.log" || failed=1
"$engines/compare" -engine dynalite \
	-exec "node $engines/node_modules/dynalite/cli.js --host 127.0.0.1 --port {port} --createTableMs 0 --deleteTableMs 0 --updateTableMs 0" || failed=1
exit $failed
