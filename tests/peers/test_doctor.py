# SPDX-License-Identifier: BSD-2-Clause
"""`lull doctor` on real troubles, each made in a pair of network namespaces:
found by its rule, and by no other of severity warn or critical.

    near (the patient, 10.99.0.1) --- veth --- far (its peers, 10.99.0.2)
"""

import ctypes
import itertools
import json
import os
import random
import socket
import struct
import threading
import time

from peers import V4, Inside, main, url, wait_for

NEAR, FAR = "10.99.0.1", "10.99.0.2"
BAD = ("warn", "critical")
PR_SET_NAME = 15
serial = itertools.count()


class Pair:
    """Two namespaces that are joined; sockets made here stay open until the
    end."""

    def __init__(self, w):
        self.w, n = w, next(serial)
        self.near, self.far = w.add_netns(f"near{n}"), w.add_netns(f"far{n}")
        self.ip("link", "add", "v0", "netns", self.near, "type", "veth", "peer",
                "name", "v0", "netns", self.far)
        for ns, addr in ((self.near, NEAR), (self.far, FAR)):
            self.ip("-n", ns, "addr", "add", f"{addr}/24", "dev", "v0")
            self.ip("-n", ns, "link", "set", "v0", "up")
        self.socks, self.threads, self.over = [], [], threading.Event()

    def ip(self, *argv):
        p = self.w.run("ip", *argv)
        if p.returncode:
            raise RuntimeError(f"ip {argv}: {p.stderr}")
        return p.stdout

    def near_run(self, *argv, **options):
        return self.w.run_in(self.near, *argv, **options)

    def sysctl(self, name, value):
        p = self.near_run("sysctl", "-qw", f"{name}={value}")
        if p.returncode:
            raise RuntimeError(p.stderr)

    def socket(self, ns, *kind):
        with Inside(ns):
            s = socket.socket(*(kind or (socket.AF_INET, socket.SOCK_STREAM)))
        s.settimeout(5)
        self.socks.append(s)
        return s

    def listen(self, ns, addr, port, backlog=512):
        s = self.socket(ns)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((addr, port))
        s.listen(backlog)
        s.settimeout(1)  # so that a loop sees the end
        return s

    def connect(self, ns, addr, port, wait=True):
        s = self.socket(ns)
        s.setblocking(wait)
        if wait:
            s.settimeout(5)
        err = s.connect_ex((addr, port))
        if wait and err:
            raise OSError(err, os.strerror(err))
        return s

    def meanwhile(self, act):
        """Until the end: act() again and again."""
        def loop():
            while not self.over.is_set():
                try:
                    act()
                except OSError:
                    if not self.over.is_set():
                        time.sleep(0.01)
        t = threading.Thread(target=loop, daemon=True)
        self.threads.append(t)
        t.start()

    def counter(self, name):
        lines = self.near_run("cat", "/proc/net/netstat",
                              "/proc/net/snmp").stdout.splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            for n, v in zip(names.split(), values.split()):
                if n == name:
                    return int(v)
        return 0

    def states(self, state):
        return len(self.near_run("ss", "-Htan", "state",
                                 state).stdout.splitlines())

    def doctor(self, *argv):
        return self.near_run(self.w.path, "doctor", "-w", "1", *argv)

    def diagnose(self, name, want, code=None):
        """The rules that found something bad are these, no more."""
        p = self.doctor("--json")
        try:
            got = json.loads(p.stdout)
        except ValueError:
            self.w.ok(name, False, p.returncode, p.stdout, p.stderr)
            return {"findings": [], "notes": [], "baseline": {}}
        bad = {f["id"]: f for f in got["findings"] if f["severity"] in BAD}
        if code is None:
            code = max([{"warn": 1, "critical": 2}[f["severity"]]
                        for f in bad.values()], default=0)
        self.w.ok(name, set(bad) == set(want) and p.returncode == code,
                  f"exit {p.returncode}, want {code}",
                  f"found {sorted(bad)}, want {sorted(want)}", got["findings"])
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        for s in self.socks:
            s.close()
        for t in self.threads:
            t.join(10)
        self.w.del_netns(self.near)
        self.w.del_netns(self.far)


def finding(got, rule):
    return next((f for f in got["findings"] if f["id"] == rule),
                {"who": [], "evidence": [], "safe": [], "severity": None})


