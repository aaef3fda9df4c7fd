# SPDX-License-Identifier: BSD-2-Clause
"""`lull serve`: its line, its namespace, its end."""

import os
import re
import signal
import stat
import time

from peers import V4, V6, main, url, wait_for

BIG = 256 << 20


def test_defaults(w):
    w.file("index.html", b"hello\n")
    with w.serve(cwd=w.www()) as s:
        w.equal("the ready line, with its defaults", s.ready,
                f"ready http://10.9.3.2/ netns=lull-{s.pid} "
                f"ctl=/run/lull/{s.pid}.sock")
        mode = os.stat(s.ctl).st_mode
        w.ok("the control socket is a socket of mode 0600",
             stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode))
        w.ok("the namespace is one of ip-netns(8)",
             re.search(rf"^lull-{s.pid}\b", w.run("ip", "netns", "list").stdout,
                       re.M))
        w.equal("it serves the current directory", s.curl(url(V4)).stdout,
                "hello\n")
        w.equal("and over IPv6", s.curl(url(V6)).stdout, "hello\n")
        began = time.monotonic()
        code = s.stop()
        w.ok("SIGTERM: exit 0 within 3 s",
             code == 0 and time.monotonic() - began < 3, code)
        w.equal("nothing on stderr", s.stderr(), "")
        w.ok("the namespace is gone", not w.netns_there(s.netns))
        w.ok("the control socket is gone", not os.path.lexists(s.ctl))


def test_line(w):
    for words, want in (
            (["--port", "8080"], "http://10.9.3.2:8080/"),
            (["--port", "80"], "http://10.9.3.2/"),
            (["--addr", "fd00:9:5::7/64", "--addr", "10.9.5.7/24"],
             "http://[fd00:9:5::7]/"),
            (["--addr", "fd00:9:5::7/64", "--port", "81"],
             "http://[fd00:9:5::7]:81/"),
            (["--addr", "10.9.5.7/24", "--addr", "fd00:9:5::7/64"],
             "http://10.9.5.7/")):
        with w.serve(w.www(), *words) as s:
            w.equal(f"the URL with {' '.join(words)}", s.url, want)
            w.equal(f"and it answers there: {want}",
                    s.curl("-g", s.url).stdout, "hello\n")


def test_peer_address(w):
    with w.serve(w.www(), "--addr", "10.9.5.7/24") as s:
        out = s.run("ip", "-o", "-4", "addr").stdout
        w.ok("the kernel gets the prefix's first other address",
             " 10.9.5.1/24 " in out, out)
    with w.serve(w.www(), "--addr", "10.9.5.7/24", "--peer",
                 "10.9.5.99/24") as s:
        out = s.run("ip", "-o", "-4", "addr").stdout
        w.ok("or the one of --peer", " 10.9.5.99/24 " in out, out)
        w.equal("and is served there", s.curl(s.url).stdout, "hello\n")
    with w.serve(w.www()) as s:
        s.run("ip", "link", "set", "lo", "up")
        s.run("ip", "addr", "add", "192.0.2.77/32", "dev", "lo")
        w.equal("any source is answered through the TUN",
                s.curl("--interface", "192.0.2.77", s.url).stdout, "hello\n")


def test_link_tap(w):
    with w.serve(w.www(), "--link", "tap") as s:
        for addr in (V4, V6):
            w.equal(f"--link tap: a page from {addr}",
                    s.curl("-g", url(addr)).stdout, "hello\n")
        out = s.run("ip", "neigh").stdout
        w.ok("the kernel has us as its neighbour, by ARP and by NDP",
             all(re.search(rf"^{a} dev \S+ lladdr \S+ (REACHABLE|DELAY)", out,
                           re.M) for a in (V4, V6)), out)
        s.run("ip", "link", "set", "lo", "up")
        s.run("ip", "addr", "add", "192.0.2.77/32", "dev", "lo")
        w.equal("beyond the link the kernel is the gateway",
                s.curl("--interface", "192.0.2.77", s.url).stdout, "hello\n")
    with w.serve(w.www(), "--link", "tap", "--gateway", "10.9.3.77") as s:
        s.run("ip", "link", "set", "lo", "up")
        s.run("ip", "addr", "add", "192.0.2.77/32", "dev", "lo")
        p = s.curl("--interface", "192.0.2.77", "--max-time", "2", s.url)
        w.ok("or who --gateway says, who is not there", p.returncode == 28,
             p.returncode, p.stderr)
        w.ok("and is asked for", s.counter("Lull.ArpOutRequests") > 0)
        w.equal("the link itself needs none", s.curl(s.url).stdout, "hello\n")


