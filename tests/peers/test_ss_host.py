#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`lull ss` of the kernel's sockets, beside ss(8) and netstat's pipeline.

A namespace has sockets of this process in most states; what each tool says of
them has to be the same.
"""

import collections
import json
import os
import platform
import pty
import re
import select
import shutil
import socket
import subprocess
import sys

from peers import Inside, main, wait_for

FILTERS = (
    "state time-wait", "state all", "exclude time-wait", "state connected",
    "state synchronized", "state bucket", "state big", "state listening",
    "state established exclude established state close-wait",
    "dport = :8080", "dport = 8080", "sport != :8080", "sport gt :8081",
    "sport = :8080 or dport = :8081", "sport ge :8080 and sport le :8081",
    "dst 127.0.0.0/8", "dst 127.0.0.1", "src [::1]:8081", "src 0.0.0.0/0",
    "dst ::/0", "not ( sport = :8080 )", "! dport = :8080", "src *:8080",
    "state time-wait ( dport = :8080 or sport = :8080 )",
    "dport < 8081 or sport = 8081 and dst 127.0.0.1", "dev = lo", "dev != lo",
    "state listening sport = :https",
)
DENY = r"""
import ctypes, os, struct, sys
ret, load, jeq = 6, 0x20, 0x15
code = [(load, 0, 0, 0), (jeq, 0, 5, 41), (load, 0, 0, 16), (jeq, 0, 3, 16),
        (load, 0, 0, 32), (jeq, 0, 1, 4), (ret, 0, 0, 0x5005d),
        (ret, 0, 0, 0x7fff0000)]
raw = b"".join(struct.pack("HBBI", *c) for c in code)
buf = ctypes.create_string_buffer(raw)
prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code),
                                               ctypes.addressof(buf)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(prog)):
    sys.exit("no seccomp")
os.execvp(sys.argv[1], sys.argv[1:])
"""
NAMED = r"""
import ctypes, socket, sys
ctypes.CDLL(None).prctl(15, b"a\x1b[31m\"b", 0, 0, 0)
s = socket.socket()
s.bind(("127.0.0.1", 9999))
s.listen(1)
print("ready", flush=True)
sys.stdin.read()
"""


class Sockets:
    """Two listeners; connections in five states, both families, and mapped."""

    def __init__(self, netns):
        self.netns, self.keep = netns, []
        with Inside(netns):
            self.v4 = self.listen(socket.AF_INET, "0.0.0.0", 8080)
            self.v6 = self.listen(socket.AF_INET6, "::", 8081)
            self.only = self.listen(socket.AF_INET6, "::1", 443, True)
            for pair in ([self.pair(self.v4, "127.0.0.1", 8080)
                          for _ in range(6)] +
                         [self.pair(self.v6, "::1", 8081) for _ in range(3)] +
                         [self.pair(self.v6, "127.0.0.1", 8081)
                          for _ in range(3)] +
                         [self.pair(self.only, "::1", 443)]):
                self.keep.append(pair)
        k = self.keep
        k[0][0].send(b"x" * 1000)       # unread
        for first, then in ((0, 1), (1, 0)):
            k[1 + first][first].close()  # CLOSE_WAIT of the other
            k[3 + first][first].close()  # TIME_WAIT of this
            k[3 + first][then].close()
        k[6][1].close()
        k[6][0].close()
        k[9][1].close()
        k[9][0].close()

    def listen(self, family, addr, port, v6only=False):
        s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if v6only:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((addr, port))
        s.listen(16)
        return s

    @staticmethod
    def pair(listener, addr, port):
        c = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
        c.connect((addr, port))
        return c, listener.accept()[0]

    def close(self):
        for s in (self.v4, self.v6, self.only, *(x for p in self.keep for x in p)):
            s.close()


def ss(w, n, *argv):
    return w.run_in(n, w.path, "ss", *argv)


def alike(text):
    """Without what the next moment changes: idle times, and their widths."""
    text = re.sub(r" last(snd|rcv|ack):\d+", r" last\1", text)
    return re.sub(r" +$", "", text, flags=re.M)


def test_rows(w, n):
    for flags in ("-tan", "-tano", "-ta", "-tn", "-tln", "-tan4", "-tan6",
                  "-Htan", "-tanp", "-tanm", "-tanmO"):
        def same(flags=flags):
            return ss(w, n, flags).stdout == w.run_in(n, "ss", flags).stdout
        w.ok(f"{flags}: byte for byte ss(8)'s", wait_for(same, 5),
             ss(w, n, flags).stdout, w.run_in(n, "ss", flags).stdout)
    for flags in ("-tani", "-tai", "-tanie", "-tane", "-tanOimep"):
        def same(flags=flags):
            return alike(ss(w, n, flags).stdout) == \
                alike(w.run_in(n, "ss", flags).stdout)
        w.ok(f"{flags}: ss(8)'s, but for idle times", wait_for(same, 5),
             ss(w, n, flags).stdout, w.run_in(n, "ss", flags).stdout)
    got = ss(w, n, "-tan")
    w.ok("there are five states, and no complaint", got.stderr == "" and
         len(set(re.findall(r"^[A-Z][-A-Z0-9]+", got.stdout, re.M)) -
             {"State"}) == 5, got.stdout, got.stderr)


def test_filters(w, n):
    for text in FILTERS:
        ours = ss(w, n, "-tn", *text.split())
        theirs = w.run_in(n, "ss", "-tn", *text.split())
        w.ok(f"{text}", ours.stdout == theirs.stdout and not ours.stderr and
             ours.returncode == 0, ours.stdout, ours.stderr, theirs.stdout)
    w.equal("one argument, as it is typed with quotes",
            ss(w, n, "-tn", "( sport = :8080 or dport = :8081 )").stdout,
            ss(w, n, "-tn", "sport", "=", "8080", "or", "dport", "8081").stdout)


def count(text):
    """netstat's line: rows by state."""
    return dict(collections.Counter(
        line.split()[0] for line in text.splitlines() if line))


