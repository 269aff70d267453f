#!/usr/bin/env bash
# A TypeScript client by @hey-api/openapi-ts, compiled, and called against the
# local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=0.99.0

start_stack
sample hey-api
npm_install "@hey-api/openapi-ts@$version" typescript@5.9.3 @types/node@20.19.25
npx openapi-ts -i "$work/openapi.json" -o daybook
npx tsc --strict --skipLibCheck --target es2022 --lib es2022,dom,dom.iterable --module commonjs --moduleResolution node10 --types node --outDir out client.ts
node out/client.js "$url"
