# SPDX-License-Identifier: BSD-2-Clause
"""How connections end: halves, resets, and peers that are not there any more."""

import errno
import hashlib
import os
import re
import socket
import struct
import time

from peers import Peer, V4, V6, main, url, wait_for

SIZE = 64 << 20
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds
SHORT = ["--sysctl", "net.ipv4.tcp_retries2=3",
         "--sysctl", "net.ipv4.tcp_rto_max_ms=1000",
         "--sysctl", "net.ipv4.tcp_orphan_retries=2"]


def request(path, close=True):
    return (f"GET {path} HTTP/1.1\r\nHost: a\r\n" +
            ("Connection: close\r\n" if close else "") + "\r\n").encode()


def read_all(sock):
    """What came, and how it ended."""
    got = []
    try:
        while True:
            part = sock.recv(1 << 20)
            if not part:
                return b"".join(got), "FIN"
            got.append(part)
    except OSError as e:
        return b"".join(got), type(e).__name__


# ---- halves ----

def test_client_shuts_down(w):
    data = os.urandom(SIZE)
    w.file("big", data)
    w.file("index.html", b"hello\n")
    want = hashlib.sha256(data).hexdigest()
    with w.serve(w.www()) as s:
        for addr in (V4, V6):
            for close in (True, False):
                with s.connect(addr) as sock:
                    sock.sendall(request("/big", close))
                    sock.shutdown(socket.SHUT_WR)
                    w.ok("the kernel half-closed: lull is in CLOSE-WAIT",
                         s.wait_states(CLOSE_WAIT=1), s.states())
                    got, end = read_all(sock)
                body = got.partition(b"\r\n\r\n")[2]
                w.equal(f"{addr}: the whole answer comes, then FIN",
                        (len(body), hashlib.sha256(body).hexdigest(), end),
                        (SIZE, want, "FIN"))
        w.ok("and no TIME-WAIT stays: the kernel closed first",
             s.wait_states(ESTAB=0, CLOSE_WAIT=0, LAST_ACK=0, TIME_WAIT=0),
             s.states())


def test_lull_shuts_down(w):
    if not w.tool:
        w.skip("lull half-closes", "needs the peers' program")
        return
    data = os.urandom(SIZE)
    with Peer(w, "halfclose") as s:
        for addr in (V4, V6):
            with s.connect(addr, 9) as sock:
                w.equal(f"{addr}: lull sends a line and FIN", read_all(sock),
                        (b"half-closed\n", "FIN"))
                w.ok("it is in FIN-WAIT-2", s.wait_states(FIN_WAIT_2=1),
                     s.states())
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                w.equal("and takes 64 MiB after its own FIN", s.line(30),
                        f"fin {hashlib.sha256(data).hexdigest()} {SIZE}")
        w.ok("then it waits in TIME-WAIT: it closed first",
             s.wait_states(FIN_WAIT_2=0, TIME_WAIT=2), s.states())


# ---- resets ----

