#!/usr/bin/env bash
# A Java client by openapi-generator, compiled, and called against the local stack.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$here/openapi-generator.sh"

start_stack
sample openapi-generator-java
generate java daybook --library native --additional-properties=hideGenerationTimestamp=true
cp Client.java daybook/src/main/java/
cd daybook
mvn -q -B -DskipTests package dependency:build-classpath -Dmdep.outputFile="$work/classpath"
java -cp "target/classes:$(cat "$work/classpath")" Client "$url"
