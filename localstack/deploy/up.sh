#!/usr/bin/env bash
# Starts an emulator of AWS on http://127.0.0.1:4566: up.sh ministack (from PyPI,
# without Docker), ministack-docker or localstack (in Docker); up.sh down stops
# what it has started.
. "$(dirname "$0")/lib.sh"

# compose starts one of the compose files and waits until it is healthy.
compose() {
  need docker "$1 runs in a container; make localstack-up EMULATOR=ministack needs none"
  docker compose -f "$here/compose.$1.yaml" up --detach --wait
}

case "${1:-ministack}" in
ministack) "$here/ministack.sh" start ;;
ministack-docker) compose ministack ;;
localstack)
  [ -n "${LOCALSTACK_AUTH_TOKEN:-}" ] || fail "LOCALSTACK_AUTH_TOKEN is not set: LocalStack starts with the token of an account (https://app.localstack.cloud) only; make localstack-up EMULATOR=ministack needs none"
  compose localstack
  ;;
down)
  "$here/ministack.sh" stop
  if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    for file in "$here"/compose.*.yaml; do
      LOCALSTACK_AUTH_TOKEN=${LOCALSTACK_AUTH_TOKEN:-none} docker compose -f "$file" down
    done
  fi
  ;;
*) fail "usage: up.sh [ministack | ministack-docker | localstack | down]" ;;
esac
