# SPDX-License-Identifier: BSD-2-Clause
"""`lull ss` and `lull sysctl` of a running server, beside ss(8) in its namespace."""

import json
import re

from peers import STATES, V4, V6, main, url, wait_for

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def rows(text):
    """State, Recv-Q, Send-Q, local, peer; what follows is left out."""
    return [tuple(line.split()[:5]) for line in text.splitlines()]


def heading(text):
    """Without blanks: how many there are hangs on the rows."""
    return "".join(text.splitlines()[0].split())


def ss(w, s, *argv):
    return w.lull("ss", *argv, "--ctl", s.ctl).stdout


def test_mirror(w, s):
    socks = [s.connect(addr) for addr in (V4, V6) for _ in range(5)]
    for sock in socks:
        sock.sendall(REQUEST)
    first = len(socks[0].recv(1))  # the rest of it stays unread
    w.ok("ten connections", s.wait_states(ESTAB=10) and first == 1 and wait_for(
        lambda: all(r[2] == "0" for r in rows(ss(w, s, "-Htn")))))
    ours, theirs = (rows(text) for text in (
        ss(w, s, "-Htan"), s.run("ss", "-Htan", "state", "all").stdout))
    ours = {(st, local, peer) for st, _, _, local, peer in ours if st == "ESTAB"}
    theirs = {(st, peer, local) for st, _, _, local, peer in theirs
              if st == "ESTAB"}
    w.equal("lull's rows are ss(8)'s in a mirror", ours, theirs)
    w.equal("ten of them", len(ours), 10)
    out = ss(w, s, "-Htn6")
    w.equal("-6", (out.count("ESTAB"), out.count("10.9.3.")), (5, 0))

    # bytes that lull sent and the kernel's program has not read are in its
    # Recv-Q, and in lull's Send-Q no more
    out = s.run("ss", "-Htn", "dst", V4).stdout
    w.ok("they are in the kernel's Recv-Q", all(int(r[1]) > 100
                                               for r in rows(out)), out)
    for sock in socks:
        sock.close()


def test_columns(w, s):
    s.curl("-H", "Connection: close", url(V4), url(V6))
    w.ok("two TIME-WAITs", wait_for(lambda: s.states()["TIME-WAIT"] >= 1))
    for flags in ("-tan", "-tln", "-tano"):
        lull, iproute = ss(w, s, flags), s.run("ss", flags).stdout
        w.equal(f"the heading of ss {flags}", heading(lull), heading(iproute))
    found = re.search(r"^TIME-WAIT +0 +0 +10\.9\.3\.2:80 +10\.9\.3\.1:\d+ +"
                      r"timer:\(timewait,(\d+)sec,0\)", ss(w, s, "-tano"), re.M)
    w.ok("-o shows the time that a TIME-WAIT has left",
         found and 50 <= int(found[1]) <= 60, ss(w, s, "-tano"))
    w.equal("-tln is the listener alone", rows(ss(w, s, "-Htln")),
            [("LISTEN", "0", "4096", "*:80", "*:*")])
    w.ok("without -n port 80 has its name", "*:http" in ss(w, s, "-Htl"))
    w.equal("without -a there is neither listener nor TIME-WAIT",
            ss(w, s, "-Htn"), "")


def test_summary(w, s):
    got = json.loads(ss(w, s, "-s", "--json"))
    w.equal("-s --json: schema 1, all eleven states",
            (got["schema"], sorted(got["states"])), (1, sorted(STATES)))
    text = ss(w, s, "-s")
    w.ok("-s: each state on a line", all(re.search(
        rf"^{st} +{n}$", text, re.M) for st, n in got["states"].items()), text)
    both = json.loads(ss(w, s, "-a", "--json"))
    count = {st: 0 for st in STATES}
    for r in both["sockets"]:
        count[r["state"]] += 1
    w.equal("the rows of -a --json are as many in each state", count,
            s.states())


