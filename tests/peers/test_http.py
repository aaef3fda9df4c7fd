# SPDX-License-Identifier: BSD-2-Clause
"""HTTP of `lull serve`, with curl and with requests written by hand."""

import hashlib
import os
import re

from peers import V4, V6, main, url, wait_for

TYPES = {
    "a.html": "text/html; charset=utf-8",
    "a.HTM": "text/html; charset=utf-8",
    "a.css": "text/css; charset=utf-8",
    "a.js": "text/javascript; charset=utf-8",
    "a.json": "application/json",
    "a.txt": "text/plain; charset=utf-8",
    "a.svg": "image/svg+xml",
    "a.png": "image/png",
    "a.jpeg": "image/jpeg",
    "a.pdf": "application/pdf",
    "a.wasm": "application/wasm",
    "a.tar.gz": "application/gzip",
    "a.unknown": "application/octet-stream",
    "none": "application/octet-stream",
}
SECRET = "this is outside of the directory\n"
BIG = 48 << 20


def fill(w):
    w.file("index.html", b"hello\n")
    w.file("sub/index.html", b"sub\n")
    w.file("a b&c%.txt", b"odd\n")
    w.file("empty", b"")
    for name in TYPES:
        w.file(name, b"x\n")
    data = os.urandom(1 << 20)
    with open(os.path.join(w.www(), "big"), "wb") as f:
        for i in range(BIG >> 20):
            f.write(i.to_bytes(8, "big") + data[8:])
    w.file("secret", SECRET.encode(), w.dir)
    for name, to in (("out", "../secret"), ("abs", f"{w.dir}/secret"),
                     ("outdir", ".."), ("in", "sub/index.html"),
                     ("gone", "nowhere"), ("loop", "loop")):
        os.symlink(to, os.path.join(w.www(), name))
    os.mkfifo(os.path.join(w.www(), "fifo"))


def test_connections(w, s, addr):
    u = url(addr)
    p = s.curl("-g", "-w", "%{num_connects}\n", u, u)
    w.equal(f"{addr}: two URLs, one connection", p.stdout,
            "hello\n1\nhello\n0\n")
    before = s.states()["TIME-WAIT"]
    p = s.curl("-g", "-i", "-H", "Connection: close",
               "-w", "%{num_connects}\n", u, u)
    w.ok(f"{addr}: Connection: close is answered so, and is a connection each",
         p.stdout.count("Connection: close\r\n") == 2 and
         re.findall(r"^\d$", p.stdout, re.M) == ["1", "1"], p.stdout)
    w.ok(f"{addr}: the server closed first: two TIME-WAITs more",
         s.wait_states(ESTAB=0, TIME_WAIT=before + 2), s.states())
    p = s.curl("-g", "-0", "-i", u)
    w.ok(f"{addr}: HTTP/1.0 closes", "Connection: close\r\n" in p.stdout, p.stdout)
    p = s.curl("-g", "-I", u)
    w.ok(f"{addr}: HEAD has the length and no body",
         "Content-Length: 6\r\n" in p.stdout and p.stdout.endswith("\r\n\r\n"),
         p.stdout)


def status(s, addr, path, *argv):
    p = s.curl("-g", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}",
               *argv, url(addr, path))
    return p.stdout + p.stderr


def test_answers(w, s, addr):
    p = s.curl("-g", "-i", url(addr, "/missing"))
    w.ok(f"{addr}: 404 with a body that says so",
         p.stdout.startswith("HTTP/1.1 404 Not Found\r\n") and
         "404" in p.stdout.split("\r\n\r\n")[1], p.stdout)
    p = s.curl("-g", "-i", "-d", "x=y", url(addr))
    w.ok(f"{addr}: POST gets 405, with Allow",
         p.stdout.startswith("HTTP/1.1 405 ") and
         "Allow: GET, HEAD\r\n" in p.stdout, p.stdout)
    for method in ("PUT", "DELETE", "OPTIONS"):
        w.equal(f"{addr}: {method} gets 405",
                status(s, addr, "/", "-X", method), "405")
    p = s.curl("-g", "-X", "POST", "--data-binary", f"@{w.www()}/big", "-o",
               "/dev/null", "-w", "%{http_code}", url(addr))
    w.equal(f"{addr}: a large POST is told, and not cut off by a reset",
            p.stdout[:3], "405")
    for path, want in (
            ("/", "200"), ("/?query", "200"), ("/sub/", "200"),
            ("/a%20b%26c%25.txt", "200"), ("/empty", "200"),
            ("/sub/../index.html", "200"), ("/in", "200"),
            ("/index.html/", "404"), ("/gone", "404"), ("/loop", "404"),
            ("/%zz", "400"), ("/%2", "400"), ("/%00", "400"),
            ("/" + "a" * 3000, "414"), ("/" + "a" * 300, "404"),
            ("/fifo", "403"), ("/sub", "301")):
        w.equal(f"{addr}: {path[:24]} is {want}", status(s, addr, path), want)


def test_types(w, s):
    for name, want in TYPES.items():
        p = s.curl("-o", "/dev/null", "-w", "%{http_code} %{content_type}",
                   url(V4, "/" + name))
        w.equal(f"the type of {name}", p.stdout, f"200 {want}")


def test_redirects(w, s):
    for path, want in (("/sub", "/sub/"), ("/sub?x=1", "/sub/?x=1")):
        p = s.curl("-i", url(V4, path))
        found = re.search(r"^Location: (.*)\r$", p.stdout, re.M)
        w.equal(f"{path} is sent to {want}", found and found[1], want)
        p = s.curl("-L", url(V4, path))
        w.equal(f"and there is the page, by {path}", p.stdout, "sub\n")
    p = s.curl("--path-as-is", "-i", url(V4, "//sub"))
    found = re.search(r"^Location: (.*)\r$", p.stdout, re.M)
    w.ok("//sub is not sent to a host of that name",
         not found or not found[1].startswith("//"), p.stdout)


