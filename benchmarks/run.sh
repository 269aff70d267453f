#!/usr/bin/env bash
# Daybook beside its peers: installs what is missing, builds the pinned peers,
# measures, and writes docs/benchmarks.md, the README's table and the plots.
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=auto

install() {
	local missing=()
	command -v cc >/dev/null || missing+=(build-essential)
	command -v cmake >/dev/null || missing+=(cmake)
	command -v node >/dev/null || missing+=(nodejs npm)
	command -v cargo >/dev/null || missing+=(rustup)
	[ "${#missing[@]}" -eq 0 ] && return
	apt-get update -q
	apt-get install -qy --no-install-recommends "${missing[@]}"
	command -v cargo >/dev/null || rustup default stable
}

install
(cd castore && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
(cd dynamo-es && cargo build --release --locked)
go run . run
go run . report
go run . ratios
