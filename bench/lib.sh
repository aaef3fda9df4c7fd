# SPDX-License-Identifier: BSD-2-Clause
# Sourced by run.sh: network namespaces, servers, clients, and their end.
#
#	start STACK	a fresh server in fresh namespaces; sets pid, target
#	run ...		a command that ends with us, whoever ends us
#	stop		the server; what is not gone in 5 s is killed

cli_ns=lull-bench-cli-$$
srv_ns=lull-bench-srv-$$
pid=	# of the server
others=	# of several
jobs_=	# of commands that run now
srv_cmd= cli_cmd= # as they are printed

say() { printf '%s\n' "$*"; }
note() { printf 'bench: %s\n' "$*" >&2; }
die() { note "$*"; exit 3; }
have() { command -v "$1" >/dev/null 2>&1; }

# In the background and waited for: a trap need not wait for its end.
run() {
	local code=0
	"$@" &
	jobs_=$!
	wait "$jobs_" || code=$?
	jobs_=
	return $code
}

in_cli() { ip netns exec "$cli_ns" "$@"; }

# A child that ended stays as a zombie until it is waited for.
is_alive() {
	local state
	state=$(sed -n 's/^State:.//p' "/proc/$1/status" 2>/dev/null) || :
	[ -n "$state" ] && [ "${state%% *}" != Z ]
}

stop() {
	local i code=0
	[ -n "$pid" ] || return 0
	kill -TERM "$pid" 2>/dev/null || :
	for ((i = 0; i < 50; i++)); do
		is_alive "$pid" || break
		sleep 0.1
	done
	if is_alive "$pid"; then
		note "$stack: the server did not stop within 5 s: killed"
		kill -KILL "$pid" 2>/dev/null || :
	fi
	wait "$pid" 2>/dev/null || code=$?
	pid=
	case $stack:$code in
	lull*:0 | kernel*:* | lwip*:* | gvisor:* | null*:*) ;;
	*) note "$stack: the server ended with $code; its last words:"
		tail -n 5 "$tmp/server.log" >&2 ;;
	esac
}

# Further servers, of one section.
stop_others() {
	local p
	for p in $others; do
		pid=$p
		stop
	done
	others=
}

clean() {
	local ns p
	trap '' INT TERM
	exec 2>/dev/null # the shell tells of each that is killed
	for p in $jobs_ $others; do kill -TERM "$p" 2>/dev/null || :; done
	[ -z "$pid" ] || { kill -KILL "$pid" 2>/dev/null || :; }
	# Names carry our process id: what is in there is ours.
	for ns in "$cli_ns" "$srv_ns"; do
		for p in $(ip netns pids "$ns" 2>/dev/null || :); do
			kill -KILL "$p" 2>/dev/null || :
		done
		ip netns del "$ns" 2>/dev/null || :
	done
	wait 2>/dev/null || :
	rm -rf "$tmp"
}

# Idle ticks of all cores, so far.
idle_ticks() { awk '/^cpu / { print $5 + $6; exit }' /proc/stat; }

# Until the machine is four fifths idle: the end of what was before, of which
# the kernel takes much down behind our back. 3 s at most.
settle() {
	local i a b least=$((cores * 20 * 4 / 5)) # ticks of 10 ms, in 0.2 s
	for ((i = 0; i < 15; i++)); do
		a=$(idle_ticks)
		sleep 0.2
		b=$(idle_ticks)
		[ $((b - a)) -lt $least ] || return 0
	done
}

answers() {
	run timeout 3 ip netns exec "$cli_ns" "$bin/cli" -x "$tmp/pairs1" \
		-b 10.10.1.1 -t "$target" -m crrc -n 1 -c 1 -d 1 -T 1 \
		> "$tmp/first" 2>/dev/null || return 1
	grep -q '"done":1,' "$tmp/first"
}

# false: the server is stopped, and what it said is printed.
wait_for_answer() {
	local i
	for ((i = 0; i < 50; i++)); do
		if answers; then
			settle
			return 0
		fi
		is_alive "$pid" || break
		sleep 0.1
	done
	note "$stack: the server does not answer: $srv_cmd"
	tail -n 5 "$tmp/server.log" >&2
	stop
	return 1
}

start() {
	local nooffload= where=$cli_ns
	stack=$1
	case $1 in
	kernel) where=$srv_ns target=10.9.0.2 srv="$bin/ksrv" ;;
	kernel-nooff)
		where=$srv_ns nooffload=nooffload target=10.9.0.2
		srv="$bin/ksrv" ;;
	lwip | lwip-empty)
		target=10.9.1.2
		srv="$bin/lwipsrv tapL 10.9.1.2 10.9.1.1" ;;
	gvisor)
		target=10.9.2.2
		srv="$bin/gvsrv tapG 10.9.2.2 10.9.2.1" ;;
	lull)
		target=10.9.3.2 where=
		srv="$lull serve $tmp/www --netns $cli_ns --bench
			--addr 10.9.3.2/24 --keepalive-requests 0
			--ctl $tmp/ctl" ;;
	lull-nooff)
		target=10.9.3.2 where=
		srv="$lull serve $tmp/www --netns $cli_ns --bench
			--addr 10.9.3.2/24 --keepalive-requests 0
			--offload off --ctl $tmp/ctl" ;;
	null) target=10.9.5.2 srv="$bin/null -o nul0 10.9.5.1/24" ;;
	null-nooff) target=10.9.5.2 srv="$bin/null nul0 10.9.5.1/24" ;;
	esac
	run "$here/peers/netup.sh" "$cli_ns" "$srv_ns" $nooffload ||
		die "no network namespaces: see above"
	# Words are to be split here.
	srv_cmd=$(echo ${where:+ip netns exec $where} $srv)
	$srv_cmd > "$tmp/server.log" 2>&1 &
	pid=$!
	wait_for_answer
}

