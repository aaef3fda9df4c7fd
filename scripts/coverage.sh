#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: coverage.sh [SEEDS]
#
# Which lines of the core (src/) all tests together reach: unit, host and tool
# tests, and SEEDS (100) of the simulator; without the fuzzers. Builds into
# build-cov with gcc's --coverage; scripts/coverage.py adds up what gcov(1) says of
# it. Tests that fail under it say so and do not end it.
set -eu
cd "$(dirname "$0")/.."
seeds=${1:-100}
if [ ! -f build-cov/build.ninja ]; then
	meson setup build-cov -Dtests=true -Dsuffix=-cov -Db_coverage=true \
		-Dbuildtype=debug -Doptimization=0 >/dev/null
fi
ninja -C build-cov >/dev/null
find build-cov -name '*.gcda' -exec rm -f {} +
meson test -C build-cov --no-rebuild --suite unit --suite host --suite tools \
	>build-cov/tests.log 2>&1 ||
	echo "coverage: some tests failed: build-cov/tests.log"
build-cov/lull-cov-sim --seeds "1..$seeds" | tail -n 1
build-cov/lull-cov-sim --scenario ts-random --seeds 0..23 | tail -n 1
python3 scripts/coverage.py build-cov