def test_escapes(w, s, addr):
    for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret",
                 "/%2e%2e%2fsecret", "/sub/../../secret", "/.%2e/secret",
                 "/outdir/secret", "/out", "/abs", f"/{w.dir}/secret",
                 "//../secret", f"/%2f{w.dir}/secret", "/../../etc/passwd",
                 "/sub/..%5c..%5csecret", "/%252e%252e/secret",
                 "/proc/self/root/etc/passwd"):
        p = s.curl("-g", "--path-as-is", "-w", "%{http_code}", url(addr, path))
        w.ok(f"{addr}: {path.replace(w.dir, 'DIR')} stays inside",
             p.stdout[-3:] in ("403", "404") and SECRET not in p.stdout and
             "root:" not in p.stdout, p.stdout, p.stderr)


def talk(s, data, addr=V4, pieces=False):
    """Send, and read to the end."""
    with s.connect(addr, timeout=3) as sock:
        if pieces:
            sock.setsockopt(6, 1, 1)  # TCP_NODELAY: a segment a byte
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
        else:
            sock.sendall(data)
        return read_all(sock)


def read_all(sock):
    """To the end of file; an error is told at the end of what came before."""
    got = []
    try:
        while True:
            part = sock.recv(1 << 20)
            if not part:
                break
            got.append(part)
    except OSError as e:
        got.append(f" [{e}]".encode())
    return b"".join(got)


CLOSE = b"Connection: close\r\n"


def test_by_hand(w, s):
    for name, data in (
            ("no Host", b"GET / HTTP/1.1\r\n\r\n"),
            ("no request line", b"\r\nwhat is this\r\n\r\n"),
            ("a header without a name", b"GET / HTTP/1.1\r\n: x\r\n\r\n"),
            ("a blank before a header's colon",
             b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"),
            ("bytes at random", bytes(range(256)) * 4),
            ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")):
        got = talk(s, data)
        w.ok(f"400, and the end, after {name}",
             got.startswith(b"HTTP/1.1 400 ") and b"\r\n" + CLOSE in got and
             got.endswith(b"\n"), got[:300])
    got = talk(s, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100000 +
               b"\r\n\r\n")
    w.ok("431 after a header without end", got.startswith(b"HTTP/1.1 431 "),
         got[:300])
    got = talk(s, b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n",
               pieces=True)
    w.ok("a request that comes byte by byte",
         got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"hello\n"), got)
    one = b"%s /%s HTTP/1.1\r\nHost: a\r\n%s\r\n"
    got = talk(s, one % (b"GET", b"", b"") + one % (b"HEAD", b"", b"") +
               one % (b"GET", b"missing", b"") + one % (b"GET", b"sub/", CLOSE))
    w.equal("pipelined requests are answered in order",
            re.findall(rb"HTTP/1.1 (\d+)|\n(hello|sub)\n", got),
            [(b"200", b""), (b"", b"hello"), (b"200", b""), (b"404", b""),
             (b"200", b""), (b"", b"sub")])
    got = talk(s, one % (b"GET", b"", b"") * 500 + one % (b"GET", b"", CLOSE))
    w.equal("501 pipelined requests", got.count(b"hello\n"), 501)
    got = talk(s, one % (b"GET", b"", CLOSE) + one % (b"GET", b"sub/", b""))
    w.ok("nothing is answered after Connection: close",
         got.count(b"HTTP/1.1") == 1 and got.endswith(b"hello\n"), got)


def test_head_keeps_in_step(w, s):
    with s.connect() as sock:
        sock.sendall(b"HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n"
                     b"GET / HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n")
        got = read_all(sock)
    heads = got.split(b"\r\n\r\n")
    w.ok("after HEAD of a large file the next answer follows at once",
         len(heads) == 3 and b"Content-Length: %d\r\n" % BIG in heads[0] and
         heads[1].startswith(b"HTTP/1.1 200 ") and heads[2] == b"hello\n",
         got[:600])


def test_large(w, s, addr):
    with open(os.path.join(w.www(), "big"), "rb") as f:
        want = hashlib.sha256(f.read()).hexdigest()
    for how in ((), ("-H", "Connection: close")):
        p = s.curl("-g", *how, url(addr, "/big"), text=False)
        w.equal(f"{addr}: 48 MiB by its SHA-256 {' '.join(how)}",
                hashlib.sha256(p.stdout).hexdigest(), want)


def test_files_that_change(w, s):
    path = w.file("changes.txt", b"one\n")
    first = s.curl(url(V4, "/changes.txt")).stdout
    with open(path, "wb") as f:
        f.write(b"number two\n")
    last = wait_for(lambda: s.curl(url(V4, "/changes.txt")).stdout ==
                    "number two\n", 4)
    os.unlink(path)
    gone = wait_for(lambda: status(s, V4, "/changes.txt") == "404", 4)
    w.ok("a file that changes is served anew, and one that goes is gone",
         first == "one\n" and last and gone, first, last, gone)


def test_all(w):
    fill(w)
    with w.serve(w.www()) as s:
        for addr in (V4, V6):
            test_connections(w, s, addr)
            test_answers(w, s, addr)
            test_escapes(w, s, addr)
            test_large(w, s, addr)
        for test in (test_types, test_redirects, test_by_hand,
                     test_head_keeps_in_step, test_files_that_change):
            test(w, s)
        w.ok("no connection is left open", s.wait_states(
            ESTAB=0, CLOSE_WAIT=0, FIN_WAIT_1=0, FIN_WAIT_2=0, LAST_ACK=0),
            s.states())


main([test_all], ["curl"])
