#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: fuzz.sh SECONDS [TARGET...]
#
# Runs each fuzzer, or each TARGET (segments, http, ...), so long, from its corpus
# in the tree. Prints what it did: inputs run, those that were kept since they
# reached something new, and edges of the code and features reached at the end.
# Kept inputs stay in build-fuzz/new; a crash is left there too, and fails.
#
# FUZZ_SEED=N: libFuzzer's random numbers from this seed. Its entropic schedule is
# off: with inputs that share most of their way it took three quarters of the time.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
all=$(cd fuzz && for f in fuzz_*.c; do f=${f#fuzz_} && echo "${f%.c}"; done)
for name in "$@"; do
	[ -f "fuzz/fuzz_$name.c" ] || {
		echo "fuzz: $name: there is no such target; there are" $all >&2
		exit 64
	}
done
[ -d build-fuzz ] || CC=clang meson setup build-fuzz -Dfuzz=true \
	-Dsuffix=-fuzz -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
ninja -C build-fuzz $(for name in ${*:-$all}; do
	echo "fuzz/fuzz_$name-fuzz"
done) >/dev/null
for name in ${*:-$all}; do
	new=build-fuzz/new/fuzz_$name
	mkdir -p "$new"
	"build-fuzz/fuzz/fuzz_$name-fuzz" -max_total_time="$seconds" \
		-timeout=10 -rss_limit_mb=4096 -max_len=1500 -entropic=0 \
		-seed="${FUZZ_SEED:-0}" -print_final_stats=1 -close_fd_mask=1 \
		-artifact_prefix="$new/" "$new" "fuzz/corpus/fuzz_$name" \
		2>"$new.log" || {
		tail -n 40 "$new.log" >&2
		echo "fuzz: $name failed; its input is in $new" >&2
		exit 1
	}
	awk -v name="$name" '
		/^stat::number_of_executed_units/ { run = $2 }
		/^stat::new_units_added/ { new = $2 }
		/ cov: / { for (i = 1; i < NF; i++) {
			if ($i == "cov:") edges = $(i + 1)
			if ($i == "ft:") features = $(i + 1) } }
		END { printf "%-10s %8d inputs, %5d new, %6d edges, %6d features\n",
			name, run, new, edges, features }' "$new.log"
done
