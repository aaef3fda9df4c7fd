#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What `lull doctor` costs on a busy host: time besides the pause between its
# two looks, and memory. Makes the host in a network namespace of its own.
#
#	bench/doctor.sh LULL [TIME_WAITS [CONNECTIONS [PROCESSES]]]
#
# A connection is two sockets here, both ends being ours. Root.
set -eu

lull=${1:?usage: bench/doctor.sh LULL [TIME_WAITS [CONNECTIONS [PROCESSES]]]}
tw=${2:-150000} pairs=${3:-25000} procs=${4:-2000}

if [ "${LULL_BENCH_INSIDE:-}" != 1 ]; then
	LULL_BENCH_INSIDE=1 exec unshare -n "$0" "$lull" "$tw" "$pairs" "$procs"
fi
dir=$(mktemp -d)
trap 'exec 3>&-; wait; rm -rf "$dir"' EXIT
ip link set lo up
sysctl -qw net.ipv4.ip_local_port_range="1025 65534" \
	net.ipv4.tcp_max_tw_buckets=1000000 net.ipv4.tcp_tw_reuse=0
cc -O2 -std=gnu17 -D_GNU_SOURCE -o "$dir/busy" "$(dirname "$0")/doctor.c"
mkfifo "$dir/in" "$dir/out"
"$dir/busy" "$tw" "$pairs" "$procs" <"$dir/in" >"$dir/out" &
exec 3>"$dir/in"
read -r line <"$dir/out"
[ "$line" = ready ] || { echo "bench: $line" >&2; exit 3; }

for i in 1 2 3; do
	python3 - "$lull" "$dir/out.json" <<'PY'
import json, os, re, subprocess, sys, time

begin, peak = time.monotonic(), 0
with open(sys.argv[2], "w") as out:
    p = subprocess.Popen([sys.argv[1], "doctor", "--watch", "1", "--json"],
                         stdout=out)
done = 0
while not done:  # its peak is gone with it, so it is read on the way
    try:
        with open(f"/proc/{p.pid}/status") as f:
            found = re.search(r"Name:\s+lull\n(?:.*\n)*?VmHWM:\s+(\d+)", f.read())
            peak = max(peak, int(found[1]) if found else 0)
    except OSError:
        pass
    done, status, use = os.wait4(p.pid, os.WNOHANG)
    time.sleep(0.01)
with open(sys.argv[2]) as f:
    states = json.load(f)["states"]
print(f"doctor: {sum(v or 0 for v in states.values())} sockets "
      f"({states['TIME_WAIT']} TIME_WAIT, {states['ESTABLISHED']} ESTABLISHED): "
      f"{time.monotonic() - begin - 1:.2f} s besides the pause, "
      f"{use.ru_utime + use.ru_stime:.2f} s of processor, "
      f"{peak / 1024:.1f} MB, exit {os.waitstatus_to_exitcode(status)}")
PY
done
