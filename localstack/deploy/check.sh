#!/usr/bin/env bash
# Deploys to MiniStack, runs the end-to-end tests against what is deployed, and
# deploys once more to see that nothing changes: what CI runs. Everything is
# started and stopped here, on loopback.
. "$(dirname "$0")/lib.sh"

here="$root/localstack/deploy"
export MINISTACK_PORT=${MINISTACK_PORT:-4566}
endpoint=http://127.0.0.1:$MINISTACK_PORT

# deployed deploys, quietly unless it fails, and prints what the CDK said.
deployed() {
  local said="$state/deploy.log"
  "$here/deploy.sh" "$endpoint" "$@" >"$said" 2>&1 || {
    cat "$said" >&2
    fail "the deployment has failed"
  }
}

"$here/ministack.sh" start
trap '"$here/ministack.sh" stop' EXIT

for api in rest http; do
  deployed "stage=$api" "api=$api"
  "$here/e2e.sh"
  deployed "stage=$api" "api=$api"
  grep -q "(no changes)" "$state/deploy.log" || {
    cat "$state/deploy.log" >&2
    fail "a second deployment without a change has changed the stack"
  }
  echo "a second deployment of the $api API changes nothing"
done

# With tokens asked for, MiniStack lets nobody in without one.
deployed stage=jwt api=http authorization=jwt jwtIssuer=https://id.shop.example jwtAudience=shop
url=$("$here/url.sh")
for request in "POST /commands/create-user" "GET /users" "GET /streams/user/7"; do
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request "${request% *}" \
    --header 'Content-Type: application/json' --header 'Authorization: Bearer x.y.z' "$url${request#* }")
  [ "$status" = 401 ] || fail "$request with no valid token was answered with $status, not 401"
done
echo "requests with no valid token are refused"
