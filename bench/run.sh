#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# usage: run.sh BUILD [--json FILE] [SECTION...]
#
# Measures lull beside the kernel, lwIP and gVisor, and prints a table for
# each section: crr-tun, crr-held, one-destination, crr-memory, rr, stream,
# timewait, ports, one-virtual, memory, instructions (all). What it means is in README.md, here. Root; two network
# namespaces of its own.
#
# In the environment: QUICK=1 (one round of a second, to try it), ROUNDS,
# SECONDS_EACH, CLIENTS="1 2" (crr-tun), STACKS="lull kernel lwip gvisor".
# Exit: 0, whatever the figures are; 3 could not; 64 usage.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
all="crr-tun crr-held one-destination crr-memory rr stream timewait"
all="$all ports one-virtual memory instructions"

usage() {
	echo "usage: run.sh BUILD [--json FILE] [SECTION...]" >&2
	echo "sections: $all" >&2
	exit 64
}

[ $# -ge 1 ] && [ -x "$1/lull" ] || usage
build=$(cd "$1" && pwd)
shift
json=
sections=
while [ $# -gt 0 ]; do
	case $1 in
	--json) [ $# -ge 2 ] || usage; json=$2; shift ;;
	*) case " $all " in
		*" $1 "*) sections="$sections $1" ;;
		*) usage ;;
		esac ;;
	esac
	shift
done
sections=${sections:-$all}
for n in ${CLIENTS:-1 2}; do
	[ "$n" = 1 ] || [ "$n" = 2 ] || {
		echo "run.sh: CLIENTS: $n: 1, 2 or both" >&2
		exit 64
	}
done

lull=$build/lull
bin=$build/bench
cores=$(getconf _NPROCESSORS_ONLN)
if [ "${QUICK:-}" = 1 ]; then
	rounds=${ROUNDS:-1} stream_rounds=${ROUNDS:-1}
	each=${SECONDS_EACH:-1} memory_each=1 virtual=10 idle=10000 closing=100000
	held="0 2000 20000" held_each=2000 one_each=5
	entries=1000000
else
	rounds=${ROUNDS:-5} stream_rounds=${ROUNDS:-3}
	each=${SECONDS_EACH:-3} memory_each=10 virtual=600 idle=100000 closing=4000000
	held="0 10000 100000 1000000" held_each=10000 one_each=75
	entries=10000000
fi
for n in "$rounds" "$each"; do
	case $n in
	[1-9] | [1-9][0-9]) ;;
	*) echo "run.sh: ROUNDS, SECONDS_EACH: $n: from 1 to 99" >&2; exit 64 ;;
	esac
done
want="lull kernel lwip gvisor"
stacks=${STACKS:-$want}
for s in $stacks; do
	case " $want " in
	*" $s "*) ;;
	*) echo "run.sh: STACKS: $s: one of $want" >&2; exit 64 ;;
	esac
done

tmp=$(mktemp -d)
stack=
. "$here/lib.sh"
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
raw=$tmp/raw.jsonl
mkdir -p "$bin" "$tmp/www"
echo ok > "$tmp/www/index.html"
touch "$raw"

skip() { # STACK WHY
	say "skipped: $1: $2"
	stacks=$(for s in $stacks; do [ "$s" = "$1" ] || echo "$s"; done)
}

keep() { # what was measured; table.py tells the arguments
	python3 "$here/table.py" keep "$raw" "$@"
}

show() { python3 "$here/table.py" show "$raw" "$1"; }

# ---- over TUN, TAP and veth, by the same client ----

# One or two clients, with 64 slots together; their results are added.
crr_clients() { # CLIENTS COUNT
	local n=$1 k base code=0 pids=() end="-b 10.10.1.1 -x $tmp/pairs1"
	base="timeout $((each + 30)) ip netns exec $cli_ns $bin/cli -t $target
		-P $pid -m crr -d $each -c $((64 / n))"
	[ -z "$2" ] || base="$base -n $2"
	cli_cmd=$(echo $base $end)
	[ "$n" = 1 ] || cli_cmd="$cli_cmd; beside it another, -b 10.10.2.1"
	for ((k = 1; k <= n; k++)); do
		$base -b 10.10.$k.1 -x "$tmp/pairs$k" > "$tmp/out$k" \
			2>>"$tmp/client.log" &
		pids+=($!)
	done
	jobs_=${pids[*]}
	for k in "${pids[@]}"; do
		wait "$k" || code=$?
	done
	jobs_=
	return $code
}

