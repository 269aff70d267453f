#!/usr/bin/env bash
# Deploys the project of the working directory to an emulator of AWS:
#
#   deploy.sh [EMULATOR] [ENDPOINT] [setting=value ...]
#
# EMULATOR is ministack (default), localstack, localemu or fakecloud; ENDPOINT is
# http://127.0.0.1:4566 unless given.
#
# The app is the one that goes to AWS, by the same CDK command line. The settings
# differ: a REST API (LocalStack's free plan has only this), open to all, the
# architecture of this machine, nothing is kept when the stack is deleted, and no
# alarms on a formula, which MiniStack refuses. LocalEmu and fakecloud get no
# functions: the first runs them in Docker only, the second was not tried.
# Settings given here count before those.
. "$(dirname "$0")/lib.sh"

usage="usage: deploy.sh [ministack | localstack | localemu | fakecloud] [ENDPOINT] [setting=value ...]"
functions=all
case "${1:-}" in
ministack | ministack-docker | localstack) shift ;;
localemu | fakecloud) functions=none && shift ;;
"" | http://* | https://* | *=*) ;;
*) fail "there is no emulator $1; $usage" ;;
esac
at=http://127.0.0.1:4566
case "${1:-}" in http://* | https://*) at=$1 && shift ;; esac
for setting in "$@"; do
  case "$setting" in *=*) ;; *) fail "$setting is neither an endpoint nor a setting; $usage" ;; esac
done
need curl "the script asks the endpoint with it"
need go "it builds the functions"
emulator "$at"
answers "$endpoint" 5 || fail "nothing answers on $endpoint; make localstack-up starts an emulator"

context=(-c stage=local -c api=rest -c authorization=none -c removalPolicy=destroy -c conflictAlarm=0 -c silenceAlarm=false -c "functions=$functions" -c "architecture=$(machine)")
for setting in "$@"; do
  context+=(-c "$setting")
done

mkdir -p "$state"
cdk bootstrap "${context[@]}" --output "$state/cdk.out" aws://000000000000/us-east-1
cdk deploy "${context[@]}" --output "$state/cdk.out" --require-approval never --outputs-file "$state/outputs.json" --all
echo "$endpoint" >"$state/endpoint"
if grep -q '"ApiUrl"' "$state/outputs.json"; then
  echo "the API answers on $("$here/url.sh")"
else
  echo "tables, queues, timers and bus are on $endpoint; go run ./localstack -endpoint $endpoint runs the handlers on tables of its own there"
fi
