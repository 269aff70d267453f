# Shared by the scripts of this directory; sourced, not run. Fetches the engines
# that CI knows into the folder $1 (kept for the next run; without it, a temporary
# one) and sets dynoxide and dynalite, the commands that start them on {port}.

root=$(cd "$(dirname "$0")/../.." && pwd)
[ "${GOTOOLCHAIN:-local}" != local ] || export GOTOOLCHAIN=auto
if [ $# -gt 0 ]; then
	mkdir -p "$1"
	engines=$(cd "$1" && pwd)
else
	engines=$(mktemp -d)
	trap 'rm -rf "$engines"' EXIT
fi
case "$(uname -s)-$(uname -m)" in
Linux-x86_64) package=@dynoxide/linux-x64 ;;
Linux-aarch64) package=@dynoxide/linux-arm64 ;;
Darwin-x86_64) package=@dynoxide/darwin-x64 ;;
Darwin-arm64) package=@dynoxide/darwin-arm64 ;;
*)
	echo "no Dynoxide for $(uname -sm)" >&2
	exit 1
	;;
esac
npm install --prefix "$engines" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	"$package@1.2.1" dynalite@4.0.0
dynoxide="$engines/node_modules/$package/dynoxide serve --port {port}"
dynalite="node $engines/node_modules/dynalite/cli.js --host 127.0.0.1 --port {port} --createTableMs 0 --deleteTableMs 0 --updateTableMs 0"