crr_once() { # STACK CLIENTS ROUND
	local count= before after out=() k
	# lwIP goes through all of TIME_WAIT with each segment: the first
	# thousand show what it would do if it did not.
	[ "$1" != lwip-empty ] || count=$((1000 / $2))
	start "$1" || return 0
	run timeout 30 ip netns exec "$cli_ns" "$bin/cli" -x "$tmp/pairs1" \
		-b 10.10.1.1 -t "$target" -m crrc -n 300 > "$tmp/warm"
	before=$(frames)
	crr_clients "$2" "$count" || note "$1: a client ended with an error"
	after=$(frames)
	for ((k = 1; k <= $2; k++)); do out+=("$tmp/out$k"); done
	keep crr-tun "$1" "$2" "$3" "$srv_cmd" "$cli_cmd" \
		"frames=$((after - before))" "${out[@]}"
	stop
}

section_crr_tun() {
	local c r s list=
	for s in $stacks; do
		list="$list $s"
		[ "$s" != lwip ] || list="$list lwip-empty"
	done
	for c in ${CLIENTS:-1 2}; do
		for ((r = 1; r <= rounds; r++)); do
			for s in $list; do crr_once "$s" "$c" "$r"; done
		done
	done
}

# ---- many TIME_WAITs held ----

# One server for each level, each on a device of its own, and the rounds go
# round them: what changes on the machine changes for all. Idle ones take
# nothing. Where a round would add much to what is held, it has a new one.
held_open() { # LEVEL NUMBER
	stack=lull target=10.9.$(($2 + 20)).2 srv="$lull serve $tmp/www
		--netns $cli_ns --bench --addr 10.9.$(($2 + 20)).2/24
		--keepalive-requests 0 --ctl $tmp/ctl$2
		--sysctl net.lull.tcp_timewait_len=600"
	srv_cmd=$(echo $srv)
	$srv_cmd > "$tmp/server.log" 2>&1 &
	pid=$!
	wait_for_answer || return 1
	held_pid[$2]=$pid held_cmd[$2]=$srv_cmd
	others=${held_pid[*]} pid=
	run timeout 30 ip netns exec "$cli_ns" "$bin/cli" -x "$tmp/pairs1" \
		-b 10.10.1.1 -t "$target" -m crrc -n 1000 > "$tmp/warm"
	[ "$1" = 0 ] || run timeout 130 ip netns exec "$cli_ns" "$bin/cli" \
		-x "$tmp/pairs1" -b 10.10.1.1 -t "$target" -m crr -n "$1" \
		-c 64 -d 120 > "$tmp/prefill"
}

held_anew() { # LEVEL NUMBER
	if [ -n "${held_pid[$2]:-}" ]; then
		[ "$1" -lt 50000 ] || return 0
		stack=lull pid=${held_pid[$2]}
		stop
		held_pid[$2]=
	fi
	held_open "$1" "$2"
}

held_now() { # NUMBER
	"$lull" ss --ctl "$tmp/ctl$1" -s --json |
		sed 's/.*"TIME-WAIT": *\([0-9]*\).*/\1/'
}

held_once() { # LEVEL NUMBER ROUND
	local before after cmd
	cmd="timeout 40 ip netns exec $cli_ns $bin/cli
		-t 10.9.$(($2 + 20)).2 -P ${held_pid[$2]} -m crr -n $held_each
		-c 64 -d 30 -b 10.10.1.1 -x $tmp/pairs1"
	before=$(held_now "$2")
	run $cmd > "$tmp/out1" || note "crr-held: a client ended with an error"
	after=$(held_now "$2")
	keep crr-held lull 1 "$3" "${held_cmd[$2]}" "$(echo $cmd)" "level=$1" \
		"before=$before" "after=$after" "$tmp/out1"
}

section_crr_held() {
	local level i r held_pid=() held_cmd=()
	run "$here/peers/netup.sh" "$cli_ns" "$srv_ns" ||
		die "no network namespaces: see above"
	for ((r = 1; r <= rounds; r++)); do
		i=0
		for level in $held; do
			held_anew "$level" $i || { stop_others; return 0; }
			settle
			held_once "$level" $i "$r"
			i=$((i + 1))
		done
	done
	stop_others
}

# ---- one source address, one destination, the client closes first ----

# The kernel's server counts connections that a RST ended.
one_server() { # NETNS
	local i
	stack=kernel srv_cmd="ip netns exec $1 $bin/ksrv"
	$srv_cmd > "$tmp/saw" 2>"$tmp/server.log" &
	pid=$!
	for ((i = 0; i < 50; i++)); do
		ip netns exec "$1" ss -Hltn 2>/dev/null | grep -q ':80 ' &&
			return 0
		is_alive $pid || break
		sleep 0.1
	done
	note "one-destination: no server: $srv_cmd"
	stop
	return 1
}