def test_counts(w, n):
    rows = count(w.run_in(n, "ss", "-Htan").stdout)
    got = json.loads(ss(w, n, "summary", "--json").stdout)
    w.equal("summary counts as rows are", got["states"], rows)
    w.ok("it says that TIME-WAIT is sockstat's",
         "/proc/net/sockstat" in got["source"], got)
    text = ss(w, n, "-s").stdout
    w.ok("as text: the most first, with their share", re.search(
        rf"^ESTAB +{rows['ESTAB']} +\d+\.\d%$", text, re.M), text)
    some = json.loads(ss(w, n, "summary", ":8080", "--json").stdout)
    w.equal("summary :8080", some["states"], count(w.run_in(
        n, "ss", "-Htan", "sport = :8080 or dport = :8080").stdout))
    v6 = json.loads(ss(w, n, "summary", "-6", "--json").stdout)
    w.equal("summary -6", v6["states"],
            count(w.run_in(n, "ss", "-Htan6").stdout))
    prom = ss(w, n, "summary", "--prom").stdout
    w.ok("--prom has every state, with its 0s", prom.count("\n") == 13 and
         f'lull_tcp_sockets{{state="ESTAB"}} {rows["ESTAB"]}\n' in prom and
         'lull_tcp_sockets{state="LAST-ACK"} 0\n' in prom, prom)
    for word in ("state", "peer", "port", "role", "process"):
        got = json.loads(ss(w, n, "--by", word, "--json").stdout)
        w.equal(f"--by {word}: all of them", got["total"], sum(rows.values()))
    roles = json.loads(ss(w, n, "--by", "role", "--json").stdout)["roles"]
    w.equal("three listeners", roles["listener"]["sockets"], 3)
    procs = json.loads(ss(w, n, "--by", "process", "--json").stdout)["processes"]
    w.ok("CLOSE-WAIT is this process's", any(
        f"pid {os.getpid()}" in k and v["states"].get("CLOSE-WAIT") == 2
        for k, v in procs.items()), procs)
    dests = json.loads(ss(w, n, "--by", "destination", "--json").stdout)
    w.ok("--by destination: 8080 has a TIME-WAIT, and 28232 ports",
         any(d["peer"] == {"address": "127.0.0.1", "port": 8080} and
             d["ports_closing"] >= 1 and d["ports"] == 28232
             for d in dests["destinations"]), dests)


def test_objects(w, n):
    """What rows say, objects say."""
    with Inside(n):
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        bound.bind(("127.0.0.1", 7777))
        bound.listen(1)
    got = json.loads(ss(w, n, "-lm", "--json", "sport = :7777").stdout)
    bound.close()
    w.ok("the interface, and -m", [(s["local"]["interface"],
                                    s["memory"]["rcv_buf"] > 0)
                                   for s in got["sockets"]] == [("lo", True)],
         got)
    peers = json.loads(ss(w, n, "--by", "peer", "--json").stdout)["peers"]
    w.ok("--by peer: 127.0.0.1 is one peer, mapped or not",
         "127.0.0.1" in peers and not any("ffff" in k for k in peers), peers)
    bare = ("unshare", "-m", "sh", "-c",
            'mount -t tmpfs none /proc && exec "$@"', "sh", w.path, "ss")
    got = w.run_in(n, *bare, "--by", "process")
    w.ok("--by process without /proc says so", got.returncode == 3 and
         "/proc" in got.stderr and not got.stdout, got.stdout, got.stderr)
    got = w.run_in(n, *bare, "-tanp")
    w.ok("-p without /proc: the rows, and what is missing",
         got.returncode == 0 and "processes are not shown" in got.stderr and
         "LISTEN" in got.stdout, got.stdout, got.stderr)


