# Shared by the scripts of the two clients by openapi-generator; sourced, not run.
# Maven fetches its jar.
version=7.17.0

# generate GENERATOR FOLDER [option...]
generate() {
	local generator=$1 folder=$2
	shift 2
	mvn -q -B dependency:copy -Dartifact="org.openapitools:openapi-generator-cli:$version" -DoutputDirectory="$work"
	java -jar "$work/openapi-generator-cli-$version.jar" generate -g "$generator" -i "$work/openapi.json" -o "$folder" "$@" >"$work/generator.log" 2>&1 ||
		{ tail -40 "$work/generator.log" >&2; return 1; }
}
