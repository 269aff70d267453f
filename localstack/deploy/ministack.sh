#!/usr/bin/env bash
# Starts and stops MiniStack, an emulator of AWS under the MIT licence, from PyPI
# and without Docker: ministack.sh start|stop. It runs in a virtual environment
# of its own below build/, listens on loopback only, and runs the functions as
# child processes. With MINISTACK_AUTH=true it verifies signatures and holds callers
# and functions to their IAM policies; key "test" is the account's root.
. "$(dirname "$0")/lib.sh"

version=1.5.33
port=${MINISTACK_PORT:-4566}
venv="$root/build/ministack-$version"
pidfile="$state/ministack.pid"
log="$state/ministack.log"

start() {
  need python3 "MiniStack is written in Python, 3.10 or newer"
  if [ -f "$pidfile" ] && kill -0 "$(cat "$pidfile")" 2>/dev/null; then
    fail "MiniStack runs already; ministack.sh stop ends it"
  fi
  mkdir -p "$state"
  if [ ! -x "$venv/bin/ministack" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "ministack==$version"
  fi
  # The functions inherit the endpoint; without it they would call AWS.
  env BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" MINISTACK_HOST=127.0.0.1 LAMBDA_EXECUTOR=local \
    AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
    AUTH="${MINISTACK_AUTH:-false}" AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true LOG_LEVEL="${MINISTACK_LOG_LEVEL:-INFO}" \
    TMPDIR="$state" "$venv/bin/ministack" >"$log" 2>&1 &
  echo $! >"$pidfile"
  if ! answers "http://127.0.0.1:$port/_ministack/health" 30; then
    stop
    tail -20 "$log" >&2
    fail "MiniStack does not answer; its log is $log"
  fi
  echo "MiniStack $version answers on http://127.0.0.1:$port; its log is $log"
}

stop() {
  [ -f "$pidfile" ] || return 0
  local pid
  pid=$(cat "$pidfile")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$pidfile"
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*) fail "usage: ministack.sh start|stop" ;;
esac
