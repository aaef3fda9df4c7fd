#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# usage: path.sh BUILD [SECONDS]
#
# Four simulated paths of 100 ms and 20 Mbit/s: two lulls over each in virtual
# time, two kernels over the same one in real time. Root for the kernels. The
# kernel's congestion control is CUBIC, whatever the machine's default is;
# lull's is its own default.
#
# RUNS seeds of each (1): the median of the goodput is told.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
lull=${1:?usage: path.sh BUILD [SECONDS]}/lull
seconds=${2:-20}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

peers="lull"
if [ "$(id -u)" = 0 ]; then
	peers="lull kernel"
else
	echo "path.sh: the kernel takes root: only lull" >&2
fi

measure() { # name options...
	local name=$1 peer seed
	shift
	for peer in $peers; do
		cc=
		[ "$peer" = lull ] || cc="--cc cubic"
		for ((seed = 1; seed <= ${RUNS:-1}; seed++)); do
			# shellcheck disable=SC2086
			"$lull" bench path --rate 20 --seconds "$seconds" \
				--seed "$seed" --peer "$peer" $cc "$@" --json |
				sed "s/^{/{\"path\":\"$name\",/"
		done
	done
}

{
	measure "1 % loss" --loss 1
	measure "50 ms jitter" --jitter 50
	measure "queue of 10 BDP" --queue 10bdp
	measure "queue of 0.2 BDP" --queue 0.2bdp
} > "$tmp/lines"
python3 "$here/path_table.py" "$tmp/lines"
