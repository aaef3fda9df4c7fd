#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: check.sh [SEEDS]
#
# All tests: the build that people get, with gcc; the same tests with ASan and
# UBSan; clang without a warning; the fuzzers and the simulator for a while.
# The last line is the sum: "N passed, N failed, N skipped". Exit 0 or 1.
#
# The simulator takes SEEDS (600) fresh seeds, made from the commit's id, so
# that each commit tries others; the line that repeats a failure is printed.
set -eu
cd "$(dirname "$0")/.."
seeds=${1:-600}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' INT TERM
passed=0 failed=0 skipped=0

say() { printf '\n== %s\n' "$*"; }
pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "not ok - $*"; }

# configure DIR CC OPTIONS...: a build directory, made or kept.
configure() {
	dir=$1 cc=$2
	shift 2
	if [ -f "$dir/build.ninja" ]; then
		meson configure "$dir" "$@" >"$out/log" 2>&1
	else
		CC=$cc meson setup "$dir" "$@" >"$out/log" 2>&1
	fi || { cat "$out/log"; exit 1; }
}

# build DIR [TARGET...]: counts as a test, since warnings are errors.
build() {
	if ninja -C "$@" >"$out/log" 2>&1; then
		pass
	else
		grep -v '^\[' "$out/log" || :
		fail "build $1"
		return 1
	fi
}

# run_tests DIR OPTIONS...: meson's tests, each TAP line counted.
run_tests() {
	dir=$1
	shift
	good=yes
	meson test -C "$dir" --no-rebuild --print-errorlogs "$@" \
		>"$out/log" 2>&1 || good=no
	[ $good = yes ] || cat "$out/log"
	python3 scripts/sum.py "$dir/meson-logs/testlog.json" >"$out/sum" ||
		{ fail "the log of $dir"; return 0; }
	read -r p f s <"$out/sum"
	sed 1d "$out/sum"
	echo "$p passed, $f failed, $s skipped"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	[ $good = yes ] || [ "$f" -gt 0 ] || fail "meson test in $dir"
}

# sim PROGRAM FIRST LAST [OPTIONS...]: the last line in $out/sim, failing seeds on
# stdout.
sim() {
	program=$1 seeds_now=$2..$3
	shift 3
	if "$program" --seeds "$seeds_now" "$@" >"$out/sim.log" 2>&1; then
		pass
	else
		head -n 40 "$out/sim.log"
		fail "sim --seeds $seeds_now $*"
	fi
	tail -n 1 "$out/sim.log" >"$out/sim"
}

# Another number for each commit, from which samples are drawn.
first=$(git rev-parse HEAD 2>/dev/null || echo 1)
first=$(printf '%d' "0x$(printf '%.7s' "$first")")
FUZZ_SEED=$first
export FUZZ_SEED

say "gcc, as released"
configure build cc -Dtests=true -Dwerror=true
build build && run_tests build

say "gcc, with ASan and UBSan"
configure build-asan cc -Dtests=true -Dsuffix=-asan -Dbuildtype=debug \
	-Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false
ASAN_OPTIONS=abort_on_error=1
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export ASAN_OPTIONS UBSAN_OPTIONS
build build-asan && run_tests build-asan --timeout-multiplier 3 --suite unit --suite host --suite tools

say "gets from pools that fail, over unit tests: a sample, always the same"
if scripts/exhaust.py build test_backlog test_close test_closing test_listen \
	test_neigh test_open test_reass test_reuse test_sock test_timewait \
	--sample 1 60; then pass; else fail "exhaust.py"; fi

fuzzers=$(cd fuzz && ls fuzz_*.c | wc -l)
fuzz_s=$((45 / fuzzers)) # all together: less than a minute
say "clang, warnings are errors; the fuzzers from their corpus, $fuzz_s s each"
configure build-fuzz clang -Dfuzz=true -Dtests=true -Dwerror=true \
	-Dsuffix=-fuzz -Db_sanitize=address,undefined -Db_lundef=false
if build build-fuzz; then
	for name in fuzz/fuzz_*.c; do
		name=${name#fuzz/fuzz_} name=${name%.c}
		if scripts/fuzz.sh "$fuzz_s" "$name"; then pass; else
			fail "fuzz_$name"
		fi
	done
fi

say "the simulator"
sim build/lull-sim "$first" $((first + seeds - 1))
cat "$out/sim"
cp "$out/sim" "$out/once"
sim build/lull-sim "$first" $((first + 49))
cp "$out/sim" "$out/once"
sim build/lull-sim "$first" $((first + 49))
if cmp -s "$out/once" "$out/sim"; then pass; else
	fail "the same seeds, another hash: $(cat "$out/once" "$out/sim")"
fi
sim build-asan/lull-asan-sim "$first" $((first + 39))
# Each pool fails once, at a get that each commit chooses anew.
fails=0
for pool in connections half-open handles closing-IPv4 closing-IPv6 \
	buffers-256 buffers-2k destinations port-maps; do
	n=$((1 + first % 97)) first_failing=$((first + fails * 3))
	fails=$((fails + 1))
	sim build/lull-sim "$first_failing" $((first_failing + 2)) \
		--fail "$pool:$n"
done
# Attacks on the reuse of pairs: every combination of each, a multiple of 24.
scenes=$((first / 24 * 24))
if build/lull-sim --scenario all --seeds $scenes..$((scenes + 23)) \
	>"$out/scenes" 2>&1; then pass; else fail "sim --scenario all"; fi
cat "$out/scenes"
# Seeds that once found a bug; a line that names what is not there fails.
if build/lull-sim --regressions tests/regressions.txt >"$out/again" 2>&1
then pass; else fail "sim --regressions"; fi
cat "$out/again"

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
