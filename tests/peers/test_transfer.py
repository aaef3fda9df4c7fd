# SPDX-License-Identifier: BSD-2-Clause
"""1 GiB each way over IPv4, a quarter of it over IPv6, by their SHA-256; and
without offload, a quarter and less.

No two megabytes are the same, and the bytes of each are random: what is lost,
doubled or out of order changes the digest.
"""

import hashlib
import json
import os
import socket
import subprocess

from peers import Peer, V4, V6, main, url

MIB = 1 << 20
SIZES = {"gib": 1024 * MIB, "quarter": 256 * MIB, "some": 64 * MIB}
WAYS = {"on": ((V4, "gib"), (V6, "quarter")),
        "off": ((V4, "quarter"), (V6, "some"))}
TRANSFER_S = 60


def make_file(path, size):
    """The file's digest."""
    digest = hashlib.sha256()
    data = memoryview(bytearray(os.urandom(MIB)))
    with open(path, "wb") as f:
        for i in range(size // MIB):
            data[:8] = i.to_bytes(8, "big")
            digest.update(data)
            f.write(data)
    return digest.hexdigest()


def hash_of(stream):
    digest, size = hashlib.sha256(), 0
    while True:
        part = stream.read1(MIB)
        if not part:
            return digest.hexdigest(), size
        digest.update(part)
        size += len(part)


def read_all(sock):
    got = b""
    while True:
        part = sock.recv(1000)
        if not part:
            return got
        got += part


def is_clean(w, s):
    c = s.counters()
    names = ("Lull.Broken", "Tcp.InCsumErrors", "Tcp.InErrs", "Ip.InHdrErrors",
             "TcpExt.TCPAbortOnTimeout")
    w.equal("no bad segment, no time-out, no state without sense",
            {n: c[n] for n in names}, {n: 0 for n in names})


def frames_were(w, s, offload):
    """Frames on the device were of many segments, or none of them was."""
    link = json.loads(s.run("ip", "-s", "-j", "link", "show", "type",
                            "tun").stdout)[0]["stats64"]
    most = max(link[k]["bytes"] / max(link[k]["packets"], 1)
               for k in ("rx", "tx"))
    w.ok(f"offload {offload}: frames are of "
         f"{'many segments' if offload == 'on' else 'one'}",
         (most > 3000) == (offload == "on"), link)


def test_down(w, digests, offload):
    with w.serve(w.www(), "--offload", offload) as s:
        for addr, name in WAYS[offload]:
            curl = w.popen(w.inside(s.netns, "curl", "-g", "-sS", "--max-time",
                                    str(TRANSFER_S), url(addr, "/" + name)),
                           stdout=subprocess.PIPE)
            got, size = hash_of(curl.stdout)
            w.equal(f"curl gets {SIZES[name] // MIB} MiB from {addr}: exit, "
                    "bytes, SHA-256", (curl.wait(TRANSFER_S), size, got),
                    (0, SIZES[name], digests[name]))
        is_clean(w, s)
        frames_were(w, s, offload)


def test_up(w, digests, offload):
    if not w.tool:
        w.skip("bytes to lull", "needs the peers' program")
        return
    with Peer(w, "hash", *(["plain"] if offload == "off" else [])) as s:
        for addr, name in WAYS[offload]:
            with s.connect(addr, 9, timeout=TRANSFER_S) as sock, \
                    open(os.path.join(w.www(), name), "rb") as f:
                sock.sendfile(f)
                sock.shutdown(socket.SHUT_WR)
                answer = read_all(sock).decode()
            w.equal(f"lull gets {SIZES[name] // MIB} MiB at {addr}: its "
                    "SHA-256, its bytes", s.line(TRANSFER_S),
                    f"fin {digests[name]} {SIZES[name]}")
            w.equal("and its answer came after our FIN", answer, digests[name])
        is_clean(w, s)
        frames_were(w, s, offload)
        w.ok("the connections are gone: the kernel closed first",
             s.wait_states(ESTAB=0, CLOSE_WAIT=0, LAST_ACK=0, TIME_WAIT=0),
             s.states())


def test_all(w):
    digests = {name: make_file(os.path.join(w.www(), name), size)
               for name, size in SIZES.items()}
    for offload in WAYS:
        test_down(w, digests, offload)
        test_up(w, digests, offload)


main([test_all], ["curl"])
