#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: demo.sh BUILD
#
# Brings a web server up on lull, has curl fetch a page over IPv4 and IPv6,
# opens and closes a few thousand connections, and shows the states. All in a
# network namespace that is made for it; the other side is the kernel's TCP.
set -eu

lull=$1/lull
dir=$(mktemp -d)
name=lull-demo-$$
ctl=$dir/ctl
pid=

clean() {
	if [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null; then
		wait "$pid" || :
	fi
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 3' INT TERM

say() { printf '\n== %s\n' "$*"; }

echo '<h1>This page came over lull.</h1>' > "$dir/index.html"
mkfifo "$dir/out"
"$lull" serve "$dir" --netns "$name" --ctl "$ctl" > "$dir/out" &
pid=$!
read -r ready < "$dir/out" || exit 3
say "lull serve says"
echo "$ready"

in_ns="nsenter --net=/run/netns/$name"
say "curl, on the kernel's TCP, fetches the page over IPv4"
$in_ns curl -sS -i http://10.9.3.2/
say "and over IPv6"
$in_ns curl -sS 'http://[fd00:9:3::2]/'

say "5,000 connections from another lull, through the kernel; the server closes first"
"$lull" load http://10.9.3.2/ --netns "$name" -n 5000 -c 64 --close-by server

say "the server's connections by state: who closes first has the TIME-WAITs"
"$lull" ss -s --ctl "$ctl"

say "the last of them, as ss prints them"
"$lull" ss -tano --ctl "$ctl" | head -n 4

say "the knobs that matter to closing"
"$lull" sysctl --ctl "$ctl" net.lull.tcp_timewait_len \
	net.ipv4.tcp_fin_timeout net.ipv4.tcp_max_tw_buckets

cat <<'END'

Where to look next:
  build/lull serve DIR         your own files; lull serve --help
  build/lull sim --seeds 1..50 connections in a bad network, checked
  examples/echo.c              a server on liblull in sixty lines
  README.md, ARCHITECTURE.md   what this is, and how it is built
  make check                   the tests
END
