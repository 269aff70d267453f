#!/usr/bin/env bash
# TypeScript types by openapi-typescript with openapi-fetch as the client,
# compiled, and called against the local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
version=7.13.0
fetch_version=0.17.0

start_stack
sample openapi-typescript
echo '{"type":"module"}' >package.json
npm_install "openapi-typescript@$version" "openapi-fetch@$fetch_version" typescript@5.9.3 @types/node@20.19.25
npx openapi-typescript "$work/openapi.json" -o daybook.d.ts
npx tsc --strict --target es2022 --module nodenext --types node client.ts
node client.js "$url"
