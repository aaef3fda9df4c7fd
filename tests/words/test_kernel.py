#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`lull sysctl` on the kernel's knobs, beside sysctl(8).

usage: test_kernel.py LULL

Each command runs in a network namespace of its own, made anew for lull and
for sysctl(8), and must leave the same values behind.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from words import LULL, Tap
import tap

FILE = """# a comment
; another
   # indented

-net.ipv4.nosuch = 1
net.ipv4.nosuch = 2
  net.ipv4.tcp_fin_timeout   =   31
net.ipv4.ip_local_port_range=1024 65001
nonsense
net/ipv4/tcp_rfc1337=1
-net.ipv4.tcp_sack
net.ipv4.tcp_keepalive_[ip]*=7
net.ipv4.tcp_fin_timeout=zz
net.ipv4.tcp_syn_retries=500
-net.ipv4.tcp_syn_retries=500
net.ipv4.tcp_retries2 = 9"""

# Arguments that both have, and whether both end well.
SAME = (
    (["net.ipv4.tcp_fin_timeout"], True),
    (["net/ipv4/tcp_fin_timeout", "net.ipv4.tcp_rmem"], True),
    (["-n", "net.ipv4.tcp_fin_timeout"], True),
    (["-N", "net.ipv4.tcp_fin_timeout"], True),
    (["-b", "net.ipv4.tcp_fin_timeout"], True),
    (["net.ipv4.conf.lo"], True),
    (["net.core"], True),
    (["-w", "net.ipv4.tcp_fin_timeout=17"], True),
    (["net.ipv4.tcp_fin_timeout=17", "net.ipv4.tcp_rfc1337=1"], True),
    (["-w", "net.ipv4.ip_local_port_range = 5000 6001"], True),
    (["-q", "-w", "net.ipv4.tcp_fin_timeout=17"], True),
    (["-w", "net.ipv4.tcp_fin_timeout"], False),
    (["-w", "net.ipv4.tcp_fin_timeout=zz"], False),
    (["-w", "net.ipv4.tcp_syn_retries=500"], False),
    (["net.ipv4.nosuch"], False),
    (["-e", "net.ipv4.nosuch"], True),
    (["net.ipv4.nosuch", "net.ipv4.tcp_fin_timeout"], False),
    (["-e", "net.ipv4.nosuch=1"], True),
    (["-p", "FILE"], False),
    (["-q", "-p", "FILE"], False),
    (["-e", "-p", "FILE"], False),
    (["-p", "/nonexistent", "GOOD"], False),
    (["-pGOOD"], True),
    (["--load=GOOD", "GOOD"], True),
    (["-r", "fin_timeout", "-p", "GOOD"], True),
)

LOOKED_AT = ("tcp_fin_timeout", "ip_local_port_range", "tcp_rfc1337",
             "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_syn_retries",
             "tcp_retries2", "tcp_sack")


def inside(program, *argv, given=None):
    """Output, exit code, and the values that are left."""
    with tempfile.TemporaryDirectory() as d:
        left = pathlib.Path(d, "left")
        script = '"$@"; code=$?; cd /proc/sys/net/ipv4; cat ' + \
            " ".join(LOOKED_AT) + f" > {left}; exit $code"
        run = subprocess.run(
            ["unshare", "-n", "sh", "-c", script, "sh", *program, *argv],
            capture_output=True, text=True, input=given, timeout=60,
            env={**os.environ, "LC_ALL": "C"})
        return run, left.read_text()


def normal(text):
    """Lines without regard to blanks: lull prints what the kernel has."""
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines()]