# Frames that passed the client's devices, both ways.
frames() {
	in_cli awk 'NR > 2 && $1 != "lo:" { n += $3 + $11 } END { print n + 0 }' \
		/proc/net/dev
}

# Busy ticks of all cores, and of the server.
ticks() {
	awk '/^cpu / { print $2 + $3 + $4 + $7 + $8; exit }' /proc/stat
	sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }'
}

# ---- what is built ----

newer() { [ ! -e "$1" ] || [ "$2" -nt "$1" ]; }

build_one() { # OUT SOURCE COMMAND...
	local out=$1 src=$2
	shift 2
	newer "$out" "$src" || return 0
	if ! run timeout 600 "$@" > "$tmp/build.log" 2>&1; then
		note "not built: $*"
		tail -n 5 "$tmp/build.log" >&2
		return 1
	fi
}

build_peers() {
	local p=$here/peers
	build_one "$bin/cli" "$p/cli.c" cc -O2 -o "$bin/cli" "$p/cli.c" ||
		die "without its client there is nothing to measure"
	build_one "$bin/ksrv" "$p/ksrv.c" cc -O2 -o "$bin/ksrv" "$p/ksrv.c" ||
		skip kernel "see above"
	if [ ! -e /usr/include/lwip/lwip/init.h ]; then
		skip lwip "no /usr/include/lwip: install liblwip-dev"
	else
		build_one "$bin/lwipsrv" "$p/lwipsrv.c" cc -O2 \
			-I/usr/include/lwip -o "$bin/lwipsrv" "$p/lwipsrv.c" \
			-llwip -lpthread || skip lwip "see above"
	fi
	if ! have go; then
		skip gvisor "no go: install golang-go"
	elif [ ! -d /usr/share/gocode/src/gvisor.dev ]; then
		skip gvisor "install golang-gvisor-gvisor-dev"
	else
		[ -e "$bin/gvsrv" ] || say "building gVisor's server: a minute or less"
		build_one "$bin/gvsrv" "$p/gvsrv.go" env GO111MODULE=off \
			GOPATH=/usr/share/gocode GOCACHE="$bin/gocache" \
			GOFLAGS= go build -o "$bin/gvsrv" "$p/gvsrv.go" ||
			skip gvisor "see above"
	fi
}

build_null() {
	build_one "$bin/null" "$here/null.c" cc -O2 -o "$bin/null" \
		"$here/null.c"
}

# The core's own functions, with its own headers.
build_records() {
	newer "$bin/records" "$here/records.c" ||
		newer "$bin/records" "$build/liblull-core.a" || return 0
	rm -f "$bin/records"
	build_one "$bin/records" "$here/records.c" cc -std=gnu17 -O2 \
		-I"$here/../include" -I"$here/../src" -o "$bin/records" \
		"$here/records.c" "$build/liblull-core.a" \
		"$build/liblull-host.a" -lsodium -lmnl
}

build_ports() {
	newer "$bin/ports" "$here/ports.c" ||
		newer "$bin/ports" "$build/liblull-core.a" || return 0
	rm -f "$bin/ports"
	build_one "$bin/ports" "$here/ports.c" cc -std=gnu17 -O2 \
		-D_GNU_SOURCE -I"$here/../include" -I"$here/../src" \
		-o "$bin/ports" "$here/ports.c" "$build/liblull-core.a" \
		"$build/liblull-host.a" -lsodium -lmnl
}

build_virtual() {
	newer "$bin/one" "$here/one.c" ||
		newer "$bin/one" "$build/liblull.so" || return 0
	rm -f "$bin/one"
	build_one "$bin/one" "$here/one.c" cc -std=gnu17 -O2 -D_GNU_SOURCE \
		-I"$here/../include" -o "$bin/one" "$here/one.c" \
		-L"$build" -llull -Wl,-rpath,"$build"
}

build_memory() {
	newer "$bin/memory" "$here/memory.c" ||
		newer "$bin/memory" "$build/liblull.so" || return 0
	rm -f "$bin/memory"
	build_one "$bin/memory" "$here/memory.c" cc -std=gnu17 -O2 \
		-I"$here/../include" -o "$bin/memory" "$here/memory.c" \
		-L"$build" -llull -Wl,-rpath,"$build"
}