def test_netns(w):
    name = w.add_netns("there")
    ctl = os.path.join(w.dir, "c.sock")
    with w.serve(w.www(), "--netns", name, "--ctl", ctl) as s:
        w.equal("--netns and --ctl in the ready line", s.ready,
                f"ready http://10.9.3.2/ netns={name} ctl={ctl}")
        w.equal("a namespace that exists is used", s.curl(s.url).stdout,
                "hello\n")
    w.ok("and not removed", w.netns_there(name))
    out = w.run("ip", "-n", name, "-o", "link").stdout
    w.ok("but the TUN device is", "lull" not in out, out)
    w.ok("and the control socket of --ctl", not os.path.lexists(ctl))

    with w.serve(w.www(), "--netns", "-", wrap=w.inside(name)) as s:
        w.ok("--netns -: the line says so", " netns=- " in s.ready, s.ready)
        out = w.run("ip", "-n", name, "-o", "link").stdout
        w.ok("the TUN device is in the current namespace", "lull" in out, out)
        w.equal("and it answers", w.run_in(name, "curl", "-sS", s.url).stdout,
                "hello\n")
    out = w.run("ip", "-n", name, "-o", "link").stdout
    w.ok("the device goes with it", "lull" not in out, out)
    w.del_netns(name)

    name = w.name("made")
    with w.serve(w.www(), "--netns", name) as s:
        w.ok("a namespace that does not exist is made", w.netns_there(name))
        w.equal("and used", s.curl(s.url).stdout, "hello\n")
    w.ok("and removed", not w.netns_there(name))


def test_signals(w):
    for number in (signal.SIGINT, signal.SIGHUP):
        with w.serve(w.www()) as s:
            code = s.stop(number)
            w.ok(f"{number.name}: exit 0, and all is gone",
                 code == 0 and not w.netns_there(s.netns) and
                 not os.path.lexists(s.ctl), code)


def ends_within(w, name, s, seconds):
    began = time.monotonic()
    code = s.stop()
    took = time.monotonic() - began
    w.ok(name, code == 0 and took < seconds and not w.netns_there(s.netns) and
         not os.path.lexists(s.ctl), f"exit {code} after {took:.2f} s")
    return took


def ask(s, path, addr=V4, close=False, **options):
    sock = s.connect(addr, **options)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n"
                 f"{'Connection: close' if close else 'X: y'}\r\n\r\n".encode())
    return sock


def test_drain(w):
    with open(os.path.join(w.www(), "big"), "wb") as f:
        f.truncate(BIG)
    with w.serve(w.www()) as s:
        idle = ask(s, "/")
        first = idle.recv(65536)
        w.ok("a keep-alive connection is open",
             first.startswith(b"HTTP/1.1 200") and s.wait_states(ESTAB=1))
        ends_within(w, "SIGTERM with it idle: exit 0 within 1.5 s", s, 1.5)
        w.equal("the client saw the end of file", idle.recv(1), b"")
        idle.close()

    with w.serve(w.www()) as s:
        stuck = ask(s, "/big")
        stuck.recv(1000)
        took = ends_within(w, "SIGTERM with a download that nobody reads: exit "
                           "0 within 3 s", s, 3)
        w.ok("but it had its 2 seconds", took > 1.5, f"{took:.2f} s")
        stuck.close()

    size = 16 << 20
    w.file("some", os.urandom(size))
    with w.serve(w.www()) as s:
        sock = ask(s, "/some")
        got = len(sock.recv(1000))
        s.process.send_signal(signal.SIGTERM)
        refused = wait_for(lambda: not_accepted(s), 2)
        w.ok("after SIGTERM new connections are refused", refused)
        got, end = read_on(sock, got)
        w.ok("a download that is read is whole", got > size, got)
        w.equal("and ends with the server's FIN", end, "FIN")
        sock.close()
        ends_within(w, "and then lull ends, before the 2 seconds", s, 2)


def read_on(sock, got):
    """How many bytes there were in all, and how it ended."""
    try:
        while True:
            more = len(sock.recv(1 << 20))
            if not more:
                return got, "FIN"
            got += more
    except OSError as e:
        return got, str(e)


def not_accepted(s):
    try:
        s.connect(timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_time_wait_is_not_waited_for(w):
    with w.serve(w.www()) as s:
        s.curl("-H", "Connection: close", *[url(V4)] * 5)
        w.ok("five connections are in TIME-WAIT", s.wait_states(TIME_WAIT=5),
             s.states())
        ends_within(w, "SIGTERM waits for no TIME-WAIT", s, 1.5)


def test_keepalive_options(w):
    with w.serve(w.www(), "--keepalive-requests", "2") as s:
        p = s.curl("-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null",
                   "-w", "%{num_connects} ", *[url(V4)] * 3)
        w.equal("--keepalive-requests 2: the third opens another",
                p.stdout, "1 0 1 ")
    with w.serve(w.www(), "--keepalive-timeout", "1") as s:
        sock = ask(s, "/")
        began = time.monotonic()
        sock.recv(65536)
        end = sock.recv(1)
        took = time.monotonic() - began
        w.ok("--keepalive-timeout 1: closed when idle so long",
             end == b"" and 0.5 < took < 3.5, f"{took:.2f} s")
        sock.close()


main([test_defaults, test_link_tap, test_line, test_peer_address, test_netns, test_signals,
      test_drain, test_time_wait_is_not_waited_for, test_keepalive_options],
     ["curl"])