def numbers(f):
    return {e["what"]: e["value"] for e in f["evidence"]}


# ---- healthy ----

def test_idle(w):
    with Pair(w) as p:
        got = p.diagnose("an idle host is healthy", [])
        w.ok("and has no finding of its own",
             {f["id"] for f in got["findings"]} <= {"D21", "D22", "D30"},
             got["findings"])
        out = p.doctor().stdout
        w.ok("as text: normal", out.startswith("normal\n"), out)


def serve_one(listener):
    s, _ = listener.accept()
    with s:
        s.settimeout(5)
        s.recv(100)
        s.sendall(b"answer")


def ask_one(pair, ns, addr, port):
    with Inside(ns):
        s = socket.socket()
    with s:
        s.settimeout(5)
        s.connect((addr, port))
        s.sendall(b"question")
        while s.recv(100):
            pass


def test_busy(w):
    with Pair(w) as p:
        listener = p.listen(p.near, NEAR, 80)
        p.meanwhile(lambda: serve_one(listener))
        for _ in range(2):
            p.meanwhile(lambda: ask_one(p, p.far, NEAR, 80))
        wait_for(lambda: p.states("time-wait") > 300, 20, "300 TIME_WAITs")
        got = p.diagnose("a busy server is healthy", [])
        base = got["baseline"]
        w.ok("its TIME_WAITs are normal for the rate, and more than 300",
             base.get("verdict") == "normal" and base["time_wait"] > 300 and
             base["closes_per_s"] > 1, base)
        w.ok("they are on the server's side (D1)",
             finding(got, "D1")["severity"] == "info", got["findings"])


# ---- troubles ----

def test_close_wait(w):
    """A program that never closes, with a name that would colour a terminal."""
    libc = ctypes.CDLL(None)
    name = open("/proc/self/comm").read().strip()
    with Pair(w) as p:
        listener = p.listen(p.near, NEAR, 8080)
        for _ in range(60):
            p.connect(p.far, NEAR, 8080).close()
            p.socks.append(listener.accept()[0])
        wait_for(lambda: p.states("close-wait") == 60, 10, "60 CLOSE_WAITs")
        libc.prctl(PR_SET_NAME, b"\033[31mleak", 0, 0, 0)
        try:
            got = p.diagnose("a leak of CLOSE_WAIT is D8", ["D8"])
            text = p.doctor("-v").stdout
        finally:
            libc.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
        f = finding(got, "D8")
        w.ok("with process, number and descriptor", any(
            f"pid {os.getpid()}: 60 of them, one is fd " in x for x in f["who"]),
             f["who"])
        w.ok("which were there before, and whose end was not read", numbers(f).get(
            "in CLOSE_WAIT") == 60 and any("not read" in k and v == 60
                                           for k, v in numbers(f).items()), f)
        w.ok("no escape of the process's name is printed", "[31mleak" in text
             and "\033" not in text, text)


def test_ports(w):
    with Pair(w) as p:
        p.sysctl("net.ipv4.ip_local_port_range", "40001 40020")
        listener = p.listen(p.far, FAR, 443)
        for i in range(20):
            c = p.connect(p.near, FAR, 443)
            s = listener.accept()[0]
            p.socks.append(s)
            if i % 2:  # we close first: TIME_WAIT
                c.close()
                s.close()
        try:
            p.connect(p.near, FAR, 443)
            errno = 0
        except OSError as e:
            errno = e.errno
        w.equal("a 21st connection has no port (EADDRNOTAVAIL)", errno, 99)
        got = p.diagnose("an exhausted destination is D3", ["D3"], 2)
        f = finding(got, "D3")
        n = numbers(f)
        w.ok("with the ports there are, in use, in TIME_WAIT and left",
             (n.get("ports there are"), n.get("ports left"),
              n.get("of them in TIME_WAIT")) == (20, 0, 10) and
             f"the destination {FAR}:443" in f["who"], f)


def test_accept_queue(w):
    with Pair(w) as p:
        p.listen(p.near, NEAR, 80, backlog=1)
        for _ in range(8):
            p.connect(p.far, NEAR, 80, wait=False)
        wait_for(lambda: p.counter("ListenOverflows") > 0, 10, "overflows")
        got = p.diagnose("a full accept queue is D16", ["D16"])
        f = finding(got, "D16")
        w.ok("with the listener and its process", any(
            f"{NEAR}:80" in x and str(os.getpid()) in x for x in f["who"]), f)
        n = numbers(f)
        w.ok("and its queue", n.get(
            "connections wait to be accepted (Recv-Q)") == 2, n)


