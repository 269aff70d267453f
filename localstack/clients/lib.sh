# Shared by the scripts of this directory; sourced, not run. Makes the folder
# $work, removed at the end, with the local stack's OpenAPI description in
# openapi.json. The stack answers at $url on a free port, keeps nothing, and is
# ended by its pid.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here="$root/localstack/clients"
export GOTOOLCHAIN=${GOTOOLCHAIN:-auto}
work=$(mktemp -d)
stack=
trap end_stack EXIT

end_stack() {
	if [ -n "$stack" ]; then
		kill "$stack" 2>/dev/null || true
		wait "$stack" 2>/dev/null || true
	fi
	chmod -R u+w "$work"
	rm -rf "$work"
}

# start_stack [flag...] starts the local stack and reads its description.
start_stack() {
	(cd "$root" && go build -o "$work/localstack" ./localstack)
	: >"$work/stack.log" # before the first look at it
	"$work/localstack" -addr 127.0.0.1:0 -dynamodb-addr "" -data "" -outbox none "$@" >"$work/stack.log" 2>&1 &
	stack=$!
	for _ in $(seq 300); do
		url=$(sed -n 's/^ *API *//p' "$work/stack.log")
		[ -z "$url" ] || break
		kill -0 "$stack" 2>/dev/null || break
		sleep 0.1
	done
	if [ -z "$url" ]; then
		echo "the local stack did not start:" >&2
		cat "$work/stack.log" >&2
		return 1
	fi
	curl -sSf "$url/openapi.json" -o "$work/openapi.json"
}

# sample NAME copies the program that uses the client into $work/NAME.
sample() {
	cp -R "$here/testdata/$1" "$work/$1"
	cd "$work/$1"
}

# npm_install PACKAGE... installs exactly these into the current folder.
npm_install() {
	npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "$@"
}