def test_same(t, d):
    (d / "FILE").write_text(FILE)
    (d / "GOOD").write_text("net.ipv4.tcp_fin_timeout = 21\n"
                            "net.ipv4.tcp_retries2 = 10\n")
    for args, good in SAME:
        args = [re.sub(r"(FILE|GOOD)$", lambda m: str(d / m.group(1)), a)
                for a in args]
        theirs, theirs_left = inside(["sysctl"], *args)
        ours, ours_left = inside([LULL, "sysctl"], *args)
        shown = " ".join(args).replace(str(d) + "/", "")
        t.ok(f"as sysctl(8): {shown}",
             normal(ours.stdout) == normal(theirs.stdout) and
             ours_left == theirs_left and
             (ours.returncode == 0) == (theirs.returncode == 0) == good,
             f"lull: {ours.returncode}", ours.stdout[:500], ours.stderr[:500],
             f"sysctl: {theirs.returncode}", theirs.stdout[:500],
             theirs.stderr[:500])


def test_all(t):
    theirs, _ = inside(["sysctl"], "-a")
    ours, _ = inside([LULL, "sysctl"], "-a")
    want = [x for x in theirs.stdout.splitlines()
            if re.match(r"net\.(core\.|ipv4\.(tcp_|ip_|icmp_)|"
                        r"netfilter\.nf_conntrack_)", x)]
    # what moves by itself
    still = lambda xs: sorted(x for x in xs if "_count" not in x and
                              "fastopen_key" not in x)
    got, want = still(ours.stdout.splitlines()), still(want)
    t.ok(f"-a has the {len(want)} about TCP", len(want) > 100 and got == want,
         *sorted(set(got) ^ set(want))[:20])
    ours, _ = inside([LULL, "sysctl"], "-a", "-N", "-r",
                     "tcp_keepalive_(time|intvl)$")
    t.ok("-a -r", ours.stdout == "net.ipv4.tcp_keepalive_intvl\n"
         "net.ipv4.tcp_keepalive_time\n", ours.stdout)


def test_messages(t):
    for args, code, text in (
            (["net.ipv4.tcp_fin_timeot"], 64,
             "net.ipv4.tcp_fin_timeot: no such knob; did you mean "
             "net.ipv4.tcp_fin_timeout?"),
            (["net.ipv4.tcp_tw_recycle=1"], 64,
             "net.ipv4.tcp_tw_recycle: no such knob: Linux removed it in "
             "4.12; lull explain net.ipv4.tcp_tw_recycle tells more"),
            (["net.ipv4.tcp_mem"], 64,
             "net.ipv4.tcp_mem: it is not in this kernel, or not in this "
             "network namespace; lull explain net.ipv4.tcp_mem tells more"),
            (["net/../../../etc/passwd"], 64, None),
            (["net.ipv4./../.tcp_sack"], 64, None),
            (["/etc/passwd"], 64, None),
            (["-w", "net.ipv4.tcp_syn_retries=500"], 64,
             "net.ipv4.tcp_syn_retries=500: the kernel refuses it: Invalid "
             "argument")):
        run, _ = inside([LULL, "sysctl"], *args)
        t.ok(f"{args[-1]} is explained", run.returncode == code and
             not run.stdout and (text is None or
                                 run.stderr == f"lull sysctl: {text}\n"),
             run.returncode, run.stdout, run.stderr)
    run, left = inside([LULL, "sysctl"], "-p", "-",
                       given="net.ipv4.tcp_fin_timeout=23\n\x1b[2J=1\n")
    t.ok("-p - reads standard input; no escape comes back",
         run.returncode == 1 and left.startswith("23\n") and
         "\x1b" not in run.stderr, repr(run.stderr))


def test_patterns(t):
    """What a line names, a pattern leaves alone, wherever it stands."""
    given = ("net.ipv4.tcp_keepalive_time=600\nnet.ipv4.tcp_keepalive_*=7\n"
             "-net.ipv4.tcp_keepalive_probes\n"
             "net.ipv4.tcp_fin_timeou\x01=9\n")
    left = []
    for tool in (["sysctl"], [LULL, "sysctl"]):
        run, _ = inside(["sh", "-c", '"$@" -p - >/dev/null; cat '
                         "/proc/sys/net/ipv4/tcp_keepalive_* "
                         "/proc/sys/net/ipv4/tcp_fin_timeout", "sh"], *tool,
                        given=given)
        left.append(run.stdout.split())
    t.ok("patterns, as sysctl(8) has them", left[0] == left[1] ==
         ["7", "9", "600", "60"], left)