def test_resets(w):
    with Pair(w) as p:
        listener = p.listen(p.near, NEAR, 80)

        def serve():
            s, _ = listener.accept()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.settimeout(5)
            s.recv(100)
            s.close()
        p.meanwhile(serve)
        p.meanwhile(lambda: ask_one(p, p.far, NEAR, 80))
        wait_for(lambda: p.counter("TCPAbortOnData") > 20, 10, "resets")
        got = p.diagnose("SO_LINGER 0 is D26", ["D26"])
        w.ok("TCPAbortOnData is the evidence", any(
            "TCPAbortOnData" in e["source"] and e["value"] >= 5
            for e in finding(got, "D26")["evidence"]), got["findings"])


def test_orphans(w):
    with Pair(w) as p:
        mac = json.loads(p.ip("-j", "-n", p.far, "link", "show", "v0"))
        p.ip("-n", p.near, "neigh", "replace", FAR, "lladdr",
             mac[0]["address"], "dev", "v0", "nud", "permanent")
        listener = p.listen(p.near, NEAR, 80)
        ours = []
        for _ in range(40):
            p.connect(p.far, NEAR, 80)
            ours.append(listener.accept()[0])
        p.ip("-n", p.far, "addr", "del", f"{FAR}/24", "dev", "v0")  # they die
        for s in ours:
            s.close()
        wait_for(lambda: p.states("fin-wait-1") == 40, 10, "40 FIN_WAIT_1s")
        got = p.diagnose("orphans of dead peers are D11", ["D11"])
        n = numbers(finding(got, "D11"))
        w.ok("40 of them, and they stay", n.get("in FIN_WAIT_1") == 40, n)


def test_no_answer(w):
    """Nobody has the address, and nobody says so."""
    with Pair(w) as p:
        p.ip("-n", p.near, "route", "add", "10.97.0.0/16", "via", FAR)
        for _ in range(15):
            p.connect(p.near, "10.97.0.5", 5432, wait=False)
        got = p.diagnose("SYNs that nobody answers are D18", ["D18"])
        w.ok("with the destination", "the destination 10.97.0.5:5432" in
             finding(got, "D18")["who"], got["findings"])


def test_dead_peers(w):
    with Pair(w) as p:
        mac = json.loads(p.ip("-j", "-n", p.far, "link", "show", "v0"))
        p.ip("-n", p.near, "neigh", "replace", FAR, "lladdr",
             mac[0]["address"], "dev", "v0", "nud", "permanent")
        listener = p.listen(p.far, FAR, 5432)
        ours = []
        for _ in range(12):
            ours.append(p.connect(p.near, FAR, 5432))
            p.socks.append(listener.accept()[0])
        p.ip("-n", p.far, "addr", "del", f"{FAR}/24", "dev", "v0")
        for s in ours:
            s.send(b"question")
        wait_for(lambda: p.counter("RetransSegs") >= 12 * 3, 10, "three each")
        p.diagnose("peers that are gone are D25", ["D25"])


def test_buckets(w):
    with Pair(w) as p:
        p.sysctl("net.ipv4.tcp_max_tw_buckets", "3")
        listener = p.listen(p.near, NEAR, 80)
        p.meanwhile(lambda: serve_one(listener))
        p.meanwhile(lambda: ask_one(p, p.far, NEAR, 80))
        wait_for(lambda: p.counter("TCPTimeWaitOverflow") > 0, 10, "overflow")
        got = p.diagnose("TIME_WAITs that are not made are D7", ["D7"], 2)
        w.ok("with the limit, and its default", any(
            x.startswith("sysctl -w net.ipv4.tcp_max_tw_buckets=")
            for x in finding(got, "D7")["safe"]), got["findings"])


# ---- packets of our own ----

def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def segment(src, dst, sport, dport, seq, ack, flags, tsval=None, tsecr=0):
    options = b"" if tsval is None else struct.pack("!BBBBII", 1, 1, 8, 10,
                                                    tsval, tsecr)
    a, b = socket.inet_aton(src), socket.inet_aton(dst)
    size = 20 + len(options)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, size // 4 << 4,
                       flags, 65535, 0, 0) + options
    total = checksum(a + b + struct.pack("!BBH", 0, 6, size) + head)
    head = head[:16] + struct.pack("!H", total) + head[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + size, 0, 0, 64, 6, 0, a, b)
    return ip + head