def test_watch(w, n, s):
    p = w.popen(w.inside(n, w.path, "ss", "summary", "-w", "0.3", "--count",
                         "2", "--json"), stdout=subprocess.PIPE)
    first = json.loads(p.stdout.readline())
    with Inside(n):
        s.keep += [s.pair(s.v4, "127.0.0.1", 8080) for _ in range(10)]
    then = json.loads(p.stdout.readline())
    w.equal("-w ends after --count", p.wait(5), 0)
    p.stdout.close()
    w.ok("-w: 20 more, and so many a second", "change_per_s" not in first and
         then["states"]["ESTAB"] - first["states"]["ESTAB"] == 20 and
         abs(then["change_per_s"]["ESTAB"] * then["seconds"] - 20) < 0.01 and
         then["seconds"] >= 0.3, first, then)


def test_watch_dests(w, n, s):
    def find(line):
        return next(d for d in json.loads(line)["destinations"]
                    if d["peer"] == {"address": "127.0.0.1", "port": 8080})
    p = w.popen(w.inside(n, w.path, "ss", "--by", "destination", "-w", "0.3",
                         "--count", "2", "--json"), stdout=subprocess.PIPE)
    first = find(p.stdout.readline())
    with Inside(n):
        s.keep += [s.pair(s.v4, "127.0.0.1", 8080) for _ in range(10)]
    then = find(p.stdout.readline())
    w.equal("--by destination -w ends after --count", p.wait(5), 0)
    p.stdout.close()
    rate = then.get("change_per_s", 0)
    w.ok("-w: ten ports more, how many a second, and when there is none left",
         "change_per_s" not in first and first["full_in_ns"] is None and
         then["ports_live"] - first["ports_live"] == 10 and 0 < rate <= 10 / 0.3
         and abs(then["full_in_ns"] / 1e9 * rate - then["ports_free"]) < 1,
         first, then)
    out = ss(w, n, "--by", "destination", "-nw", "0.05", "--count", "2").stdout
    w.ok("as text: ? at first, then 0, and never full",
         re.search(r" 8080 .* \? +\? *\n", out.replace(":8080", " 8080"), re.S)
         and re.search(r" \+0\.0 - *\n", out) and "Change/s" in out, out)


def test_dump(w, n):
    path = os.path.join(w.dir, "dump")

    def same():
        ss(w, n, "--dump", path)
        theirs = w.run_in(n, "env", f"TCPDIAG_FILE={path}", "ss", "-tano")
        return theirs.stdout == ss(w, n, "-tano").stdout and not theirs.stderr
    w.ok("TCPDIAG_FILE=FILE ss -tano prints what lull ss -tano does",
         wait_for(same, 5))
    w.refuses("--dump to where nothing can be", 3, ["/nonexistent/x"], "ss",
              "--dump", "/nonexistent/x")


def test_names(w, n):
    p = w.popen(w.inside(n, sys.executable, "-c", NAMED), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE)
    try:
        p.stdout.readline()
        for argv in (["-tlnp", "sport", "=", "9999"], ["--by", "process"],
                     ["--by", "process", "--prom"]):
            out = ss(w, n, *argv).stdout
            w.ok(f"{' '.join(argv)}: no escape of a name gets through",
                 "a?[31m" in out and "\x1b" not in out, out)
    finally:
        p.communicate(b"")
    if not shutil.which("setpriv"):
        w.skip("-p without root", "needs setpriv")
        return
    got = w.run_in(n, "setpriv", "--reuid", "65534", "--clear-groups", w.path,
                   "ss", "-tanp")
    w.ok("-p without root: all rows, and what root would add",
         got.returncode == 0 and "users:" not in got.stdout and
         "root would see" in got.stderr and
         re.sub(" +$", "", got.stdout, flags=re.M) ==
         re.sub(" +$", "", ss(w, n, "-tan").stdout, flags=re.M),
         got.stdout, got.stderr)