def test_client_resets(w):
    with w.serve(w.www()) as s:
        for addr in (V4, V6):
            other = s.connect(addr)
            other.sendall(request("/big"))
            sock = s.connect(addr)
            sock.sendall(request("/big"))
            sock.recv(100000)
            w.ok(f"{addr}: two downloads", s.wait_states(ESTAB=2), s.states())
            before = s.counters()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.close()
            w.ok("RST amid one: its ESTAB goes, the other stays",
                 s.wait_states(3, ESTAB=1), s.states())
            after = s.counters()
            w.ok("EstabResets counts it, and it is not answered",
                 after["Tcp.EstabResets"] == before["Tcp.EstabResets"] + 1 and
                 after["Tcp.OutRsts"] == before["Tcp.OutRsts"])
            got, end = read_all(other)
            other.close()
            w.ok("the other download is whole", len(got) > SIZE and end == "FIN",
                 len(got), end)
            w.equal("and new ones are served",
                    s.curl("-g", url(addr)).stdout, "hello\n")
        for _ in range(100):  # at once, and before the answer
            sock = s.connect()
            sock.sendall(request("/big"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            sock.close()
        w.ok("a hundred resets later nothing is left",
             s.wait_states(ESTAB=0, SYN_RECV=0, CLOSE_WAIT=0, LAST_ACK=0,
                           FIN_WAIT_1=0, FIN_WAIT_2=0), s.states())


def test_lull_resets(w):
    if not w.tool:
        w.skip("lull resets", "needs the peers' program")
        return
    for mode, word, counter in (
            ("abort", "aborted", None),
            ("unread", "closed", "TcpExt.TCPAbortOnClose")):
        with Peer(w, mode) as s:
            for i, addr in enumerate((V4, V6)):
                with s.connect(addr, 9) as sock:
                    sock.sendall(b"x")
                    w.equal(f"{mode}, {addr}: lull has done it", s.line(), word)
                    w.equal("and the kernel's program gets ECONNRESET",
                            read_all(sock), (b"", "ConnectionResetError"))
                w.ok("no connection is left, nor a TIME-WAIT",
                     s.wait_states(**{k: 0 for k in (
                         "ESTAB", "TIME_WAIT", "FIN_WAIT_1", "CLOSE_WAIT")}),
                     s.states())
                w.equal("OutRsts", s.counter("Tcp.OutRsts"), i + 1)
                if counter:
                    w.equal(counter, s.counter(counter), i + 1)


def test_nobody_listens(w):
    with w.serve(w.www()) as s:
        for addr in (V4, V6):
            try:
                s.connect(addr, 81).close()
                how = "connected"
            except OSError as e:
                how = type(e).__name__
            w.equal(f"{addr}: a port without a listener refuses",
                    how, "ConnectionRefusedError")


# ---- peers that vanish ----

def other_device(s):
    return re.search(r"^\d+: (lull\d+)", s.run("ip", "-o", "link", "show",
                                               "up").stdout, re.M)[1]


def in_use(s):
    """Pools; of one, the run loop holds up to 64 empty frames, or fewer."""
    pools = s.pools()
    pools["buffers 2k"] = max(pools["buffers 2k"], 64)
    return pools


def test_vanished(w):
    with w.serve(w.www(), "--bench", "--keepalive-timeout", "2", *SHORT) as s:
        dev = other_device(s)
        empty = in_use(s)
        reading = w.popen(w.inside(s.netns, "curl", "-sS", "--http0.9", "-o",
                                   "/dev/null", "--max-time", "30",
                                   url(V4, "/bulk")))
        stuck = s.connect()      # its window is shut
        stuck.sendall(request("/bulk"))
        idle = s.connect()       # its answer is there; serve will close it
        idle.sendall(request("/", close=False))
        idle.recv(10000)
        w.ok("three connections: one reads, one does not, one is idle",
             s.wait_states(ESTAB=3) and wait_for(
                 lambda: s.counter("Tcp.OutSegs") > 1000), s.states())
        before = s.counters()
        s.run("ip", "addr", "del", "10.9.3.1/24", "dev", dev)
        began = time.monotonic()
        gone = s.wait_states(10, ESTAB=0, FIN_WAIT_1=0)
        took = time.monotonic() - began
        w.ok("their address goes: all of them time out", gone, s.states())
        w.ok("not before tcp_retries2 (3) says, and soon after", 1 < took < 8,
             f"{took:.2f} s")
        after = s.counters()
        w.equal("TCPAbortOnTimeout counts them",
                after["TcpExt.TCPAbortOnTimeout"] -
                before["TcpExt.TCPAbortOnTimeout"], 3)
        w.ok("it tried: RetransSegs, TCPTimeouts",
             after["Tcp.RetransSegs"] - before["Tcp.RetransSegs"] >= 3 and
             after["TcpExt.TCPTimeouts"] - before["TcpExt.TCPTimeouts"] >= 3)
        w.equal("no orphan, no TIME-WAIT of them is left",
                {k: v for k, v in s.states().items() if v}, {"LISTEN": 1})
        still = wait_for(lambda: in_use(s) == empty, 3)
        w.ok("every pool is as it was", still, empty, s.pools())

        s.run("ip", "addr", "add", "10.9.3.1/24", "dev", dev)
        stuck.sendall(b"are you there?")
        w.equal("the address comes back: its old connection is reset",
                wait_for(lambda: stuck.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ERROR)), errno.ECONNRESET)
        w.equal("and a new one is served", s.curl(url(V4)).stdout, "hello\n")
        stuck.close()
        idle.close()
        reading.kill()
        reading.wait()


def test_link_down(w):
    with w.serve(w.www(), "--bench", *SHORT) as s:
        dev = other_device(s)
        stuck = s.connect(V6)
        stuck.sendall(request("/bulk"))
        w.ok("a download over IPv6", s.wait_states(ESTAB=1) and wait_for(
            lambda: s.counter("Tcp.OutSegs") > 20))
        s.run("ip", "link", "set", dev, "down")
        w.ok("the link goes down: it times out", s.wait_states(10, ESTAB=0),
             s.states())
        w.equal("TCPAbortOnTimeout", s.counter("TcpExt.TCPAbortOnTimeout"), 1)
        s.run("ip", "link", "set", dev, "up")
        w.equal("the link comes up: lull serves again",
                s.curl(url(V4)).stdout, "hello\n")
        stuck.close()


main([test_client_shuts_down, test_lull_shuts_down, test_client_resets,
      test_lull_resets, test_nobody_listens, test_vanished, test_link_down],
     ["curl"])