def test_sysctl(w, s):
    def sysctl(*argv):
        return w.lull("sysctl", "--ctl", s.ctl, *argv)
    out = sysctl("-a").stdout.splitlines()
    w.ok("-a: NAME = VALUE, in order", len(out) > 20 and out == sorted(out) and
         all(re.fullmatch(r"net\.[a-z0-9_.]+ = \S.*|net.ipv4.ip_local_reserved_"
                          r"ports = ", x) for x in out), out)
    name = "net.ipv4.tcp_fin_timeout"
    w.equal("a name", sysctl(name).stdout, f"{name} = 60\n")
    w.equal("-n: the value alone", sysctl("-n", name).stdout, "60\n")
    w.equal("-w", sysctl("-w", f"{name}=7").stdout, f"{name} = 7\n")
    w.equal("it stays", sysctl(name).stdout, f"{name} = 7\n")
    w.equal("as with slashes", sysctl("net/ipv4/tcp_fin_timeout").stdout,
            f"{name} = 7\n")
    got = json.loads(sysctl("--json", "net.ipv4.tcp_rmem").stdout)
    w.equal("--json", (got["schema"], got["sysctl"][0]["value"],
                       got["sysctl"][0]["unit"]),
            (1, [4096, 131072, 6291456], "bytes"))
    kernel = s.run("cat", "/proc/sys/net/ipv4/tcp_keepalive_time").stdout
    w.equal("a default is the kernel's",
            sysctl("-n", "net.ipv4.tcp_keepalive_time").stdout, kernel)

    def refuses(name, words, *argv):
        w.refuses(name, 64, words, "sysctl", "--ctl", s.ctl, *argv)
    refuses("a misspelt name: did you mean",
            ["net.ipv4.tcp_fin_timeot", "did you mean net.ipv4.tcp_fin_timeout?"],
            "net.ipv4.tcp_fin_timeot")
    refuses("out of range: the range and the unit",
            [name, "999999", "1", "3600", "seconds"], "-w", f"{name}=999999")
    refuses("not a number", [name, "soon"], "-w", f"{name}=soon")
    refuses("-w without a value", [name, "NAME=VALUE"], "-w", name)
    refuses("tcp_tw_recycle is explained", ["tcp_tw_recycle", "4.12", "NAT"],
            "-w", "net.ipv4.tcp_tw_recycle=1")
    refuses("the profile is fixed", ["net.lull.profile"], "-w",
            "net.lull.profile=linux")
    w.equal("nothing of that changed it", sysctl("-n", name).stdout, "7\n")

    sysctl("-w", "net.lull.tcp_timewait_len=1")
    before = (s.states()["TIME-WAIT"], s.counter("TcpExt.TWKilled"))
    s.curl("-H", "Connection: close", *[url(V4)] * 3)
    made = wait_for(lambda: s.counter("TcpExt.TWKilled") == before[1] + 3)
    gone = s.wait_states(5, TIME_WAIT=before[0])
    w.ok("tcp_timewait_len=1: new TIME-WAITs last a second, older ones stay",
         made and gone and before[0] > 0, before, s.states())


def test_full(w):
    """What an operator should hear of: a line a second, with how many."""
    s = w.serve(w.www(), "--sysctl", "net.ipv4.tcp_max_tw_buckets=2",
                "--sysctl", "net.ipv4.tcp_fack=0")
    try:
        s.curl("-H", "Connection: close", *[url(V4)] * 6)
        w.ok("more TIME-WAITs than tcp_max_tw_buckets", wait_for(
            lambda: s.counter("Lull.TWEvicted") == 4))

        def told():
            return sum(map(int, re.findall(
                r"^lull serve: tcp_max_tw_buckets: .* (\d+) times", s.stderr(),
                re.M)))
        w.ok("are told of on standard error, with their number",
             wait_for(lambda: told() == 4), s.stderr())
        lines = s.stderr().splitlines()
        w.ok("in a line or two", 2 <= len(lines) <= 3, lines)
        w.equal("--sysctl of what has no effect", lines[0],
                "lull serve: --sysctl net.ipv4.tcp_fack: accepted, no effect: "
                "obsolete; Linux ignores it")
    finally:
        w.equal("it stops in order", s.stop(), 0)
    w.refuses("--sysctl of what is refused", 64, ["tcp_tw_recycle", "4.12"],
              "serve", w.www(), "--sysctl", "net.ipv4.tcp_tw_recycle=1")


def test_all(w):
    w.file("index.html", b"hello\n" * 20)
    with w.serve(w.www()) as s:
        for test in (test_mirror, test_columns, test_summary, test_sysctl):
            test(w, s)
    with w.serve(w.www(), "--sysctl", "net.lull.tcp_timewait_len=9", "--sysctl",
                 "net.lull.profile=linux", "--sysctl",
                 "net.ipv4.tcp_rmem=8192 65536 131072") as s:
        out = w.lull("sysctl", "-n", "--ctl", s.ctl, "net.lull.tcp_timewait_len",
                     "net.lull.profile", "net.ipv4.tcp_rmem").stdout
        w.equal("--sysctl of serve", out.split(),
                ["9", "linux", "8192", "65536", "131072"])
    test_full(w)


main([test_all], ["curl", "ss"])
