#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: netup.sh CLIENT_NETNS SERVER_NETNS [nooffload]
#
# Makes both network namespaces anew:
#
#	CLIENT_NETNS                          SERVER_NETNS
#	the load client                       the kernel's server
#	vc 10.9.0.1/24 ----------- veth ----- vs 10.9.0.2/24
#	lo 10.10.0.0/16: the client's sources
#	tapL, tapG, lull's TUN: the servers that bring a stack of their own
set -eu
cli=$1
srv=$2
cc=${CC:-reno}

for ns in "$cli" "$srv"; do
	ip netns del "$ns" 2>/dev/null || :
	ip netns add "$ns"
	ip -n "$ns" link set lo up
done
ip link add vc netns "$cli" type veth peer name vs netns "$srv"
ip -n "$cli" addr add 10.9.0.1/24 dev vc
ip -n "$srv" addr add 10.9.0.2/24 dev vs
if [ "${3:-}" = nooffload ]; then
	ip netns exec "$cli" ethtool -K vc tso off gso off gro off tx off rx off
	ip netns exec "$srv" ethtool -K vs tso off gso off gro off tx off rx off
fi >/dev/null
ip -n "$cli" link set vc up txqueuelen 10000
ip -n "$srv" link set vs up txqueuelen 10000
# Sources are routed: the server resolves one address, not thousands.
ip -n "$cli" route add local 10.10.0.0/16 dev lo
ip -n "$srv" route add 10.10.0.0/16 via 10.9.0.1

for ns in "$cli" "$srv"; do
	ip netns exec "$ns" sh -s "$cc" <<'END'
cd /proc/sys/net
echo 1024 65000 > ipv4/ip_local_port_range
echo 1 > ipv4/tcp_tw_reuse
echo 1000000 > ipv4/tcp_max_tw_buckets
echo 65536 > ipv4/tcp_max_syn_backlog
echo 65535 > core/somaxconn
echo "$1" > ipv4/tcp_congestion_control
[ "$(cat ipv4/tcp_congestion_control)" = "$1" ] || {
	echo "netup: congestion control $1 is not to be had" >&2
	exit 1
}
END
done
