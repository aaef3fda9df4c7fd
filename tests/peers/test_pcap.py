# SPDX-License-Identifier: BSD-2-Clause
"""`lull serve --pcap`: Wireshark's expert eye finds nothing of ours malformed."""

import os
import re
import socket
import struct

from peers import Inside, V4, V6, main, url

OURS = f"(ip.src == {V4} || ipv6.src == {V6})"
# What lull would have done wrong. With offload, checksums on the device are half
# done both ways, as in any capture; so what looks at them is without.
BAD = ("(_ws.malformed || _ws.unreassembled || _ws.expert.severity == error ||"
       " tcp.checksum.status == Bad || ip.checksum.status == Bad ||"
       " icmpv6.checksum.status == Bad || tcp.analysis.lost_segment ||"
       " tcp.analysis.ack_lost_segment || _ws.expert.group == Malformed ||"
       " _ws.expert.group == Protocol)")
MARK = b"checked by its sum\n"


def tshark(w, path, shown, *argv):
    p = w.run("tshark", "-n", "-r", path, "-Y", shown,
              "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
              "-o", "tcp.relative_sequence_numbers:FALSE", *argv)
    if p.returncode:
        raise RuntimeError(p.stderr)
    return p.stdout


def frames(w, path):
    """How many TCP frames and SYNs each address sent."""
    out = tshark(w, path, "tcp && !icmp && !icmpv6", "-T", "fields", "-e",
                 "ip.src", "-e", "ipv6.src", "-e", "tcp.flags.syn")
    sent, syns = {}, {}
    for line in out.splitlines():
        v4, v6, syn = line.split("\t")
        sent[v4 or v6] = sent.get(v4 or v6, 0) + 1
        syns[v4 or v6] = syns.get(v4 or v6, 0) + (syn in ("1", "True"))
    return sent, syns


