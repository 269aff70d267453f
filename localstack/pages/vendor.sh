#!/usr/bin/env bash
# Brings the files of Swagger UI that package pages embeds, from npm, and writes
# their manifest; or, with "check", compares what is here with npm.
#
#   localstack/pages/vendor.sh [check]
#
# For another version change it here, run this, and look at /docs.
set -euo pipefail
cd "$(dirname "$0")"
package=swagger-ui-dist
version=5.35.0
files=(LICENSE NOTICE swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "$package@$version" >/dev/null
tar -xzf "$work/$package-$version.tgz" -C "$work"
for file in "${files[@]}"; do
	if [ "${1:-}" = check ]; then
		cmp "$work/package/$file" "swagger-ui/$file"
	else
		install -m 644 "$work/package/$file" "swagger-ui/$file"
	fi
done
[ "${1:-}" != check ] || exit 0
(
	cd swagger-ui
	printf '{\n  "package": "%s",\n  "version": "%s",\n  "sha256": {\n' "$package" "$version"
	sha256sum "${files[@]}" | sed 's/^\([0-9a-f]*\)  \(.*\)$/    "\2": "\1",/; $ s/,$//'
	printf '  }\n}\n'
) >swagger-ui/manifest.json
