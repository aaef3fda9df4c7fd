#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: kill9.sh BUILD [KILLS [RECORDS]]
#
# SIGKILLs a `lull serve --state` under load KILLS times (200), each time at
# another moment, and starts it again; a line for each. Then a file with RECORDS
# (1000000) TIME-WAITs, of a process that was killed, and how long `lull serve`
# takes until it answers. Root, and wrk. Exit: 0 nothing was lost, 1 something
# was; 3 could not; 64 usage. SEED=n: the same moments again.
set -eu
[ $# -ge 1 ] && [ -x "$1/lull" ] || {
	echo "usage: kill9.sh BUILD [KILLS [RECORDS]]" >&2
	exit 64
}
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
kills=${2:-200} records=${3:-1000000}
code=0
PYTHONDONTWRITEBYTECODE=1 python3 "$here/../tests/peers/kill9.py" \
	"$build/lull" "$kills" ${SEED:+"$SEED"} || code=1
[ "$records" -gt 0 ] || exit $code

# ---- how long a restart takes ----

dir=$(mktemp -d)
ns=lull-kill9-$$ file=/dev/shm/lull-kill9-$$ pid=
clean() {
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
	wait 2>/dev/null || :
	ip netns del "$ns" 2>/dev/null || :
	rm -rf "$dir" "$file"
}
trap clean EXIT
trap 'exit 3' INT TERM
ip netns add "$ns"
ip -n "$ns" link set lo up
echo ok >"$dir/index.html"
cc -std=gnu17 -O2 -I"$here/../include" -o "$dir/fill" "$here/fill_state.c" \
	-L"$build" -llull -Wl,-rpath,"$build"
for round in 1 2 3; do
	rm -f "$file"
	"$dir/fill" "$file" "$records" 2>/dev/null && exit 3 # it kills itself
	began=$(date +%s%N)
	"$build/lull" serve "$dir" --netns "$ns" --ctl "$dir/ctl" \
		--state "$file" --closing "$records" >"$dir/out" 2>&1 &
	pid=$!
	while ! ip netns exec "$ns" curl -s --connect-timeout 0.1 \
		-m 5 -o "$dir/got" http://10.9.3.2/ ||
		! cmp -s "$dir/got" "$dir/index.html"; do
		kill -0 "$pid" 2>/dev/null || { cat "$dir/out"; exit 3; }
	done
	ended=$(date +%s%N)
	sed -n 's/^state [^ ]* //p' "$dir/out"
	cpu=$(sed 's/.*) //' "/proc/$pid/stat" |
		awk -v hz="$(getconf CLK_TCK)" \
			'{ printf "%.0f", ($12 + $13) * 1000 / hz }')
	echo "restart $round: answers after $(((ended - began) / 1000000)) ms," \
		"$cpu ms of CPU"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
	pid=
done
exit $code