def test_proc(w, n):
    if platform.machine() != "x86_64":
        w.skip("/proc/net/tcp", "its filter of system calls is for x86-64")
        return
    deny = [sys.executable, "-c", DENY, w.path, "ss"]
    for argv in (["-tan"], ["-tan", "dport = :8080"], ["-tan6"]):
        got = w.run_in(n, *deny, *argv)
        rows, want = (sorted(t.split()[:5] for t in text.splitlines()[1:])
                      for text in (got.stdout, w.run_in(
                          n, "ss", *argv).stdout.replace("*:", "[::]:")))
        rows = [[c.replace("*:", "[::]:") for c in r] for r in rows]
        for r in want:
            if r[0] == "LISTEN":
                r[2] = "0"  # /proc has no backlog
        rows.sort()
        want.sort()
        w.equal(f"without sock_diag: {' '.join(argv)} has the same rows",
                rows, want)
    w.ok("and says so", "/proc/net/tcp" in got.stderr, got.stderr)
    got = w.run_in(n, *deny, "summary", "--json")
    w.equal("summary too", json.loads(got.stdout)["states"],
            count(w.run_in(n, "ss", "-Htan").stdout))


def answer(w, argv, text):
    """Run it on a terminal, which gives this answer."""
    master, slave = pty.openpty()
    p = w.popen(argv, stdin=slave, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
    os.close(slave)
    if select.select([p.stderr], [], [], 5)[0]:
        os.write(master, text)
    out, err = p.communicate(timeout=10)
    os.close(master)
    return p.returncode, out.decode(), err.decode()


def test_kill(w, n, s):
    def states():
        return count(w.run_in(n, "ss", "-Htan").stdout)
    tw = states()["TIME-WAIT"]
    got = ss(w, n, "-K", "dport", "=", ":443")
    w.ok("-K without a terminal refuses", got.returncode == 3 and
         "--yes" in got.stderr and not got.stdout, got.stderr)
    argv = w.inside(n, w.path, "ss", "-K", "state", "established", "dport",
                    "=", ":443")
    code, out, err = answer(w, argv, b"n\n")
    w.ok("-K asks, and no is no", (code, out) == (1, "") and "[y/N]" in err and
         "[::1]:443" in err and not s.keep[12][0].getsockopt(
             socket.SOL_SOCKET, socket.SO_ERROR), code, out, err)
    code, out, err = answer(w, argv, b"y\n")
    if "INET_DIAG_DESTROY" in err:
        w.skip("-K", "this kernel cannot end sockets")
        return
    w.ok("yes ends it", code == 0 and out.startswith("ended ESTAB [::1]:") and
         s.keep[12][0].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0,
         code, out, err)
    got = ss(w, n, "-K", "--yes", "state", "time-wait")
    w.ok("TIME-WAITs stay, and it says what they protect",
         got.returncode == 1 and "protect" in got.stderr and
         states()["TIME-WAIT"] == tw, got.stderr, states())
    got = ss(w, n, "-K", "--yes", "--force", "state", "time-wait")
    w.ok("unless forced", got.returncode == 0 and
         "TIME-WAIT" not in states(), got.stderr, states())
    w.ok("without root: not permitted", not shutil.which("setpriv") or
         w.run_in(n, "setpriv", "--reuid", "65534", "--clear-groups", w.path,
                  "ss", "-K", "--yes").returncode == 3)


def test_all_netns(w, n):
    other = w.add_netns("other")
    with Inside(other):
        lone = socket.create_server(("127.0.0.1", 4444))
    out = w.lull("ss", "summary", "--all-netns", "--json").stdout
    got = {j["netns"]: j["states"] for j in map(json.loads, out.splitlines())}
    w.ok("--all-netns has both namespaces", got.get(other) == {"LISTEN": 1} and
         got.get(n, {}).get("LISTEN") == 3, got)
    out = w.lull("ss", "-tln", "--all-netns").stdout
    w.ok("rows too", f"netns {other}\n" in out and "127.0.0.1:4444" in out, out)
    lines = w.lull("ss", "-tln", "--all-netns", "--json").stdout.splitlines()
    got = {j["netns"]: j["sockets"] for j in map(json.loads, lines)}
    w.ok("as JSON: an object a line, which has its namespace's name",
         [s["local"]["port"] for s in got.get(other, [])] == [4444], lines)
    got = w.run("unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && "
                'mkdir /run/netns && : >/run/netns/left && exec "$@"', "sh",
                w.path, "ss", "summary", "--all-netns", "--json")
    w.ok("a name that was left there is no namespace", got.returncode == 0 and
         {"LISTEN": 1} in [json.loads(t)["states"]
                           for t in got.stdout.splitlines()],
         got.stdout, got.stderr)
    lone.close()
    w.del_netns(other)


def test_all(w):
    n = w.add_netns("host")
    s = Sockets(n)
    try:
        test_rows(w, n)
        test_filters(w, n)
        test_counts(w, n)
        test_objects(w, n)
        test_dump(w, n)
        test_names(w, n)
        test_proc(w, n)
        test_all_netns(w, n)
        test_watch(w, n, s)
        test_watch_dests(w, n, s)
        test_kill(w, n, s)
    finally:
        s.close()
        w.del_netns(n)


main([test_all], ["ss", "ip"])