def damage(path):
    """A copy with one byte of a payload changed, in lull's last such frame."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    data[data.rindex(MARK)] ^= 1
    with open(path + ".bad", "wb") as f:
        f.write(data)
    return path + ".bad"


def sum16(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(s, addr, size, seconds=5):
    """An echo request; true if the answer came and is right."""
    v6 = ":" in addr
    body = os.urandom(size)
    head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 77, 1)
    if not v6:
        head = struct.pack("!BBHHH", 8, 0, sum16(head + body), 77, 1)
    with Inside(s.netns):
        sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                             socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6
                             else socket.IPPROTO_ICMP)
    with sock:
        sock.settimeout(seconds)
        sock.connect((addr, 0))
        sock.send(head + body)
        try:
            got = sock.recv(65536)
        except TimeoutError:
            return False
    return got[0 if v6 else 20:][:1] == (b"\x81" if v6 else b"\0") and \
        got.endswith(body)


def test_few(w):
    """All kinds of endings, and answers without a connection."""
    path = os.path.join(w.dir, "few.pcapng")
    with w.serve(w.www(), "--pcap", path, "--offload", "off") as s:
        for addr in (V4, V6):
            s.curl("-g", url(addr, "/mark"), url(addr), url(addr, "/missing"))
            s.curl("-g", "-H", "Connection: close", *[url(addr, "/mark")] * 2)
            s.curl("-g", "-o", "/dev/null", url(addr, "/some"))
            s.curl("-g", url(addr, "/", 81))
            with s.connect(addr) as sock:
                sock.sendall(b"GET /some HTTP/1.1\r\nHost: a\r\n\r\n")
                sock.recv(1000)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
            with s.connect(addr) as sock:
                sock.sendall(b"GET /some HTTP/1.1\r\nHost: a\r\n\r\n")
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1 << 20):
                    pass
            w.ok(f"{addr} answers a ping", ping(s, addr, 56))
            w.ok(f"{addr} answers a ping in fragments",
                 ping(s, addr, 3000))
        s.wait_states(ESTAB=0, CLOSE_WAIT=0, LAST_ACK=0)
    sent, syns = frames(w, path)
    for addr, kernel in ((V4, "10.9.3.1"), (V6, "fd00:9:3::1")):
        w.ok(f"{addr}: both directions of it are in the file",
             sent[addr] > 50 and sent[kernel] > 50, sent)
        w.equal(f"{addr}: SYNs (one more, to a port where nobody listens), and "
                "SYN-ACKs", (syns[kernel], syns[addr]), (7, 6))
    w.equal("nothing of ours is malformed", tshark(w, path, f"{OURS} && {BAD}"),
            "")
    seen = tshark(w, path, OURS, "-q", "-z", "expert,error")
    w.ok("no expert error at all", not re.search(r"^Errors", seen, re.M), seen)
    w.equal("(a byte changed in the file is found)",
            tshark(w, damage(path), f"{OURS} && tcp.checksum.status == Bad").count(
                "\n"), 1)


def test_many(w):
    path = os.path.join(w.dir, "many.pcapng")
    with w.serve(w.www(), "--pcap", path, "--offload", "off") as s:
        p = s.run("wrk", "-t1", "-c1", "-d1s", "-H", "Connection: close", url(V4))
        w.ok("wrk for a second, with Connection: close",
             "Socket errors" not in p.stdout, p.stdout)
        opened = s.counter("Tcp.PassiveOpens")
    # a bad one of ours, or a FIN
    out = tshark(w, path, f"{OURS} && ({BAD} || tcp.flags.fin == 1)", "-T",
                 "fields", "-e", "tcp.flags.fin", "-e", "_ws.expert.message",
                 "-e", "tcp.checksum.status")
    lines = out.splitlines()
    w.ok("each connection has a FIN of ours", opened > 500 and
         opened <= len(lines) <= opened * 1.01 + 5, opened, len(lines))
    bad = [x for x in lines if not x.startswith(("1\t", "True\t")) or
           "alformed" in x or x.endswith("\t0")]
    w.equal("nothing of ours is malformed", bad[:5], [])


def test_ethernet(w):
    path = os.path.join(w.dir, "ether.pcapng")
    with w.serve(w.www(), "--link", "tap", "--offload", "off", "--pcap",
                 path) as s:
        for addr in (V4, V6):
            w.equal(f"a page from {addr} over Ethernet",
                    s.curl("-g", url(addr)).stdout, "hello\n")
    # Both answers of ours: whom was the kernel told to send to?
    told = f"(arp.opcode == 2 && arp.src.proto_ipv4 == {V4}) || " \
           f"(icmpv6.type == 136 && ipv6.src == {V6})"
    w.equal("frames are read as Ethernet's: ARP and Neighbor Discovery",
            tshark(w, path, told).count("\n"), 2)
    ours = f"({OURS} || arp.src.proto_ipv4 == {V4})"
    w.equal("nothing of ours is malformed there",
            tshark(w, path, f"{ours} && {BAD}"), "")


def test_large(w):
    """With offload: frames of many segments are whole, and nothing is wrong."""
    path = os.path.join(w.dir, "large.pcapng")
    with w.serve(w.www(), "--pcap", path, "--bench") as s:
        for addr in (V4, V6):
            s.curl("-g", "-o", "/dev/null", url(addr, "/some"))
            s.curl("-g", "-T", os.path.join(w.www(), "some"), "--max-time",
                   "2", url(addr, "/sink"))
    for addr, kernel in ((V4, "10.9.3.1"), (V6, "fd00:9:3::1")):
        for who in (addr, kernel):
            src = f"ip{'v6' * (':' in who)}.src == {who}"
            lens = tshark(w, path, f"tcp && {src}", "-T", "fields", "-e",
                          "tcp.len").split()
            w.ok(f"{who}: large frames, and all of the file",
                 max(map(int, lens)) > 5000 and
                 sum(map(int, lens)) >= 2 << 20, max(lens), len(lens))
    wrong = BAD.replace("tcp.checksum.status == Bad || ", "")
    p = w.run("tshark", "-n", "-r", path, "-Y", wrong)
    w.equal("nothing is malformed", (p.returncode, p.stdout), (0, ""))


def test_all(w):
    w.file("index.html", b"hello\n")
    w.file("mark", MARK)
    w.file("some", os.urandom(2 << 20))
    test_few(w)
    test_ethernet(w)
    test_many(w)
    test_large(w)
    p = w.serve(w.www(), "--pcap", "/dev/full")
    p.curl(p.url)
    code = p.stop()
    w.ok("a file that can't be written is told: exit 3, one line",
         code == 3 and p.stderr().count("\n") == 1 and "/dev/full" in p.stderr(),
         code, p.stderr())


main([test_all], ["curl", "wrk", "tshark"])
