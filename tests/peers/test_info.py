# SPDX-License-Identifier: BSD-2-Clause
"""`lull ss -i -m -e -o` of a lull beside ss(8) of the kernel at its other end."""

import re
import socket
import time

from peers import V4, V6, main, wait_for

REQUEST = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"
PAGE = b"x" * 300000
# What only a kernel has (cgroups, users), and what hangs on who sends how much.
KERNEL_ONLY = {"cgroup", "sack", "uid", "timer", "app_limited", "rcv_rtt"}
TIMES = r"\b(lastsnd|lastrcv|lastack|timer):\S*"


def words(line):
    """Names alone: "rtt:1/2" is "rtt", "send 5bps" is "send"."""
    tail = re.split(r":\d+ +", line, maxsplit=2)[-1]
    found = set()
    for word in tail.split():
        name = re.match(r"[a-z][a-z_]*", word)
        if name and not re.fullmatch(r"[\d.]+[TGMk]?bps", word):
            found.add(name[0])
    return found


def ss(w, s, *argv):
    return w.lull("ss", *argv, "--ctl", s.ctl).stdout


def row(text, port):
    found = [line for line in text.splitlines() if f":{port} " in line]
    return found[0] if found else ""


def number(line, name):
    found = re.search(rf"\b{name}:(\d+)", line)
    return int(found[1]) if found else None


def fetch(sock):
    sock.sendall(REQUEST)
    got = b""
    while len(got.partition(b"\r\n\r\n")[2]) < len(PAGE):
        more = sock.recv(65536)
        if not more:
            break
        got += more
    return len(got)


def test_words(w, s):
    for addr in (V4, V6):
        sock = s.connect(addr, setup=lambda k: k.setsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        port = sock.getsockname()[1]
        got = fetch(sock)
        w.ok("a page came", got > len(PAGE), got)
        wait_for(lambda: "unacked" not in row(ss(w, s, "-tinomeO"), port))
        time_ = time.monotonic()
        kernel = row(s.run("ss", "-tinomeO", "dport", "= :80").stdout, port)
        lull = row(ss(w, s, "-tinomeO"), port)
        w.ok("both have the row", kernel and lull, kernel, lull)
        control = s.run("sysctl", "-n",
                        "net.ipv4.tcp_congestion_control").stdout.strip()
        missing = words(kernel) - words(lull) - KERNEL_ONLY - {control}
        w.ok(f"lull says all that ss says of the kernel's end ({addr})",
             not missing, *sorted(missing), lull, kernel)
        w.ok("and its numbers are the kernel's in a mirror",
             number(lull, "bytes_received") == number(kernel, "bytes_acked") - 1
             and number(kernel, "bytes_received") == number(lull, "bytes_acked")
             and number(lull, "data_segs_in") >= 1
             and number(lull, "bytes_acked") == got, lull, kernel)
        w.ok("skmem is there", "skmem:(r0,rb" in lull, lull)
        w.ok("it was quick enough to compare", time.monotonic() - time_ < 5)
        sock.close()


def strip(text):
    return [" ".join(re.sub(TIMES, "", line).split())
            for line in text.splitlines()]


def test_dump(w, s):
    """A dump has all that can be asked for: -a, -m, -e and -i."""
    socks = [s.connect(addr) for addr in (V4, V6)]
    for sock in socks:
        fetch(sock)
    wait_for(lambda: "unacked" not in ss(w, s, "-tinO"))
    path = w.file("rows", b"")
    w.lull("ss", "--dump", path, "--ctl", s.ctl)
    for flags in ("-tinomeaO", "-tinomea"):
        theirs = s.run("env", f"TCPDIAG_FILE={path}", "ss", flags).stdout
        ours = ss(w, s, flags)
        w.ok(f"ss {flags} of our dump has rows", "rcv_ssthresh" in theirs, theirs)
        w.equal(f"ss {flags} of our dump is lull ss", sorted(strip(theirs)),
                sorted(strip(ours)))
    for sock in socks:
        sock.close()


def test_states(w, s):
    """-e: which direction is over; -o: the timer."""
    sock = s.connect(V4)
    port = sock.getsockname()[1]
    w.ok("<->", " <->" in row(ss(w, s, "-tneO"), port), ss(w, s, "-tneO"))
    sock.close()


def test_all(w):
    w.file("page", PAGE)
    with w.serve(w.www()) as s:
        for test in (test_words, test_dump, test_states):
            test(w, s)


main([test_all], ["ss"])
