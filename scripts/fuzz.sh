#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: fuzz.sh SECONDS [NAME...]
#
# Runs each fuzzer so long, from its corpus in the tree. New inputs stay in
# build-fuzz/new; a crash is left there too, and fails.
set -eu
seconds=$1
shift
[ -d build-fuzz ] || CC=clang meson setup build-fuzz -Dfuzz=true \
	-Dsuffix=-fuzz -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C build-fuzz $(cd fuzz && for f in fuzz_*.c; do echo "fuzz/${f%.c}-fuzz"; done) >/dev/null
for f in ${*:-$(cd fuzz && ls fuzz_*.c)}; do
	name=${f%.c}
	mkdir -p "build-fuzz/new/$name"
	"build-fuzz/fuzz/$name-fuzz" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=4096 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/new/$name/" \
		"build-fuzz/new/$name" "fuzz/corpus/$name" 2>"build-fuzz/new/$name.log" || {
		tail -n 40 "build-fuzz/new/$name.log" >&2
		exit 1
	}
	grep -E 'stat::(number_of_executed_units|new_units_added)' \
		"build-fuzz/new/$name.log" | sed "s/^/$name /"
done
