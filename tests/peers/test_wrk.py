# SPDX-License-Identifier: BSD-2-Clause
"""wrk for two seconds in each way: who keeps connections, and who closes."""

import re

from peers import V4, V6, main, url

SECONDS = 2
CONNECTIONS = 32


def wrk(w, s, addr, *argv):
    p = s.run("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", *argv, url(addr))
    found = re.search(r"(\d+) requests in", p.stdout)
    n = int(found[1]) if found else 0
    w.ok(f"{n} requests, no error", p.returncode == 0 and n > 1000 and
         "Socket errors" not in p.stdout and "Non-2xx" not in p.stdout,
         p.stdout, p.stderr)
    return n


def is_idle(w, s):
    w.ok("no connection is left open", s.wait_states(
        ESTAB=0, SYN_RECV=0, FIN_WAIT_1=0, FIN_WAIT_2=0, CLOSE_WAIT=0,
        LAST_ACK=0, CLOSING=0), s.states())
    c = s.counters()
    names = ("Lull.Broken", "Tcp.InCsumErrors", "Tcp.InErrs",
             "TcpExt.ListenOverflows", "TcpExt.ListenDrops",
             "TcpExt.TCPAbortOnTimeout", "TcpExt.TCPTimeouts")
    w.equal("nothing was refused, and no timer had to help",
            {n: c[n] for n in names}, {n: 0 for n in names})


def test_server_closes(w):
    w.file("index.html", b"hello\n")
    for addr in (V4, V6):
        print(f"# {addr}, keep-alive", flush=True)
        with w.serve(w.www(), "--keepalive-requests", "0") as s:
            n = wrk(w, s, addr)
            opened = s.counter("Tcp.PassiveOpens")
            w.ok("the connections were kept", opened <= 2 * CONNECTIONS < n,
                 opened)
            is_idle(w, s)
        print(f"# {addr}, Connection: close", flush=True)
        with w.serve(w.www()) as s:
            n = wrk(w, s, addr, "-H", "Connection: close")
            opened = s.counter("Tcp.PassiveOpens")
            w.ok("a connection for each request", opened >= n, opened)
            w.ok("the summary shows TIME-WAIT by number",
                 s.states()["TIME-WAIT"] > 1000, s.states())
            out = w.lull("ss", "-s", "--ctl", s.ctl).stdout
            found = re.search(r"^TIME-WAIT +(\d+)$", out, re.M)
            w.ok("and so it does as text", found and int(found[1]) > 1000, out)
            is_idle(w, s)


def test_client_closes(w):
    with w.serve(w.www(), "--close-by", "client") as s:
        for addr in (V4, V6):
            print(f"# {addr}, Connection: close, the client first", flush=True)
            wrk(w, s, addr, "-H", "Connection: close")
        is_idle(w, s)
        w.equal("lull has no TIME-WAIT", s.states()["TIME-WAIT"], 0)
        out = s.run("ss", "-Htan", "state", "time-wait").stdout
        w.ok("the kernel has them", out.count("\n") > 1000, out.count("\n"))


main([test_server_closes, test_client_closes], ["wrk", "ss"])
