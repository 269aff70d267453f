# Shared by the scripts of this directory; sourced, not run.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
daybook=$(cd "$here/../.." && pwd) # the checkout with these scripts
# The project that is deployed is the one around the working directory: of Daybook
# itself, or one that init made. Elsewhere it is Daybook.
root=$PWD
until [ -f "$root/cdk.json" ] || [ "$root" = / ]; do root=$(dirname "$root"); done
[ -f "$root/cdk.json" ] || root=$daybook
state="$root/build/localstack" # what the scripts leave behind
[ "${GOTOOLCHAIN:-local}" != local ] || export GOTOOLCHAIN=auto

# fail ends the script with a message.
fail() {
  echo "daybook: $*" >&2
  exit 1
}

# need checks that a program is there.
need() {
  command -v "$1" >/dev/null || fail "$1 is not installed: $2"
}

# emulator points every AWS client below this script to the endpoint, with
# credentials that no one checks, and away from any real account.
emulator() {
  endpoint=${1%/}
  case "$endpoint" in
  http://* | https://*) ;;
  *) fail "the endpoint must be a URL such as http://127.0.0.1:4566" ;;
  esac
  case "$endpoint" in *.amazonaws.com*) fail "$endpoint is AWS itself; docs/deploy.md says how to deploy there" ;; esac
  unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
  export AWS_ENDPOINT_URL=$endpoint AWS_ENDPOINT_URL_S3=$endpoint
  export AWS_ACCESS_KEY_ID=${EMULATOR_ACCESS_KEY_ID:-test} AWS_SECRET_ACCESS_KEY=${EMULATOR_SECRET_ACCESS_KEY:-test}
  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
  export CDK_DISABLE_CLI_TELEMETRY=true
}

# answers waits until the endpoint answers, for so many seconds.
answers() {
  local deadline=$((SECONDS + $2))
  until curl --silent --output /dev/null --max-time 2 "$1"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.2
  done
}

# cdk is the pinned CDK command line.
cdk() {
  need node "the CDK runs on it"
  if [ ! -x "$root/node_modules/.bin/cdk" ]; then
    (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  fi
  (cd "$root" && node_modules/.bin/cdk --no-notices "$@")
}

# machine is the architecture of this machine by Lambda's name: an emulator runs
# the functions as processes or containers of it.
machine() {
  case "$(uname -m)" in
  x86_64 | amd64) echo x86_64 ;;
  aarch64 | arm64) echo arm64 ;;
  *) fail "Lambda has no $(uname -m)" ;;
  esac
}