one_lull() { # SAFE
	local cmd
	run "$here/peers/netup.sh" "$cli_ns" "$srv_ns" ||
		die "no network namespaces: see above"
	one_server "$srv_ns" || return 0
	settle
	cmd="timeout $((one_each + 60)) $lull load http://10.9.4.1/
		--netns $srv_ns --addr 10.9.4.2/24 -c 64 --seconds $one_each
		--sysctl net.lull.tcp_tw_reuse_safe=$1 --json"
	run $cmd > "$tmp/out1" 2>>"$tmp/client.log" || :
	stop
	keep one-destination "lull-safe-$1" 1 1 "$srv_cmd" "$(echo $cmd)" \
		"$tmp/out1" "$tmp/saw"
}

# As the kernel comes: 28,232 ports; tcp_tw_reuse 2 is loopback only.
one_kernel() { # TW_REUSE
	local cmd
	run "$here/peers/netup.sh" "$cli_ns" "$srv_ns" ||
		die "no network namespaces: see above"
	in_cli sh -c "cd /proc/sys/net/ipv4; echo 32768 60999 > ip_local_port_range
		echo $1 > tcp_tw_reuse"
	one_server "$srv_ns" || return 0
	settle
	cmd="timeout $((one_each + 30)) ip netns exec $cli_ns $bin/cli
		-t 10.9.0.2 -m crrc -c 64 -d $one_each -s 0"
	run $cmd > "$tmp/out1" 2>>"$tmp/client.log" || :
	stop
	keep one-destination "kernel-reuse-$1" 1 1 "$srv_cmd" "$(echo $cmd)" \
		"$tmp/out1" "$tmp/saw"
}

section_one_destination() {
	one_lull 1
	one_lull 0
	one_kernel 2
	one_kernel 1
}

rr_once() { # STACK ROUND
	local a b cmd
	start "$1" || return 0
	cmd="timeout $((each + 20)) ip netns exec $cli_ns wrk -t1 -c50
		-d${each}s --latency http://$target/"
	a=$(ticks)
	times > "$tmp/times1"
	run $cmd > "$tmp/out1" 2>&1 || note "$1: wrk ended with an error"
	times > "$tmp/times2"
	b=$(ticks)
	keep rr "$1" 1 "$2" "$srv_cmd" "$(echo $cmd)" wrk="$(echo $a $b)" \
		"$tmp/out1" "$tmp/times1" "$tmp/times2"
	stop
}

stream_once() { # STACK ROUND
	local m cmd ways="down up"
	[ "$1" != null-nooff ] || ways=down
	for m in $ways; do
		start "$1" || return 0
		cmd="timeout $((each + 20)) ip netns exec $cli_ns $bin/cli
			-x $tmp/pairs1 -b 10.10.1.1 -t $target -P $pid -m $m
			-d $each -c 1"
		run $cmd > "$tmp/out1" 2>>"$tmp/client.log" ||
			note "$1: the client ended with an error"
		keep stream "$1" 1 "$2" "$srv_cmd" "$(echo $cmd)" \
			"direction=$m" "$tmp/out1"
		stop
	done
}

# ---- two stacks in memory ----

bench_memory() { # SECTION MODE ROUND SECONDS [HOW OPTION...]
	local how=${5:-} cmd
	cmd="$lull bench $2 --link memory --seconds $4 ${*:6} --json"
	cmd=$(echo $cmd)
	run timeout $(($4 + 60)) $cmd > "$tmp/out1" ||
		note "$cmd: ended with an error"
	keep "$1" lull-memory 1 "$3" - "$cmd" ${how:+"direction=$how"} \
		"$tmp/out1"
}

section_rr() {
	local r s list=$stacks
	build_null && list="$list null"
	for ((r = 1; r <= rounds; r++)); do
		for s in $list; do rr_once "$s" "$r"; done
		bench_memory rr rr "$r" "$each"
	done
}

section_stream() {
	local n r s list=
	for s in $stacks; do
		case $s in
		kernel)
			list="$list kernel"
			if have ethtool; then
				list="$list kernel-nooff"
			else
				say "skipped: kernel without offload: install ethtool"
			fi ;;
		lull) list="$list lull lull-nooff" ;;
		*) list="$list $s" ;;
		esac
	done
	build_null && list="$list null-nooff"
	for ((r = 1; r <= stream_rounds; r++)); do
		for s in $list; do stream_once "$s" "$r"; done
		for n in 1 10 1000; do
			for s in on off; do
				bench_memory stream stream "$r" "$each" \
					"$n, sums-$s" --streams $n --checksum $s
			done
		done
		bench_memory stream stream "$r" "$each" "1, offload" \
			--offload on
	done
}

