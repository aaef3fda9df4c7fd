#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `lull ss` beside ss and netstat, on TIME_WAITs in a network namespace of its
# own, in turns; prints medians. Needs root, gcc, ss, netstat.
#
#	bench/ss.sh [LULL [COUNT [ROUNDS]]]
#
# TIME_WAITs live for 60 s, which is what the rounds have.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
lull=$(realpath "${1:-build/lull}")
count=${2:-200000} rounds=${3:-7}
deadline_s=50

if [ "${LULL_BENCH_SS:-}" != inside ]; then
	for p in gcc ss netstat unshare awk; do
		command -v "$p" >/dev/null || { echo "bench: needs $p" >&2; exit 3; }
	done
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	gcc -O2 -o "$tmp/fill" "$here/fill_kernel.c"
	LULL_BENCH_SS=inside TMP_BENCH=$tmp timeout 180 \
		unshare -n bash "$0" "$lull" "$count" "$rounds"
	exit
fi

tmp=$TMP_BENCH
ip link set lo up
# The host's limits are not touched: these are the namespace's.
echo $((2 * count)) > /proc/sys/net/ipv4/tcp_max_tw_buckets
echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse
begin=$SECONDS
"$tmp/fill" "$count"

now_tw() { awk '/^TCP:/ { print $7 }' /proc/net/sockstat; }
lull_summary() { "$lull" ss summary; }
ss_awk() { ss -tan | awk '{ ++s[$1] } END { for (a in s) print a, s[a] }'; }
netstat_awk() {
	netstat -ant | awk '/^tcp/ { ++s[$NF] } END { for (a in s) print a, s[a] }'
}
lull_rows() { "$lull" ss -tan; }
ss_rows() { ss -tan; }
lull_ta() { "$lull" ss -ta; }
ss_ta() { ss -ta; }
lull_tano() { "$lull" ss -tano; }
ss_tano() { ss -tano; }

# Microseconds of one run, into a file of its own.
one() {
	local from=${EPOCHREALTIME/./}
	"$1" > /dev/null
	echo $((${EPOCHREALTIME/./} - from)) >> "$tmp/$1"
}

median() { sort -n "$tmp/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

before=$(now_tw) done_=0
for ((i = 0; i < rounds && SECONDS - begin < deadline_s; i++)); do
	for what in lull_summary ss_awk lull_summary netstat_awk lull_rows ss_rows \
		lull_tano ss_tano lull_ta ss_ta; do
		one "$what"
	done
	done_=$((done_ + 1))
done
after=$(now_tw)
[ "$done_" -gt 0 ] || { echo "bench: filling took all the time" >&2; exit 3; }

memory() { /usr/bin/time -f %M "$@" 2>&1 >/dev/null | tail -1; }
printf '%s TIME_WAITs at the start, %s at the end, %s rounds, medians\n' \
	"$before" "$after" "$done_"
base=$(median lull_summary)
for what in lull_summary ss_awk netstat_awk lull_rows ss_rows lull_tano ss_tano \
	lull_ta ss_ta; do
	us=$(median $what)
	printf '%-14s %8d.%01d ms' $what $((us / 1000)) $((us % 1000 / 100))
	case $what in
	ss_awk | netstat_awk)
		printf '  %5.1f times the summary' \
			"$(awk "BEGIN { print $us / $base }")" ;;
	ss_rows | ss_tano | ss_ta)
		printf '  %5.2f times lull' \
			"$(awk "BEGIN { print $us / $(median lull_${what#ss_}) }")" ;;
	esac
	echo
done
if [ -x /usr/bin/time ]; then
	printf 'memory: lull summary %s KiB, lull -tan %s KiB, ss -tan %s KiB\n' \
		"$(memory "$lull" ss summary)" "$(memory "$lull" ss -tan)" \
		"$(memory ss -tan)"
fi
