#!/usr/bin/env bash
# Synthesizes every variant of infra/testdata/variants offline and runs cfn-lint
# over the templates, from PyPI, in a virtual environment of its own below build/.
set -euo pipefail

version=1.58.0
root=$(cd "$(dirname "$0")/.." && pwd)
venv="$root/build/cfn-lint-$version"
out="$root/build/lint"
[ "${GOTOOLCHAIN:-local}" != local ] || export GOTOOLCHAIN=auto

for program in node go python3; do
  command -v $program >/dev/null || { echo "daybook: $program is not installed" >&2; exit 1; }
done
if [ ! -x "$venv/bin/cfn-lint" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "cfn-lint==$version"
fi

rm -rf "$out"
mkdir -p "$out"
cd "$root"
go build -o "$out/app" ./infra
export out
synth() { CDK_OUTDIR="$out/$(basename "$1" .json)" CDK_CONTEXT_JSON=$(cat "$1") "$out/app"; }
export -f synth
printf '%s\0' infra/testdata/variants/*.json | xargs -0 -P 2 -n 1 bash -c 'synth "$1"' _

# W3005: the CDK writes dependencies that a reference implies already.
printf '%s\0' "$out"/*/*.template.json | xargs -0 -P 2 -n 4 "$venv/bin/cfn-lint" --ignore-checks W3005 --
echo "cfn-lint: $(ls -d "$out"/*/ | wc -l) variants are clean"
