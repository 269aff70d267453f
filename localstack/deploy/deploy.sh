#!/usr/bin/env bash
# Deploys Daybook to an emulator of AWS: deploy.sh ENDPOINT [setting=value ...]
#
# The app is the one that goes to AWS, by the same CDK command line. The settings
# differ: a REST API (LocalStack's free plan has it alone), open to all, the
# architecture of this machine, nothing is kept when the stack is deleted, and no
# alarm on the conflict ratio (MiniStack refuses alarms on a formula).
# Settings given here count before those.
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || fail "usage: deploy.sh ENDPOINT [setting=value ...]"
need curl "the script asks the endpoint with it"
need go "it builds the functions"
emulator "$1"
shift
answers "$endpoint" 5 || fail "nothing answers on $endpoint; make localstack-up starts an emulator"

context=(-c stage=local -c api=rest -c authorization=none -c removalPolicy=destroy -c conflictAlarm=0 -c "architecture=$(machine)")
for setting in "$@"; do
  context+=(-c "$setting")
done

mkdir -p "$state"
cdk bootstrap "${context[@]}" --output "$state/cdk.out" aws://000000000000/us-east-1
cdk deploy "${context[@]}" --output "$state/cdk.out" --require-approval never --outputs-file "$state/outputs.json" --all
echo "$endpoint" >"$state/endpoint"
echo "Daybook answers on $("$root/localstack/deploy/url.sh")"