section_instructions() {
	have valgrind || { say "skipped: instructions: install valgrind"; return; }
	[ -x "$build/tests/instructions" ] || {
		say "skipped: instructions: meson configure -Dtests=true"
		return
	}
	say
	say "== instructions for each; in the second column: of the ceiling"
	say
	run python3 "$here/../tests/house/test_instructions.py" --print \
		"$build/tests/instructions" ||
		note "instructions: ended with an error"
}

# The difference of two runs: start-up cancels.
instructions() {
	local n cmd
	have valgrind || { say "skipped: instructions: install valgrind"; return; }
	for n in 2000 6000; do
		cmd="valgrind --tool=callgrind --callgrind-out-file=$tmp/cg
			$lull bench crr --link memory -n $n --seconds 60 --json"
		run timeout 120 $cmd > "$tmp/out1" 2>"$tmp/valgrind.log" || {
			note "valgrind ended with an error:"
			tail -n 5 "$tmp/valgrind.log" >&2
			return 0
		}
		keep crr-memory callgrind 1 "$n" - "$(echo $cmd)" \
			"instructions=$(awk '/^(totals|summary):/ { print $2; exit }' \
				"$tmp/cg")" "$tmp/out1"
	done
}

section_crr_memory() {
	local r
	for ((r = 1; r <= rounds; r++)); do
		bench_memory crr-memory crr "$r" "$memory_each"
	done
	instructions
}

section_timewait() {
	local r cmd="$lull bench timewait --entries $entries --json"
	for ((r = 1; r <= stream_rounds; r++)); do
		run timeout 300 $cmd > "$tmp/out1" ||
			note "$cmd: ended with an error"
		keep timewait lull 1 "$r" - "$cmd" "$tmp/out1"
	done
	build_records || return 0
	cmd="$bin/records $((entries < 1000000 ? entries : 1000000)) $entries"
	for ((r = 1; r <= stream_rounds; r++)); do
		run timeout 300 $cmd > "$tmp/out1" ||
			note "$cmd: ended with an error"
		keep timewait core 1 "$r" - "$cmd" "$tmp/out1"
	done
}

section_ports() {
	local cmd="$bin/ports"
	build_ports || return 0
	run timeout 60 $cmd > "$tmp/out1" || {
		note "$cmd: ended with an error"
		return 0
	}
	keep ports lull 1 1 - "$cmd" "$tmp/out1"
}

section_one_virtual() {
	local knob cmd
	build_virtual || return 0
	for knob in "" net.lull.tcp_tw_reuse_safe=1; do
		cmd="$bin/one $virtual 20000 net.lull.tcp_tw_reuse_safe=0 $knob"
		run timeout 400 $cmd > "$tmp/out1" ||
			note "$cmd: ended with an error"
		keep one-virtual "${knob:-none}" 1 1 - "$cmd" "$tmp/out1"
	done
}

section_memory() {
	local cmd="$bin/memory $idle $closing"
	build_memory || return 0
	run timeout 300 $cmd > "$tmp/out1" || {
		note "$cmd: ended with an error"
		return 0
	}
	keep memory lull 1 1 - "$cmd" "$tmp/out1"
}

# ---- all of it ----

# What the sections over TUN, TAP and veth need.
check_network() {
	[ "$(id -u)" = 0 ] || die "all but crr-memory, timewait, ports," \
		"one-virtual and memory need root"
	[ -c /dev/net/tun ] || die "no /dev/net/tun: modprobe tun," \
		"or measure only what needs none (bench/README.md)"
	have ip || die "no ip: install iproute2"
	have cc || die "no cc: install gcc"
	build_peers
}

have python3 || die "no python3: install it"
python3 "$here/table.py" machine "$raw" "$build" "$here/.."
case " $sections " in
*" crr-tun "* | *" crr-held "* | *" one-destination "* | *" rr "* | *" stream "*)
	check_network ;;
esac
for section in $sections; do
	if [ "$section" = rr ] && ! have wrk; then
		say "skipped: rr: no wrk: install it"
		continue
	fi
	"section_${section//-/_}"
	[ "$section" = instructions ] || show "$section"
done
[ -z "$json" ] || python3 "$here/table.py" json "$raw" "$json"
