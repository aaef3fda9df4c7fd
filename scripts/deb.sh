#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: deb.sh DIR
#
# Debian packages into DIR/deb, from a copy of what git has as it stands in the
# working tree; then lintian, and a try of what is in them (deb-test.sh).
set -eu
cd "$(dirname "$0")/.."
out=${1:?usage: deb.sh DIR}/deb

for program in dpkg-buildpackage dh lintian meson; do
	command -v "$program" >/dev/null || {
		echo "deb: $program is missing; make deps-deb" >&2
		exit 3
	}
done
version=$(dpkg-parsechangelog -S Version)
project=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
if [ "$version" != "$project" ]; then
	echo "deb: debian/changelog has $version, meson.build $project" >&2
	exit 3
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 3' INT TERM
mkdir "$scratch/lull-$version"
git ls-files -z | tar -c --null -T - | tar -x -C "$scratch/lull-$version"
if ! (cd "$scratch/lull-$version" && dpkg-buildpackage -us -uc --jobs=auto) \
	>"$scratch/log" 2>&1; then
	tail -n 40 "$scratch/log" >&2
	echo "deb: dpkg-buildpackage failed" >&2
	exit 1
fi
rm -rf "$out"
mkdir -p "$out"
find "$scratch" -maxdepth 1 -type f ! -name log -exec mv {} "$out" \;
lintian --allow-root --fail-on error,warning "$out"/*.changes
scripts/deb-test.sh "$out"
ls "$out"/*.deb
