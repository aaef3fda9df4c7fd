#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: plots.sh LULL [DIRECTORY]
#
# Three recoveries as time-sequence diagrams, into docs/plots. Virtual time:
# the same lull draws the same pictures.
set -eu
lull=$1
out=${2:-docs/plots}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$out"

plot() { # name title options of lull bench path, --, of plot_sequence.py
	name=$1 title=$2
	shift 2
	options=
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	[ $# -eq 0 ] || shift
	# shellcheck disable=SC2086
	"$lull" bench path $options --trace "$tmp/$name.csv" > "$tmp/$name.txt"
	python3 "$(dirname "$0")/plot_sequence.py" "$tmp/$name.csv" \
		"$out/$name.svg" --title "$title" \
		--note "lull bench path$options" "$@"
	echo "$out/$name.svg"
	sed 's/^/    /' "$tmp/$name.txt"
}

plot five-drops "Five of a window of 100 segments are lost" \
	--delay 50 --rate 20 --buffers 290000 --bytes 900000 \
	--drop 260,277,295,313,340
plot tail-loss "The last segment is lost" \
	--delay 50 --rate 20 --bytes 28960 --drop last -- --from 0
plot spurious-timeout "The path stands still for 700 ms: a timeout, undone" \
	--delay 50 --rate 5 --queue 0 --buffers 160000 --bytes 500000 \
	--stall 500,700 -- --from 350