class Raw:
    """Clients behind a NAT: addresses that nobody in the far namespace has."""

    def __init__(self, pair):
        self.out = pair.socket(pair.far, socket.AF_INET, socket.SOCK_RAW,
                               socket.IPPROTO_RAW)
        self.taken = pair.socket(pair.far, socket.AF_PACKET, socket.SOCK_DGRAM,
                                 socket.htons(0x0800))
        pair.ip("-n", pair.near, "route", "add", "10.97.0.0/16", "via", FAR)

    def send(self, *what, **options):
        self.out.sendto(segment(*what, **options), (NEAR, 0))

    def hear(self, flags):
        """Seq, ack and TSval of the next segment from near with these flags."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            data = self.taken.recv(2048)
            if data[9] != 6 or data[12:16] != socket.inet_aton(NEAR):
                continue
            tcp = data[20:]
            seq, ack, off, got = struct.unpack_from("!IIBB", tcp, 4)
            if got & flags == flags:
                at = tcp[20:off >> 2].find(b"\x08\x0a")
                ts = struct.unpack_from("!I", tcp, 22 + at)[0] if at >= 0 else 0
                return seq, ack, ts
        raise TimeoutError("nothing from near")


def test_syn_queue(w):
    with Pair(w) as p:
        p.listen(p.near, NEAR, 80, backlog=16)
        raw = Raw(p)
        seed = random.Random(1)

        def flood():
            raw.send(f"10.97.{seed.randrange(256)}.{seed.randrange(1, 255)}",
                     NEAR, seed.randrange(1024, 65536), 80,
                     seed.randrange(1 << 32), 0, 2)
            time.sleep(0.005)
        p.meanwhile(flood)
        wait_for(lambda: p.counter("SyncookiesSent") > 0, 10, "cookies")
        got = p.diagnose("a flood of SYNs is D15", ["D15"])
        f = finding(got, "D15")
        w.ok("with the listener and the half-open ones", any(
            f"{NEAR}:80" in x for x in f["who"]) and
             numbers(f).get("in SYN_RECV", 0) > 0, f)


def test_paws(w):
    client, sport = "10.97.0.5", 30000
    with Pair(w) as p:
        listener = p.listen(p.near, NEAR, 80)
        raw = Raw(p)
        to = (client, NEAR, sport, 80)
        raw.send(*to, 1000, 0, 2, tsval=9_000_000)
        seq, _, ts = raw.hear(0x12)
        raw.send(*to, 1001, seq + 1, 0x10, tsval=9_000_001, tsecr=ts)
        listener.accept()[0].close()
        seq, _, ts = raw.hear(0x01)
        raw.send(*to, 1001, seq + 1, 0x11, tsval=9_000_002, tsecr=ts)
        wait_for(lambda: p.states("time-wait") == 1, 5, "a TIME_WAIT")

        def other():  # its clock began later
            raw.send(*to, 900_000, 0, 2, tsval=5000)
            time.sleep(0.1)
        p.meanwhile(other)
        wait_for(lambda: p.counter("PAWSTimewait") > 0, 5, "PAWSTimewait")
        p.diagnose("two clocks behind a NAT are D19", ["D19"])


# ---- the rest ----

def test_lull(w):
    w.file("index.html", b"hello\n")
    s = w.serve(w.www(), "--sysctl", "net.ipv4.tcp_max_tw_buckets=200")
    try:
        def doctor():
            p = w.lull("doctor", "-w", "1", "--json", "--ctl", s.ctl)
            return p.returncode, json.loads(p.stdout or "{}")
        s.curl("-H", "Connection: close", *[url(V4)] * 120)
        code, got = doctor()
        w.ok("a lull is healthy, its TIME_WAITs are the server's", code == 0 and
             got["source"] == "control socket" and
             got["states"]["TIME_WAIT"] == 120 and
             [f["id"] for f in got["findings"]] == ["D1"], code, got)
        over = threading.Event()

        def churn():
            while not over.is_set():
                s.curl("-H", "Connection: close", *[url(V4)] * 100)
        t = threading.Thread(target=churn)
        t.start()
        try:
            wait_for(lambda: s.counter("Lull.TWEvicted") > 0, 20, "evictions")
            code, got = doctor()
        finally:
            over.set()
            t.join()
        w.equal("too few records are L1, and D7, and no other", (code, {
            f["id"] for f in got["findings"] if f["severity"] in BAD}),
            (1, {"L1", "D7"}))
    finally:
        w.equal("it stops in order", s.stop(), 0)


def test_squid(w):
    """What an article shows: the TIME_WAITs are not the trouble."""
    path = os.path.join(w.dir, "squid.txt")
    with open(path, "w", newline="\r\n") as f:
        f.write("LAST_ACK 14\nSYN_RECV 348\nESTABLISHED 70\nFIN_WAIT1 229\n"
                "FIN_WAIT2 30\nCLOSING 33\nTIME_WAIT 18122\n")
    p = w.lull("doctor", "--from", path, "--json")
    got = json.loads(p.stdout)
    w.equal("the article's Squid: FIN_WAIT_1, CLOSING and SYN_RECV",
            (p.returncode, [(f["id"], f["severity"]) for f in got["findings"]]),
            (1, [("D11", "warn"), ("D14", "warn"), ("D15", "warn")]))
    out = w.lull("doctor", "--from", path).stdout
    w.equal("its first lines", out.splitlines()[:3],
            ["worth a look: 3", "most likely: 229 connections are in FIN_WAIT_1",
             "no alarm: 18122 TIME_WAIT stand for about 302.0 closes/s in the "
             "last 60 s, and take 4.6 MB"])
    w.ok("each number has its source", all(
        e["source"] == "pasted text" for f in got["findings"]
        for e in f["evidence"]), got)
    w.ok("dangerous advice is refused by name", {
        "net.ipv4.tcp_tw_recycle=1", "ss -K state time-wait"} <= {
            r["what"] for r in got["refused"]}, got["refused"])


def measured(w, argv, path):
    """Exit code, seconds, and megabytes at most."""
    begin = time.monotonic()
    with open(path, "rb") as f:
        p = w.popen(argv, stdin=f, stdout=open(os.devnull, "wb"))
        _, status, use = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, time.monotonic() - begin, use.ru_maxrss / 1024


def test_text(w):
    path = os.path.join(w.dir, "netstat.txt")
    with open(path, "w") as f:
        f.write("Aktive Internetverbindungen\r\n")
        for i in range(1_000_000):
            f.write(f"tcp 0 0 10.0.{i >> 16 & 255}.{i >> 8 & 255}:{i % 60000 + 1} "
                    f"10.1.{i >> 8 & 255}.{i & 255}:443 TIME_WAIT\r\n")
    code, seconds, mb = measured(w, [w.path, "doctor", "--from", "-"], path)
    w.ok("a million pasted rows take less than 64 MB, and some seconds",
         code == 0 and mb < 64 and seconds < 20, code, seconds, mb)
    w.refuses("a file that is not there", 3, ["/nowhere"], "doctor", "--from",
              "/nowhere")
    w.refuses("text without a row", 3, ["ss -tan"], "doctor", "--from",
              "/dev/null")
    w.refuses("--from and --ctl", 64, ["--from", "--ctl"], "doctor", "--from",
              "x", "--ctl", "y")
    w.refuses("--watch 0", 64, ["3600"], "doctor", "--watch", "0")


def test_nobody(w):
    with Pair(w) as p:
        got = w.run("nsenter", f"--net=/run/netns/{p.near}", "-S", "65534", "-G",
                    "65534", w.path, "doctor", "-w", "1", "--json")
        if got.returncode == 127 or "Permission denied" in got.stderr:
            w.skip("without privilege", "nobody may not run the command here")
            return
        notes = " ".join(json.loads(got.stdout)["notes"])
        w.ok("without privilege it looks all the same, and says what root "
             "would add", got.returncode == 0 and "hide their descriptors" in
             notes and "as root" in notes, got)


main([test_idle, test_busy, test_close_wait, test_ports, test_accept_queue,
      test_resets, test_orphans, test_no_answer, test_dead_peers,
      test_buckets, test_syn_queue, test_paws, test_lull,
      test_squid, test_text, test_nobody], ["curl", "ss", "sysctl"])
