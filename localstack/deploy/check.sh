#!/usr/bin/env bash
# Deploys to MiniStack, runs the end-to-end tests against what is deployed, and
# deploys once more to see that nothing changes: what CI runs. Then again with IAM
# authorization, on a MiniStack that verifies signatures and holds callers and
# functions to their policies. Everything is started and stopped here, on loopback.
cd "$(dirname "$0")" # what is checked is Daybook's own project
. ./lib.sh

export MINISTACK_PORT=${MINISTACK_PORT:-4566}
endpoint=http://127.0.0.1:$MINISTACK_PORT
# Deployed resources outlive a restart of MiniStack.
export PERSIST_STATE=1 STATE_DIR=$state/ministack
rm -rf "$STATE_DIR"
mkdir -p "$state"

# deployed deploys, quietly unless it fails, and prints what the CDK said.
deployed() {
  local said="$state/deploy.log"
  "$here/deploy.sh" "$endpoint" "$@" >"$said" 2>&1 || {
    cat "$said" >&2
    fail "the deployment has failed"
  }
}

# Without a token LocalStack is not even tried, and the reason is told.
said=$(LOCALSTACK_AUTH_TOKEN='' "$here/up.sh" localstack 2>&1) && fail "LocalStack was started without a token"
case "$said" in *"LOCALSTACK_AUTH_TOKEN is not set"*) ;; *) fail "without a token: $said" ;; esac

# policy prints the ARN of a policy for callers of what was deployed last.
policy() {
  sed -n "s/.*\"$1PolicyArn\": *\"\([^\"]*\)\".*/\1/p" "$state/outputs.json"
}

"$here/ministack.sh" start
trap '"$here/ministack.sh" stop' EXIT

go build -C "$daybook" -o "$state/daybook" ./cmd/daybook

for api in rest http; do
  deployed "stage=$api" "api=$api"
  "$here/e2e.sh"
  cli=("$state/daybook" -stage "$api" -endpoint "$endpoint")
  "${cli[@]}" parked -check || fail "a stream is parked"
  order=$("${cli[@]}" streams order -limit 1 -json | grep -o 'order/[^"]*')
  "${cli[@]}" redrive fulfilment "$order" >/dev/null
  "${cli[@]}" redrive shop "$order" >/dev/null
  echo "no view, process manager or outbox is behind, and a redrive finds timers and bus"
  deployed "stage=$api" "api=$api"
  grep -q "(no changes)" "$state/deploy.log" || {
    cat "$state/deploy.log" >&2
    fail "a second deployment without a change has changed the stack"
  }
  echo "a second deployment of the $api API changes nothing"
done

DAYBOOK_TEST_ENDPOINT=$endpoint DAYBOOK_TEST_ENGINE=ministack go test -C "$daybook" -count=1 -run Conform ./dynamo
echo "MiniStack's DynamoDB passes the conformance suites"

# With tokens asked for, MiniStack lets nobody in without one.
deployed stage=jwt api=http authorization=jwt jwtIssuer=https://id.shop.example jwtAudience=shop
url=$("$here/url.sh")
for request in "POST /commands/create-user" "GET /users" "GET /streams/user/7"; do
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --request "${request% *}" \
    --header 'Content-Type: application/json' --header 'Authorization: Bearer x.y.z' "$url${request#* }")
  [ "$status" = 401 ] || fail "$request with no valid token was answered with $status, not 401"
done
echo "requests with no valid token are refused"

# MiniStack's IAM refuses the CDK its own bucket, so the stacks are deployed before
# it is switched on. From then on nobody but the account's root, key "test", may do
# anything without a policy. TestRubbish is left out: this MiniStack reads bodies to
# find what a policy is about, and fails on numbers of 10,000 digits and deep nesting.
# So is, for HTTP APIs, a header with a token in place of a signature: it takes the
# caller for the root.
left_out='^TestRubbish$'

# Other faults of this MiniStack's IAM are met by grants. It takes every schedule
# for one of the group "default" (core/iam_actions.py, extract_resource_arn), whatever
# group the request names. It has no batch of messages authorized as sqs:SendMessage,
# as AWS does. And it is reached without TLS, which the queues' policy refuses.
# granted lets the functions of a stage do their work in spite of that.
granted() {
  local stack="daybook-$1" arn="arn:aws:%s:us-east-1:000000000000:%s" roles role
  roles=$(ask iam Action=ListRoles Version=2010-05-08 MaxItems=1000 | grep -o "<RoleName>$stack-[^<]*") || fail "no roles of $stack"
  for role in ${roles//<RoleName>/}; do
    case "$role" in
    "$stack"-CommandRole*) allow "$role" '"sqs:SendMessageBatch"' "$(printf "$arn" sqs "$stack-*")" ;;
    "$stack"-ProcessRole*) allow "$role" '"scheduler:CreateSchedule","scheduler:DeleteSchedule"' "$(printf "$arn" scheduler 'schedule/default/*')" ;;
    esac
  done
  for queue in commands dead-commands; do
    ask sqs Action=SetQueueAttributes Version=2012-11-05 "QueueUrl=$endpoint/000000000000/$stack-$queue.fifo" Attribute.1.Name=Policy Attribute.1.Value= >/dev/null
  done
}

# allow gives a role a policy: role, actions, resource.
allow() {
  ask iam Action=PutRolePolicy Version=2010-05-08 "RoleName=$1" PolicyName=emulator \
    "PolicyDocument={\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[$2],\"Resource\":\"$3\"}]}" >/dev/null
}

# ask calls a service that speaks AWS Query, of a MiniStack that checks nobody.
ask() {
  local service=$1 fields=() field
  shift
  for field in "$@"; do
    fields+=(--data-urlencode "$field")
  done
  curl --silent --show-error --fail "$endpoint/" "${fields[@]}" \
    --header "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/$service/aws4_request, SignedHeaders=host, Signature=0"
}

declare -A faults=([rest]="$left_out" [http]="$left_out|^TestRefusal\$/given/a_false_token")
for api in rest http; do
  deployed "stage=iam-$api" "api=$api" authorization=iam
  cp "$state/outputs.json" "$state/iam-$api.json"
  granted "iam-$api"
done
"$here/ministack.sh" stop
MINISTACK_AUTH=true "$here/ministack.sh" start
for api in rest http; do
  cp "$state/iam-$api.json" "$state/outputs.json"
  DAYBOOK_WRITE_POLICY=$(policy Write) DAYBOOK_READ_POLICY=$(policy Read) DAYBOOK_HISTORY_POLICY=$(policy History) \
    AWS_ENDPOINT_URL=$endpoint DAYBOOK_SIGN=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
    "$here/e2e.sh" -skip "${faults[$api]}"
  echo "the $api API lets in who has a policy for it, and nobody else"
done

DAYBOOK_TEST_IAM=$endpoint go test -C "$daybook" -count=1 -run UnderIAM ./cli
echo "operators' commands need the policies that they print, all of them and nothing more"