def test_escapes(t):
    for argv in (["sysctl", "a\x1b[31m"], ["sysctl", "lint", "/x\x1b[31m"],
                 ["doctor", "--from", "/x\x1b[31m"], ["\x1b[31m"]):
        run = subprocess.run([LULL, *argv], capture_output=True, timeout=60)
        t.ok(f"{argv[0]!r}: errors command no terminal",
             run.returncode and run.stderr and b"\x1b" not in run.stderr,
             run.stderr)


def test_json(t):
    run, _ = inside([LULL, "sysctl"], "--json", "net.ipv4.tcp_fin_timeout",
                    "net.ipv4.ip_local_port_range",
                    "net.ipv4.tcp_available_congestion_control")
    try:
        got = json.loads(run.stdout)
    except ValueError:
        got = {"schema": 0, "sysctl": []}
    by_name = {k["name"]: k for k in got["sysctl"]}
    fin = by_name.get("net.ipv4.tcp_fin_timeout", {})
    ports = by_name.get("net.ipv4.ip_local_port_range", {})
    t.ok("--json", got["schema"] == 1 and fin.get("value") == 60 and
         fin.get("default") == 60 and fin.get("unit") == "seconds" and
         ports.get("value") == [32768, 60999] == ports.get("default"),
         run.stdout, run.stderr)


def test_unprivileged(t):
    run = subprocess.run(
        ["unshare", "-n", "setpriv", "--reuid", "65534", "--clear-groups",
         LULL, "sysctl", "net.ipv4.tcp_fin_timeout",
         "net.ipv4.tcp_fin_timeout=9"], capture_output=True, text=True,
        timeout=60)
    if "Permission denied" in run.stderr or "setpriv" in run.stderr:
        t.skip("another user", "can't run it as another user")
        return
    t.ok("another user reads, and is told who may set",
         run.returncode == 3 and
         run.stdout == "net.ipv4.tcp_fin_timeout = 60\n" and run.stderr ==
         "lull sysctl: net.ipv4.tcp_fin_timeout: not allowed; be root\n",
         run.stdout, run.stderr)


SYSTEM = """
mount -t tmpfs none /etc/sysctl.d && mount -t tmpfs none /run &&
mount -t tmpfs none /usr/lib/sysctl.d || exit 77
echo 'net.ipv4.tcp_fin_timeout = 12' > /etc/sysctl.d/50-x.conf
echo 'net.ipv4.tcp_fin_timeout = 13' > /etc/sysctl.d/90-y.conf
"$@"
"""


def test_system(t):
    run = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", SYSTEM, "sh", LULL, "sysctl",
         "--system"], capture_output=True, text=True, timeout=60)
    if run.returncode == 77:
        t.skip("--system", "no mount namespace here")
        return
    got = [x for x in run.stdout.splitlines() if "fin_timeout" in x]
    t.ok("--system, in order", got[:2] == [
        "net.ipv4.tcp_fin_timeout = 12", "net.ipv4.tcp_fin_timeout = 13"],
        run.stdout, run.stderr)


def main():
    t = Tap()
    missing = [p for p in ("unshare", "sysctl") if not shutil.which(p)]
    if os.geteuid() != 0 or missing:
        t.skip("the kernel's knobs", "needs root, unshare(1) and sysctl(8)")
        tap.finish(t)
    with tempfile.TemporaryDirectory() as d:
        test_same(t, pathlib.Path(d))
    test_all(t)
    test_messages(t)
    test_patterns(t)
    test_escapes(t)
    test_json(t)
    test_unprivileged(t)
    test_system(t)
    tap.finish(t)


main()
